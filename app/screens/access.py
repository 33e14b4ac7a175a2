"""Who may do what with a bucket, shown, given and taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Button

from app.screens.dialog import ConfirmDialog, Dialog, Label, button, shown
from app.screens.over import Over
from services.changing import send_policy
from services.connection import Connection
from services.credentials import own_members
from services.errors import PailError, PreconditionFailed
from services.gcs.interface import ControlPlane
from services.model import BucketInfo, IamPolicy
from services.policy import REPLIT_NOTE, Grant, grant, grant_warnings, grants, revoke, revoke_warnings
from services.policy_words import PERMISSIONS, member_words, role_title
from widgets.access_panel import AccessPanel, GrantForm
from widgets.facts import Facts
from widgets.symbols import Symbols

Change = Callable[[IamPolicy], IamPolicy]
"""A change of a policy, which returns the very policy that it is given where there is nothing to change."""

KEYS: Final = "n gives a role · X takes one · c copies · R reads again · Esc closes"
"""The keys of the dialog."""


class AccessScreen(Over[None]):
    """The grants of a bucket, read when it opens; each change is sent against what is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Close", show=False),
        Binding("R", "reread", "Read again", show=False),
    ]

    def __init__(
        self,
        control: ControlPlane,
        connection: Connection,
        bucket: str,
        settings: BucketInfo | None,
        symbols: Symbols,
    ) -> None:
        """Show the access of a bucket; `settings` is None where they cannot be read."""
        super().__init__()
        self._control = control
        self._connection = connection
        self._bucket = bucket
        self._settings = settings
        self._symbols = symbols
        self._policy: IamPolicy | None = None
        self._granted: Collection[str] | None = None

    def compose(self) -> ComposeResult:
        """Lay out title, grants and keys."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label(f"Access to {shown(self._bucket)}", classes="dialog-title")
            yield AccessPanel(symbols=self._symbols)
            yield Label("reading…", id="access-note", classes="dialog-note")

    def on_mount(self) -> None:
        """Read the grants."""
        self.query_one(AccessPanel).focus()
        self.action_reread()

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def action_reread(self) -> None:
        """Read what these credentials may do, and who has which role."""
        self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        try:
            self._granted = await self._control.test_permissions(self._bucket, list(PERMISSIONS))
        except PailError:  # the panel says that it is not known
            self._granted = None
        try:
            self._policy = await self._control.get_policy(self._bucket)
        except PailError as error:
            self._policy = None
            self.query_one(AccessPanel).show_refused(self._granted, error.message, error.remedy, note=self._note)
            self._say("R reads again · Esc closes")
        else:
            self._show(self._policy)

    @property
    def _note(self) -> str:
        return REPLIT_NOTE if self._connection.credentials.kind == "replit" else ""

    def _show(self, policy: IamPolicy) -> None:
        may_change = self._granted is None or "storage.buckets.setIamPolicy" in self._granted
        panel = self.query_one(AccessPanel)
        panel.show_access(grants(policy), self._granted, may_change=may_change, note=self._note)
        self._say(KEYS if may_change else "c copies · R reads again · Esc closes")

    def _say(self, text: str) -> None:
        self.query_one("#access-note", Label).update(self._symbols.say(text))

    @on(Facts.CopyWanted)
    def _copy_wanted(self, message: Facts.CopyWanted) -> None:
        message.stop()
        self.app.copy_to_clipboard(message.text)
        self.app.notify(f"Copied {shown(message.text)}", markup=False)

    @on(AccessPanel.GrantWanted)
    def _grant_wanted(self, message: AccessPanel.GrantWanted) -> None:
        message.stop()
        self.run_worker(self._grant())

    @on(AccessPanel.RevokeWanted)
    def _revoke_wanted(self, message: AccessPanel.RevokeWanted) -> None:
        message.stop()
        self.run_worker(self._revoke(message.grant))

    async def _grant(self) -> None:
        async def give(member: str, role: str) -> None:
            await self._send(lambda policy: grant(policy, member, role))

        given = await self.app.push_screen_wait(GrantDialog(self._bucket, self._settings, give, self._symbols))
        if given is not None:
            member, role = given
            self._tell(f"{member_words(member)}: {role_title(role)}")

    async def _revoke(self, wanted: Grant) -> None:
        def take(policy: IamPolicy) -> IamPolicy:
            return revoke(policy, wanted.member, wanted.role, wanted.condition)

        seen = self._policy
        if seen is None:
            return
        me = await asyncio.to_thread(own_members, self._connection)
        warnings = [f"! {warning}" for warning in revoke_warnings(seen, take(seen), me)]
        lines = (f"{shown(wanted.who)}: {wanted.what}", *([shown(wanted.when)] if wanted.when else []), *warnings)
        if not await self.app.push_screen_wait(ConfirmDialog("Take this role?", lines, go="Take it", danger=True)):
            return
        try:
            await self._send(take)
        except PailError as error:
            self._tell(f"{error.message}\n{error.remedy}".strip(), bad=True)
        else:
            self._tell(f"{member_words(wanted.member)}: no longer {wanted.what}")

    async def _send(self, change: Change) -> None:
        """Send a change of the policy that is shown; where somebody was faster, show theirs and change nothing."""
        seen = self._policy
        if seen is None:
            return
        wanted = change(seen)
        if wanted is seen:
            return
        try:
            self._policy = await send_policy(self._control, self._bucket, wanted, change)
        except PreconditionFailed as error:
            self._policy = await self._control.get_policy(self._bucket)
            self._show(self._policy)
            raise PreconditionFailed(
                f"somebody changed the access to {shown(self._bucket)} meanwhile",
                remedy="Nothing was overwritten, and what is shown is read anew: look at it, then do it again.",
            ) from error
        self._show(self._policy)

    def _tell(self, text: str, *, bad: bool = False) -> None:
        self.app.notify(text, severity="error" if bad else "information", markup=False)


class GrantDialog(Dialog[tuple[str, str]]):
    """Asks who gets which role; what warns has to be answered a second time."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-medium"), (32, "-high")]  # noqa: RUF012 - as Textual declares it

    def __init__(
        self,
        bucket: str,
        settings: BucketInfo | None,
        give: Callable[[str, str], Awaitable[None]],
        symbols: Symbols,
    ) -> None:
        """Ask for a grant that `give` sends; its `PailError` is shown and the dialog stays."""
        super().__init__(f"Give a role on {shown(bucket)}")
        self._settings = settings
        self._give = give
        self._symbols = symbols

    def body(self) -> ComposeResult:
        """Yield the form and the place for what is wrong."""
        yield GrantForm(self._settings, symbols=self._symbols)
        yield Label("", id="problem", classes="dialog-problem")

    def buttons(self) -> ComposeResult:
        """Yield Cancel and the way on."""
        yield button("Cancel", "leave")
        yield button("Give", "give", main=True)

    def on_mount(self) -> None:
        """Begin with the member."""
        self.query_one(GrantForm).focus()

    @on(Button.Pressed, "#give")
    def _give_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.query_one(GrantForm).submit()

    @on(GrantForm.Submitted)
    def _submitted(self, message: GrantForm.Submitted) -> None:
        message.stop()
        self.run_worker(self._submit(message.member, message.role), exclusive=True)

    async def _submit(self, member: str, role: str) -> None:
        warnings = grant_warnings(self._settings, member, role)
        if warnings:
            lines = (f"{member_words(member)}: {role_title(role)}", *(f"! {line}" for line in warnings))
            question = ConfirmDialog("Really give this role?", lines, go="Give it", danger=True)
            if not await self.app.push_screen_wait(question):
                return
        try:
            await self._give(member, role)
        except PailError as error:
            label = self.query_one("#problem", Label)
            label.update(f"! {error.message}\n{error.remedy}".strip())
            label.display = True
            return
        self.dismiss((member, role))

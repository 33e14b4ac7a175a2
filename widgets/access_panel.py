"""Who may do what with a bucket: what I may do, the grants in words, and how to give and take roles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from services.errors import UsageError
from services.model import BucketInfo
from services.names import display_name
from services.policy import INHERITED_NOTE, Grant, grant_warnings
from services.policy_words import ROLES, may, may_sentence, parse_member
from widgets.facts import Fact, Facts
from widgets.symbols import UNICODE, Symbols


class AccessPanel(Facts):
    """The grants of a bucket, line by line; `CopyWanted` is that of `Facts`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "grant", "Give a role", show=False, id="access.grant"),
        Binding("X,delete,f8", "revoke", "Take a role", show=False, id="access.revoke"),
    ]

    class GrantWanted(Message):
        """A role should be given to somebody."""

    @dataclass
    class RevokeWanted(Message):
        """A role should be taken from somebody."""

        grant: Grant
        """Which."""

    _grants: tuple[Grant | None, ...] = ()
    """The grant of each line; None for a line that is none."""

    def show_access(
        self, grants: Sequence[Grant], granted: Collection[str] | None, *, may_change: bool = True, note: str = ""
    ) -> None:
        """Show grants, and what `testIamPermissions` says (None: it was not asked).

        `note` is said at the end, such as what access means in Replit.
        """
        lines: list[tuple[Fact, Grant | None]] = [(fact, None) for fact in _mine(granted)]
        for index, each in enumerate(grants):
            what = f"{each.what}\n{each.when}" if each.when else each.what
            origin = f" {self.symbols.dot} {each.origin}" if each.origin != "here" else ""
            act, hint = ("revoke", "X revoke") if may_change else ("", "")
            label = f"{self.symbols.warning} public" if each.public else ("Members" if index == 0 else "")
            value = f"{each.who}{origin}\n{what}"
            fact = Fact(label, value, each.member, act, danger=each.public, gap=index == 0, hint=hint)
            lines.append((fact, each))
        if may_change:
            give = Fact("Give a role…", "to a person, a group, a service account", action="grant", gap=True)
            lines.append((give, None))
        lines.append((Fact("Note", f"{note}\n{INHERITED_NOTE}" if note else INHERITED_NOTE, gap=True), None))
        self._grants = tuple(each for _, each in lines)
        self.show(fact for fact, _ in lines)

    def show_refused(self, granted: Collection[str] | None, problem: str, remedy: str, *, note: str = "") -> None:
        """Show what I may do where the grants cannot be read."""
        facts = list(_mine(granted))
        facts.append(Fact("Members", f"{problem}\n{remedy}" if remedy else problem, gap=True))
        if note:
            facts.append(Fact("Note", note, gap=True))
        self._grants = (None,) * len(facts)
        self.show(facts)

    def action_grant(self) -> None:
        """Ask for a role to be given."""
        if any(fact.action == "grant" for fact in self.facts):
            self.post_message(self.GrantWanted())

    def action_revoke(self) -> None:
        """Ask for the role with the cursor to be taken."""
        self._revoke(self._focused_index())

    def action_choose(self) -> None:
        """Do what the focused line does."""
        fact = self._focused_fact()
        if fact is not None and fact.action == "grant":
            self.action_grant()
        elif fact is not None and fact.action:
            self.action_revoke()

    @on(Facts.ActionWanted)
    def _clicked(self, event: Facts.ActionWanted) -> None:
        event.stop()
        if event.key == "grant":
            self.action_grant()
        else:
            self.action_revoke()

    def _revoke(self, index: int) -> None:
        each = self._grants[index] if 0 <= index < len(self._grants) else None
        if each is not None and self.facts[index].action:
            self.post_message(self.RevokeWanted(each))


def _mine(granted: Collection[str] | None) -> Iterator[Fact]:
    if granted is None:
        yield Fact("You may", "not known: the service did not say")
        return
    yield Fact("You may", may_sentence(granted).removeprefix("You may ").removesuffix("."))
    missing = [line for line in may(granted) if not line.allowed]
    if missing:
        yield Fact("You may not", "\n".join(f"{line.words}  ({line.permission})" for line in missing))


class GrantForm(Vertical):
    """Asks who gets which role; says what the role allows, and warns."""

    @dataclass
    class Submitted(Message):
        """A role should be given."""

        member: str
        """As the service writes it."""
        role: str
        """As the service writes it."""

    def __init__(
        self,
        bucket: BucketInfo | None,
        *,
        symbols: Symbols = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make the form for a bucket; None where its settings cannot be read."""
        super().__init__(id=id, classes=classes)
        self._bucket = bucket
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out member, roles, and what is to be known."""
        yield Input(placeholder=self._symbols.say("ada@example.com, group:…, serviceAccount:…, public"), compact=True)
        roles = OptionList(*(Option(f"{role.title}   {role.meaning}", id=role.name) for role in ROLES), markup=False)
        roles.compact = True
        yield roles
        yield Static(classes="grant--warning", markup=False)

    def on_mount(self) -> None:
        """Begin with the most harmless role."""
        self.query_one(Input).cursor_blink = False
        self.query_one(OptionList).highlighted = 0
        self._say()

    def focus(self, scroll_visible: bool = True) -> GrantForm:
        """Focus the member."""
        self.query_one(Input).focus(scroll_visible)
        return self

    @property
    def role(self) -> str:
        """The role that is chosen, as the service writes it."""
        return ROLES[self.query_one(OptionList).highlighted or 0].name

    @property
    def member(self) -> str:
        """The member that was typed, as the service writes it; raises `UsageError`."""
        return parse_member(self.query_one(Input).value)

    def submit(self) -> None:
        """Post `Submitted`, or say what is wrong."""
        try:
            member = self.member
        except UsageError as error:
            self._warn([error.message, error.remedy])
            self.query_one(Input).focus()
            return
        self.post_message(self.Submitted(member, self.role))

    @on(Input.Changed)
    @on(OptionList.OptionHighlighted)
    def _say(self) -> None:
        """Say what has to be known of what is typed and chosen, as long as it is a member at all."""
        try:
            self._warn(grant_warnings(self._bucket, self.member, self.role))
        except UsageError:
            self._warn([])

    def _warn(self, sentences: Sequence[str]) -> None:
        mark = self._symbols.warning
        words = "\n".join(f"{mark} {display_name(sentence)}" for sentence in sentences if sentence)
        warning = self.query_one(".grant--warning", Static)
        warning.update(words)
        warning.display = bool(words)

    @on(Input.Submitted)
    def _member_typed(self, event: Input.Submitted) -> None:
        event.stop()
        self.submit()

    @on(OptionList.OptionSelected)
    def _role_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.submit()

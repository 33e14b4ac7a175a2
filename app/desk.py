"""What all actions work on: the session, the place that is open, and the ways to ask and to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from textual.screen import ModalScreen, Screen

from app.bridge import Bridge
from app.browser import Browser
from app.context import View
from app.screens.plan import PlanDialog
from app.session import Session
from app.surroundings import Surroundings
from app.terminal_notice import sequence
from services.access import Access
from services.errors import NotAuthenticated, PailError
from services.model import BucketInfo
from services.names import GsUrl, display_name
from services.prices import Place as Prices
from services.transfer.messages import Action, Command, JobItem, JobSpec, Submit
from widgets.object_tree import ObjectTree
from widgets.row_list import RowList
from widgets.settings_pane import SettingsPane

Result = TypeVar("Result")


@dataclass(slots=True)
class Place:
    """Where a person is."""

    bucket: str = ""
    """Name of the open bucket; empty where none is."""
    prefix: str = ""
    """The prefix whose content is the top level of the tree."""
    settings: BucketInfo | None = None
    """The bucket's settings; None until they are read, and where they may not be."""
    access: Access = field(default_factory=lambda: Access("unknown"))
    """What these credentials may do with it."""

    @property
    def url(self) -> str:
        """The place as a `gs://` URL, raw."""
        return str(GsUrl(self.bucket, self.prefix))


PLANNED: Final = ("upload", "download", "copy", "move", "delete")
"""Jobs that can show their plan."""


VISITED: Final = 20
"""Places that are kept to go back to."""


class GivenUp(Exception):
    """A person looked at a plan and left it."""


@runtime_checkable
class Writes(Protocol):
    """An app that writes to its terminal beside what it draws."""

    def write_to_terminal(self, sequence: str) -> None:
        """Write a control sequence."""


class Desk:
    """The state that actions share; the main screen makes one and keeps it."""

    def __init__(
        self,
        screen: Screen[Any],
        bridge: Bridge,
        *,
        show_view: Callable[[View], None],
        open_bucket: Callable[[str, str], None],
        left_bucket: Callable[[str], None],
        switch_connection: Callable[[], None],
        show_place: Callable[[], None],
        show_keys: Callable[[], None],
        surroundings: Surroundings,
        tree: ObjectTree,
        settings: SettingsPane,
    ) -> None:
        """Bind the parts; `open_bucket` shows a bucket at a prefix, `left_bucket` reacts to one that is gone.

        `show_place` shows what is known of the place anew, the keys too; `show_keys` only those.
        """
        self.screen = screen
        self._session: Session | None = None
        self.bridge = bridge
        self.place = Place()
        self.browser: Browser | None = None
        self.show_view = show_view
        self.open_bucket = open_bucket
        self.left_bucket = left_bucket
        self.switch_connection = switch_connection
        self.show_place = show_place
        self.show_keys = show_keys
        self.surroundings = surroundings
        self.symbols = surroundings.symbols
        self.tree = tree
        self.rows: RowList = tree
        """The list that commands on objects work on: the tree, or what a search found while that is shown."""
        self.settings = settings
        self.last_job: JobSpec | None = None
        """What the engine was given last; None before the first."""
        self.visited: list[GsUrl] = []
        """Where one was over this connection, the latest first: what the palette offers to go back to."""
        self.plan_next = False
        """Whether the next job shows its plan before it begins."""
        self.only_here: dict[str, str] = {}
        """What runs only in this process, by an id, in words: quitting asks about it."""

    @property
    def session(self) -> Session:
        """The open connection; raises `NotAuthenticated` before there is one."""
        if self._session is None:
            raise NotAuthenticated("there is no connection yet", remedy="Choose one with b.")
        return self._session

    @session.setter
    def session(self, session: Session | None) -> None:
        self._session = session
        self.visited.clear()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._session is not None

    def visit(self, bucket: str, prefix: str) -> None:
        """Note that a place was gone to."""
        place = GsUrl(bucket, prefix)
        self.visited[:] = [place, *(other for other in self.visited if other != place)][:VISITED]

    async def ask(self, dialog: ModalScreen[Result | None]) -> Result | None:
        """Show a dialog and return its answer; None where it was left.  Call it from a worker."""
        app = self.screen.app
        answer = app.push_screen(dialog, wait_for_dismiss=True)
        dialog.call_after_refresh(app.call_later, self.surroundings.typing.release)
        return await answer

    def tell(self, text: str, *, bad: bool = False, title: str = "") -> None:
        """Show a short note; names in it have passed `display_name`."""
        self.screen.app.notify(text, title=title, severity="error" if bad else "information", markup=False)

    def tell_terminal(self, text: str) -> None:
        """Tell the terminal itself, as `[notify]` wants it: nobody may be looking at the screen."""
        written = sequence(self.surroundings.reading.config.notify.terminal, text)
        app = self.screen.app
        if written and isinstance(app, Writes):
            app.write_to_terminal(written)

    def tell_error(self, error: PailError) -> None:
        """Show what failed, about what, and what to do."""
        self.tell("\n".join(part for part in (error.message, error.remedy) if part), bad=True)

    def copy(self, text: str, what: str) -> None:
        """Copy text to the terminal's clipboard and say so."""
        self.screen.app.copy_to_clipboard(text)
        self.tell(f"Copied {what}: {display_name(text)}")

    async def run(self, command: Command) -> str:
        """Have the engine take a command and return the id of a new job; raises `PailError`."""
        return (await self.bridge.submit(command)).id

    async def start(self, action: Action, items: tuple[JobItem, ...], **options: Any) -> str:
        """Have the engine take a job over the session's connection; returns its id, raises `PailError`."""
        spec = JobSpec(
            action=action,
            connection=self.session.connection,
            items=items,
            origin="screen",
            **options,
        )
        await self._show_plan(spec)
        job = await self.run(Submit(spec))
        self.last_job = spec
        return job

    async def _show_plan(self, spec: JobSpec) -> None:
        """Show the plan first where that was asked for; raises `GivenUp` where it is not to begin."""
        if not self.plan_next or spec.action not in PLANNED:
            return
        self.plan_next = False
        prices = self.surroundings.reading.config.price_table(
            replit=self.session.connection.credentials.kind == "replit"
        )
        dialog = PlanDialog(spec, self.session.storage.data, Prices.of(self.place.settings), prices)
        if not await self.ask(dialog):
            raise GivenUp

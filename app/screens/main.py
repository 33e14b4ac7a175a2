"""The main screen: what is shown where, and which action answers to which command or message."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from app.browser import Browser
from app.commands import bindings
from app.context import VIEWS
from app.screens.dialog import Label
from app.screens.help import HelpScreen
from app.session import Session
from services.connection import Connection
from services.errors import PailError
from services.names import display_name, parse_gs_url
from services.remembered import Remembered
from widgets.header_line import HeaderLine
from widgets.object_tree import ObjectTree


class MainScreen(Screen[None]):
    """Bucket, views, path, objects, and what moves."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("screen")]

    def __init__(self, connection: Connection, start_url: str, remembered: Remembered) -> None:
        """Make the screen; nothing is asked of the network before it is painted."""
        super().__init__()
        self._connection = connection
        self._start_url = start_url
        self._remembered = remembered
        self._browser: Browser | None = None
        self._session: Session | None = None

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield HeaderLine(id="header")
        yield Label("", id="path")
        yield ObjectTree(id="tree")
        yield Label("? Help  q Quit", id="keys")

    def on_mount(self) -> None:
        """Paint first, then connect."""
        self.query_one(HeaderLine).change(views=VIEWS, view="objects", where=display_name(self._connection.label))
        self.call_after_refresh(self._connect)

    def _connect(self) -> None:
        self.run_worker(self._open(), exclusive=True)

    async def _open(self) -> None:
        try:
            self._session = session = await Session.open(self._connection)
            url = parse_gs_url(self._start_url)
        except PailError as error:
            self.app.notify(f"{error.message}\n{error.remedy}", severity="error", markup=False)
            return
        tree = self.query_one(ObjectTree)
        self._browser = Browser(session.storage.data, url.bucket, tree)
        self.query_one(HeaderLine).change(bucket=display_name(url.bucket))
        self.query_one("#path", Label).update(display_name(str(url)))
        tree.show(url.name)
        tree.focus()

    @on(ObjectTree.Wanted)
    def _listing_wanted(self, message: ObjectTree.Wanted) -> None:
        if self._browser is not None:
            self._browser.list(message.prefix, message.ticket)

    async def action_command(self, identifier: str) -> None:
        """Run a command of the registry."""
        await getattr(self, f"do_{identifier}")()

    @classmethod
    def handles(cls, identifier: str) -> bool:
        """Tell whether there is a handler for a command."""
        return hasattr(cls, f"do_{identifier}")

    async def do_help(self) -> None:
        """Show the help."""
        self.app.push_screen(HelpScreen())

    async def do_quit(self) -> None:
        """Leave."""
        self.app.exit(0)

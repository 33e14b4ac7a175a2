"""The connect screen: the ladder of credentials while it is climbed, and every other way in."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.registry.keymap import Keymap
from app.screens.dialog import Label, PromptDialog
from app.screens.help import HelpScreen
from app.screens.jump import JumpScreen, targets
from app.screens.keys import keys_of, others
from services.connection import Connection, ConnectionOptions
from services.credentials import Rung, find_connection
from services.errors import NotAuthenticated, PailError
from services.names import bucket_name_problem, is_gs_url, parse_gs_url

SIGNS: Final = {"trying": "…", "yes": "✓", "no": "✗", "skipped": "·"}
"""What stands before a rung: told apart without colour."""

LOOKS: Final = {"trying": "", "yes": "green", "no": "red", "skipped": "dim"}
"""Colours of the signs, from the terminal's own palette."""

TITLE_WIDTH: Final = 31
"""Cells of the column of titles."""

WAY_WIDTH: Final = 34
"""Cells of the column of ways."""

WAYS: Final = (
    ("local", "Work in a store on this machine", "everything works, nothing leaves it"),
    ("key-file", "Use a key file…", "of a service account, or of gcloud"),
    ("public", "Open a public bucket…", "without credentials"),
    ("endpoint", "Other endpoint…", "any server that speaks the JSON API"),
    ("project", "Another project…", "its buckets, with the credentials in use"),
    ("again", "Try again", "after you have logged in"),
)
"""Id, title and explanation of what can be done here; the first has the cursor."""

_COMMAND: Final = re.compile(r"'([^']+)'")
"""The command in a remedy."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """What the connect screen answers."""

    connection: Connection
    """Where, and with which credentials."""
    start_url: str = ""
    """The bucket to open, where one was named."""


class ConnectScreen(Screen[WayIn | None]):
    """Climbs the ladder and shows it; where nothing holds, offers what can be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy the command", show=False),
        Binding("R", "again", "Try again", show=False),
        Binding("question_mark,f1", "help", "Help", show=False),
        Binding("semicolon,ctrl+g", "jump", "Jump by a letter", show=False, id="jump"),
        Binding("escape", "back", "Back", show=False),
        Binding("q,f10", "quit", "Quit", show=False),
    ]

    def __init__(
        self,
        options: ConnectionOptions,
        *,
        climb: bool = True,
        present: Connection | None = None,
        keymap: Keymap | None = None,
        prepare: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Make the screen; with `climb` the ladder is climbed at once and the first way in is taken.

        `present` is the connection that one comes from and can go back to, None at the start; `keymap`
        is what the help shows (None: Pail's own keys).  `prepare` makes ready what comes after; this screen stays until
        that is done.
        """
        super().__init__()
        self._options = options
        self._climb = climb
        self._present = present
        self._keymap = keymap or Keymap()
        self._prepare = prepare
        self._rungs: dict[str, Rung] = {}
        self._failure = ""

    def compose(self) -> ComposeResult:
        """Lay out heading, ladder and ways."""
        with Vertical(id="connect"):
            yield Label("Pail", classes="connect-brand")
            yield Label("", id="connect-heading")
            yield Static(id="ladder")
            yield Label("", id="connect-failure", classes="dialog-warning")
            yield OptionList(*(self._way(*way) for way in WAYS), id="ways", compact=True)
            yield Label("", id="connect-keys", classes="dialog-note")

    @staticmethod
    def _way(identifier: str, title: str, text: str) -> Option:
        return Option(Text.assemble(f"{title:<{WAY_WIDTH}}", (text, "dim")), id=identifier)

    def on_mount(self) -> None:
        """Paint first, then look for credentials."""
        ways = self.query_one("#ways", OptionList)
        ways.highlighted = 0
        ways.focus()
        if self._climb:
            self.call_after_refresh(self.action_again)
        self._show()

    def action_again(self) -> None:
        """Climb the ladder from its foot."""
        self._rungs.clear()
        self._failure = ""
        self.run_worker(self._find(), exclusive=True, group="climb")

    async def _make_ready(self) -> None:
        if self._prepare is not None:
            await self._prepare()

    async def _find(self) -> None:
        try:
            ready = asyncio.create_task(self._make_ready())
            connection = await find_connection(self._options, report=self._report)
            await ready
        except NotAuthenticated as error:
            self._failure = error.message
        except PailError as error:
            self._failure = f"{error.message}\n{error.remedy}"
        else:
            self.dismiss(WayIn(connection))
            return
        self._show()

    def _report(self, rung: Rung) -> None:
        self._rungs[rung.key] = rung
        self._show()

    def _show(self) -> None:
        if not self.query("#connect-heading"):  # what was asked answers after the screen was left
            return
        trying = any(rung.state == "trying" for rung in self._rungs.values())
        if trying or (self._climb and not self._rungs):
            heading = "Looking for a way into Google Cloud Storage…"
        elif not self._failure and any(rung.state == "yes" for rung in self._rungs.values()):
            heading = "Found a way in; getting ready…"
        elif self._rungs:
            heading = "Pail found no way into Google Cloud Storage yet."
        else:
            heading = "Where to?"
        self.query_one("#connect-heading", Label).update(heading)
        shown = [rung for rung in self._rungs.values() if rung.key != "explicit" or rung.state in ("yes", "no")]
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(width=TITLE_WIDTH, no_wrap=True)
        table.add_column(ratio=1)
        for rung in shown:
            state = "asking…" if rung.state == "trying" else rung.detail
            table.add_row(Text(SIGNS[rung.state], LOOKS[rung.state]), Text(rung.title), Text(state, "dim"))
            if rung.remedy and rung.state == "no":
                table.add_row("", "", Text(rung.remedy))
        ladder = self.query_one("#ladder", Static)
        ladder.update(table)
        ladder.display = bool(shown)
        failure = self.query_one("#connect-failure", Label)
        # A failure that a rung tells already is not told twice.
        told = not self._failure or any(rung.state == "no" and rung.remedy for rung in shown)
        failure.update(f"! {self._failure}")
        failure.display = not told
        keys = ["enter chooses"]
        keys += ["c copies the command"] if self._command() else []
        keys += ["R tries again"] if self._climb else []
        keys += ["esc goes back"] if self._present is not None else []
        self.query_one("#connect-keys", Label).update(" · ".join([*keys, "q quits"]))

    def _command(self) -> str:
        """Return the command that mends the first rung that can be mended by one."""
        for rung in self._rungs.values():
            found = _COMMAND.search(rung.remedy)
            if found and rung.state == "no":
                return found.group(1)
        return ""

    def action_copy(self) -> None:
        """Copy the command that mends the ladder."""
        command = self._command()
        if command:
            self.app.copy_to_clipboard(command)
            self.notify(f"Copied: {command}", markup=False)

    def action_help(self) -> None:
        """Show the help."""
        self.app.push_screen(HelpScreen((*keys_of(self), *others(self._keymap.commands)), more=False))

    def action_jump(self) -> None:
        """Show a letter on everything that can be gone to."""
        self.app.push_screen(JumpScreen(targets(self)), lambda target: target and target.go())

    def action_back(self) -> None:
        """Go back to where one came from, if there is something."""
        if self._present is not None:
            self.dismiss(None)

    def action_quit(self) -> None:
        """Leave the program, or go back."""
        if self._present is not None:
            self.dismiss(None)
        else:
            self.app.exit(0)

    @on(OptionList.OptionSelected, "#ways")
    def _way_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        match event.option_id:
            case "local":
                self.run_worker(self._take(ConnectionOptions()._replace(local=self._options.local or "")))
            case "key-file":
                self.run_worker(self._ask_key_file())
            case "public":
                self.run_worker(self._ask_public())
            case "endpoint":
                self.run_worker(self._ask_endpoint())
            case "project":
                self.run_worker(self._ask_project())
            case _:
                self._climb = True
                self.action_again()

    async def _take(self, options: ConnectionOptions, start_url: str = "") -> None:
        """Use a connection that was asked for by name; raises `PailError` where it is none."""
        options = options._replace(project=self._options.project, workspace=self._options.workspace)
        self.dismiss(WayIn(await find_connection(options), start_url))

    async def _ask_key_file(self) -> None:
        found: list[Connection] = []

        async def apply(text: str) -> None:
            options = self._options._replace(credentials=text.strip(), local=None, endpoint="", anonymous=False)
            found.append(await find_connection(options))

        prompt = PromptDialog(
            "Use a key file",
            lines=("The path of a JSON file with credentials; it is read, never copied.",),
            value=os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""),
            placeholder="~/keys/storage.json",
            check=lambda text: "" if text.strip() else "type a path",
            submit_label="Use it",
            apply=apply,
        )
        if await self.app.push_screen_wait(prompt) is not None:
            self.dismiss(WayIn(found[-1]))

    async def _ask_endpoint(self) -> None:
        found: list[Connection] = []

        async def apply(text: str) -> None:
            options = self._options._replace(endpoint=text.strip(), local=None, credentials="", anonymous=False)
            found.append(await find_connection(options))

        prompt = PromptDialog(
            "Other endpoint",
            lines=("The base URL of a server that speaks Google's JSON API; no credentials are sent.",),
            placeholder="http://127.0.0.1:4443",
            check=lambda text: "" if text.strip() else "type a URL",
            submit_label="Connect",
            apply=apply,
        )
        if await self.app.push_screen_wait(prompt) is not None:
            self.dismiss(WayIn(found[-1]))

    async def _ask_project(self) -> None:
        found: list[Connection] = []

        async def apply(text: str) -> None:
            if self._present is not None:
                found.append(self._present._replace(project=text.strip()))
            else:
                found.append(await find_connection(self._options._replace(project=text.strip())))

        prompt = PromptDialog(
            "Another project",
            lines=("The ID of the project whose buckets are listed and in which new ones are created.",),
            value=self._present.project if self._present is not None else self._options.project,
            placeholder="my-project-123",
            check=lambda text: "" if text.strip() else "type a project's ID",
            submit_label="Use it",
            apply=apply,
        )
        if await self.app.push_screen_wait(prompt) is not None:
            self.dismiss(WayIn(found[-1]))

    async def _ask_public(self) -> None:
        def bucket_of(text: str) -> str:
            text = text.strip()
            return parse_gs_url(text).bucket if is_gs_url(text) and text[5:6] not in ("", "/") else text

        prompt = PromptDialog(
            "Open a public bucket",
            lines=("Its name or gs:// URL; nothing is asked for and nothing is sent about you.",),
            placeholder="gcp-public-data-landsat",
            check=lambda text: bucket_name_problem(bucket_of(text)),
            submit_label="Open",
        )
        name = await self.app.push_screen_wait(prompt)
        if name is not None:
            connection = await find_connection(self._options._replace(local=None, endpoint="", anonymous=True))
            self.dismiss(WayIn(connection, f"gs://{bucket_of(name)}"))

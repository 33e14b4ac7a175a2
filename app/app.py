"""The application: looks, signals, and the way from nothing to a connection."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel

from app.driver.choice import driver_class
from app.first_look import FirstLook, first_look
from app.lending import LendingApp
from app.screens.opening import OpeningScreen
from app.screens.quiet import QUIET
from app.styles import first_part, style_sheet
from app.terminal import terminal_problem
from app.themes import ANSI_DARK, DARK
from services.collecting import calm_collector
from services.connection import ConnectionOptions
from services.errors import ExitCode, UsageError
from services.names import display_name

if TYPE_CHECKING:
    from textual.screen import Screen

    from app.screens.connect import WayIn
    from app.surroundings import Surroundings

LEAVE_LIMIT_S: Final = 3.0
"""Seconds that leaving may take after a signal or after quitting; then the process ends as it stands.

Nothing is lost by that: whatever matters is the worker's, or is journalled before it is done.
"""

QUIET_S: Final = 0.5
"""Seconds between two looks whether a note has room now."""

COMPLAINT_S: Final = 30
"""Seconds for which a mistake in the settings is shown: long enough to note the line."""

SIGNAL_EXIT: Final = 128
"""Added to a signal's number for the exit code, as shells do."""

SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
"""Signals that end the screen; ctrl+c is no signal while it is shown, but `kill -INT` is one."""


class PailApp(LendingApp, inherit_bindings=False):
    """The screen as a program."""

    TITLE = "Pail"
    ENABLE_COMMAND_PALETTE = False  # the registry's command opens it, so that its keys stand in one place
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "how_to_quit", "How to quit", show=False),
        Binding("ctrl+z", "suspend_process", "Back to the shell until fg", show=False),
    ]

    def __init__(
        self,
        options: ConnectionOptions,
        start_url: str = "",
        surroundings: Surroundings | None = None,
        *,
        low_bandwidth: bool = False,
    ) -> None:
        """Make the program; `options` are those of the command line, `start_url` is what to open.

        Without `surroundings` the real ones are taken, after the first picture: reading and importing what they
        need takes longer than painting it.  `low_bandwidth` spares the line to the terminal, whatever the settings say.
        """
        super().__init__(driver_class=driver_class())
        self.animation_level = "none"  # an animation costs bytes on the line and says nothing
        self._options = options
        self._start_url = start_url
        self._surroundings = surroundings
        self._low_bandwidth = low_bandwidth
        if surroundings is None:
            first = first_look(os.environ, low_bandwidth=low_bandwidth)
        else:
            first = FirstLook(line=surroundings.line)
        self.hover = first.line.hover
        self._sheet = style_sheet()
        self._styles = self._sheet.read_text(encoding="utf-8")
        self._add_styles(first_part(self._styles))
        self._first_theme = first.look.name
        for look in {DARK.name: DARK, first.look.name: first.look}.values():
            self.register_theme(look.theme)
        # Not by assignment, which reads the styles a second time; only another theme than this one is worth that.
        self.set_reactive(App.theme, DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> Screen[Any]:
        """Return what is painted first."""
        return OpeningScreen()

    def _add_styles(self, styles: str) -> None:
        self.stylesheet.add_source(styles, read_from=(str(self._sheet), ""))

    async def on_mount(self) -> None:
        """Paint, then make ready; leave in order when a signal asks for it."""
        if self._first_theme != self.theme:
            self.theme = self._first_theme
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # What the parent ignores (nohup) stays ignored.
            if not self.is_headless and signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)
        if self._surroundings is not None:
            await self._begin(self._surroundings)
        else:
            self.call_after_refresh(lambda: self.run_worker(self._make_ready(), group="enter"))

    async def _make_ready(self) -> None:
        """Take the real surroundings; what they need is imported and read in a thread."""
        module = await _imported("app.surroundings")
        real = await asyncio.to_thread(module.Surroundings.real, low_bandwidth=self._low_bandwidth)
        await self._begin(real)
        calm_collector()  # what was imported meanwhile stays for good

    async def _begin(self, surroundings: Surroundings) -> None:
        """Take what the surroundings ask for, and show the first screen that needs it."""
        self._surroundings = surroundings
        surroundings.typing.target = lambda: self.focused or self.screen
        for look in surroundings.looks:
            self.register_theme(look.theme)
        self.set_class(bool(surroundings.filters), "-ascii")
        self.hover = surroundings.line.hover
        if surroundings.keymap.bindings is not None:
            self.set_keymap(dict(surroundings.keymap.bindings))
        await self._take_theme(surroundings)
        module = await _imported("app.screens.connect")
        self._add_styles(self._styles)
        self.push_screen(
            module.ConnectScreen(self._options, keymap=surroundings.keymap, prepare=_load_main), self._found
        )

    async def _take_theme(self, surroundings: Surroundings) -> None:
        """Take the theme of the settings, else the one that was chosen last; say what is wrong with the settings."""
        reading = surroundings.reading
        named = reading.config.screen.theme
        if surroundings.line.few_colours and not named:
            theme = ANSI_DARK.name
        else:
            theme = named or await surroundings.remembered.theme()
        if theme in self.available_themes:
            self.theme = theme
        elif named:
            known = ", ".join(look.name for look in surroundings.looks)
            self._complain(f"config.toml: there is no theme '{display_name(named)}'", f"There are: {known}.")
        if reading.problem is not None:
            self._complain(reading.problem.message, reading.problem.remedy)

    def _complain(self, message: str, remedy: str) -> None:
        self.notify(f"{message}\n{remedy}", severity="error", timeout=COMPLAINT_S, markup=False)

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys and mouse: while nobody is there, nothing is looked up; hold keys for a line to come."""
        surroundings = self._surroundings
        if surroundings is not None and isinstance(event, events.InputEvent):
            surroundings.presence.seen()
        if surroundings is None or not surroundings.typing.takes(event):
            await super().on_event(event)

    def on_rename_line_answered(self) -> None:
        """Let the keys go that were typed right after the one that the line has answered."""
        if self._surroundings is not None:
            self._surroundings.typing.release()

    def write_to_terminal(self, sequence: str) -> None:
        """Write a control sequence beside what is drawn."""
        if self._driver is not None:
            self._driver.write(sequence)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a note; over a screen that it would cover, or a dialog above one, only once that has closed."""
        told = partial(self.notify, message, title=title, severity=severity, timeout=timeout, markup=markup)
        if any(screen.has_class(QUIET) for screen in self.screen_stack):
            self.set_timer(QUIET_S, told)
        else:
            super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line passes, Textual's own filters first; no colours at all where none are wanted."""
        filters = super().get_line_filters()
        if self.no_color:
            # Textual writes greys instead, which are colours, too: dark ones on a light terminal.
            filters = [*(each for each in filters if not isinstance(each, Monochrome)), NoColor()]
        return filters if self._surroundings is None else [*filters, *self._surroundings.filters]

    def _found(self, way: WayIn | None) -> None:
        if way is None:
            self.exit(0)
            return
        if not way.start_url:
            way = replace(way, start_url=self._start_url)
        self.run_worker(self._enter(way), group="enter")

    async def _enter(self, way: WayIn) -> None:
        module = await _load_main()
        self.push_screen(module.MainScreen(way, self._options, self._surroundings))
        calm_collector()  # nor is the main screen looked at again

    def _signalled(self, number: signal.Signals) -> None:
        if self.is_for_another(number):
            return
        code = SIGNAL_EXIT + number
        leave_within(LEAVE_LIMIT_S, code)
        self.exit(code, return_code=code)

    def action_leave(self) -> None:
        """Leave at once."""
        self.exit(0)

    def action_how_to_quit(self) -> None:
        """Say how to leave, to whom ctrl+c is the reflex."""
        self.notify("q or F10 leaves Pail; transfers go on in the background.", markup=False)


async def _load_main() -> Any:
    """Import the main screen, which is most of the program."""
    return await _imported("app.screens.main")


async def _imported(name: str) -> Any:
    """Return a module, imported in a thread: neither the first picture nor keys wait for it."""
    return await asyncio.to_thread(importlib.import_module, name)


def leave_within(seconds: float, code: int) -> None:
    """End the process after some seconds, whatever threads still wait for (a terminal that is gone, a dead disk)."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def run_screen(options: ConnectionOptions, start_url: str | None = None, *, low_bandwidth: bool = False) -> int:
    """Show the screen until it is left and return the exit code; raises `UsageError` where there is no terminal.

    `low_bandwidth` spares the line to the terminal, whatever the settings say.
    """
    problem = terminal_problem()
    if problem:
        raise UsageError(problem, remedy="See 'pail --help' for commands that need none.")
    app = PailApp(options, start_url or "", low_bandwidth=low_bandwidth)
    app.run()
    code = app.return_code if app.return_code is not None else ExitCode.FAILED
    leave_within(LEAVE_LIMIT_S, code)
    return code

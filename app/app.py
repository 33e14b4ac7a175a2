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
from pathlib import Path, PurePath
from typing import Any, ClassVar, Final

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.notifications import SeverityLevel

from app.driver.choice import driver_class
from app.lending import LendingApp
from app.screens.connect import ConnectScreen, WayIn
from app.screens.dialog import QUIET
from app.surroundings import Surroundings
from app.terminal import terminal_problem
from app.themes import ANSI_DARK, DARK
from services.credentials import ConnectionOptions
from services.errors import ExitCode, UsageError
from services.names import display_name
from widgets.symbols import ASCII, AsciiSigns

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


def style_sheets() -> list[str | PurePath]:
    """Return where the styles are: inside `app/` in a wheel, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    for path in (here / "styles.tcss", here.parent / "styles.tcss"):
        if path.is_file():
            return [path]
    raise FileNotFoundError("styles.tcss is missing from this installation of pail")


class PailApp(LendingApp, inherit_bindings=False):
    """The screen as a program."""

    TITLE = "Pail"
    ENABLE_COMMAND_PALETTE = False  # the registry's command opens it, so that its keys stand in one place
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "how_to_quit", "How to quit", show=False)]

    def __init__(
        self,
        options: ConnectionOptions,
        start_url: str = "",
        surroundings: Surroundings | None = None,
    ) -> None:
        """Make the program; `options` are those of the command line, `start_url` is what to open."""
        super().__init__(driver_class=driver_class(), css_path=style_sheets())
        self.animation_level = "none"  # an animation costs bytes on the line and says nothing
        self._surroundings = surroundings or Surroundings()
        self.hover = self._surroundings.line.hover
        self._surroundings.typing.target = lambda: self.focused or self.screen
        self._options = options
        self._start_url = start_url
        for look in self._surroundings.looks:
            self.register_theme(look.theme)
        # Not by assignment: all styles would be read a second time once the first screen is there.
        self.set_reactive(App.theme, DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())

    async def on_mount(self) -> None:
        """Show the first screen, and leave in order when a signal asks for it."""
        self.set_class(self._surroundings.symbols is ASCII, "-ascii")
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # What the parent ignores (nohup) stays ignored.
            if not self.is_headless and signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)
        if self._surroundings.keymap.bindings is not None:
            self.set_keymap(dict(self._surroundings.keymap.bindings))
        await self._take_theme()
        self.push_screen(
            ConnectScreen(self._options, keymap=self._surroundings.keymap, prepare=_load_main), self._found
        )

    async def _take_theme(self) -> None:
        """Take the theme of the settings, else the one that was chosen last; say what is wrong with the settings."""
        reading = self._surroundings.reading
        named = reading.config.screen.theme
        if self._surroundings.line.few_colours and not named:
            theme = ANSI_DARK.name
        else:
            theme = named or await self._surroundings.remembered.theme()
        if theme in self.available_themes:
            self.theme = theme
        elif named:
            known = ", ".join(look.name for look in self._surroundings.looks)
            self._complain(f"config.toml: there is no theme '{display_name(named)}'", f"There are: {known}.")
        if reading.problem is not None:
            self._complain(reading.problem.message, reading.problem.remedy)

    def _complain(self, message: str, remedy: str) -> None:
        self.notify(f"{message}\n{remedy}", severity="error", timeout=COMPLAINT_S, markup=False)

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys and mouse: while nobody is there, nothing is looked up; hold keys for a line to come."""
        if isinstance(event, events.InputEvent):
            self._surroundings.presence.seen()
        if not self._surroundings.typing.takes(event):
            await super().on_event(event)

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
        """Return what every line passes: for a terminal that has only ASCII, our own signs are written in it."""
        filters = super().get_line_filters()
        return [*filters, AsciiSigns()] if self._surroundings.symbols is ASCII else filters

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

    def _signalled(self, number: signal.Signals) -> None:
        if self.is_for_another(number):
            return
        code = SIGNAL_EXIT + number
        leave_within(LEAVE_LIMIT_S, code)
        self.exit(code, return_code=code)

    def action_how_to_quit(self) -> None:
        """Say how to leave, to whom ctrl+c is the reflex."""
        self.notify("q or F10 leaves Pail; transfers go on in the background.", markup=False)


async def _load_main() -> Any:
    """Import the main screen, which is most of the program, in a thread: the first paint does not wait for it."""
    return await asyncio.to_thread(importlib.import_module, "app.screens.main")


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
    app = PailApp(options, start_url or "", Surroundings.real(low_bandwidth=low_bandwidth))
    app.run()
    code = app.return_code if app.return_code is not None else ExitCode.FAILED
    leave_within(LEAVE_LIMIT_S, code)
    return code

"""What the screen takes from outside: replaced as a whole where tests and pictures have to come out the same."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from app.engine import connect_worker
from app.line import WIDE, LineMode, line_mode
from app.pairs import OpenPairs, open_pairs
from app.presence import Presence
from app.registry.keymap import Keymap, arrange
from app.themes import LOOKS, Look
from app.themes.files import own_looks
from app.typing_ahead import TypingAhead
from services.config import Reading, load_or_defaults
from services.connection import Connection
from services.errors import UsageError
from services.remembered import Remembered
from widgets.symbols import ASCII, UNICODE, AsciiSigns, Symbols, terminal_symbols

if TYPE_CHECKING:
    from textual.filter import LineFilter

    from app.bridge import Connect
    from app.session import Session

OpenSession = Callable[[Connection, str | None], Awaitable["Session"]]
"""Opens a connection for a workspace folder; raises `PailError`."""


async def open_session(connection: Connection, folder: str | None) -> Session:
    """Open a connection; what it needs is imported in a thread, after the first paint.  Raises `PailError`."""
    module: Any = await asyncio.to_thread(importlib.import_module, "app.session")
    opened: Session = await module.Session.open(connection, folder)
    return opened


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock, engine, storage, memory and signs."""

    connect: Connect = connect_worker
    """Reaches the engine."""
    open_session: OpenSession = open_session
    """Opens storage."""
    open_pairs: OpenPairs = open_pairs
    """Opens the pairs that are kept in step."""
    home: str = ""
    """Folder that is written as `~`; empty for the real one."""
    remembered: Remembered = field(default_factory=Remembered)
    """What is kept from one start to the next."""
    symbols: Symbols = field(default_factory=lambda: terminal_symbols(os.environ))
    """Signs that the terminal can show."""
    now: Callable[[], float] = time.time
    """Returns seconds since the epoch."""
    zone: tzinfo | None = None
    """Zone of dates; None for the local one."""
    presence: Presence = field(default_factory=Presence)
    """When a person was last seen."""
    typing: TypingAhead = field(default_factory=TypingAhead)
    """Keys that wait for the line which they are meant for."""
    look_s: float = 5.0
    """Seconds between two looks for other people's changes, at the least."""
    reading: Reading = field(default_factory=Reading)
    """The settings, and what was wrong with the file."""
    keymap: Keymap = field(default_factory=Keymap)
    """The keys in force."""
    line: LineMode = WIDE
    """What is left out to spare the line to the terminal."""
    looks: tuple[Look, ...] = LOOKS
    """The themes that can be chosen."""

    @property
    def filters(self) -> tuple[LineFilter, ...]:
        """What every line passes: for a terminal that has only ASCII, our own signs are written in it."""
        return (AsciiSigns(),) if self.symbols is ASCII else ()

    @classmethod
    def real(cls, *, low_bandwidth: bool = False) -> Surroundings:
        """Return the real ones, as `config.toml` and the folder of themes ask for them.  Blocks on the disk."""
        reading, own = load_or_defaults(), own_looks()
        if own.problems and reading.problem is None:
            reading = replace(reading, problem=own.problems[0])
        line = line_mode(reading.config.screen.low_bandwidth, os.environ, asked=low_bandwidth)
        return replace(cls.of(reading), line=line, looks=(*LOOKS, *own.looks))

    @classmethod
    def of(cls, reading: Reading) -> Surroundings:
        """Return the real ones, as some settings ask for them."""
        screen = reading.config.screen
        keymap = Keymap()
        try:
            keymap = arrange(reading.config.keys)
        except UsageError as error:
            reading = replace(reading, problem=error)
        return cls(symbols=_SYMBOLS[screen.symbols](), look_s=screen.look_s, reading=reading, keymap=keymap)


_SYMBOLS: Final[Mapping[str, Callable[[], Symbols]]] = {
    "auto": lambda: terminal_symbols(os.environ),
    "unicode": lambda: UNICODE,
    "ascii": lambda: ASCII,
}

"""The stage on which the engine is played: its system calls, its time and its chance are the simulation's."""

from __future__ import annotations

import asyncio
import contextlib
import random
import selectors
import sqlite3
from collections.abc import Iterator
from typing import Any

from services.sync import apply, disk, exchange, move, scan, state, trash, upload
from services.transfer import descent, local, partial, pipe
from tests.simulation import kernel as simulated
from tests.simulation.kernel import Clock

LARGE_FROM = 3
"""Bytes of a part, and from which on a file counts as large, in worlds of large files."""


def new_memory() -> sqlite3.Connection:
    """Return an empty memory of a pair."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    state._flush_each_commit(db)
    db.executescript(state._SCHEMA)
    return db


class _Selector(selectors.SelectSelector):
    """Waits by moving the time on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everybody waits for nothing")
        if timeout > 0:
            self._clock.advance(int(timeout * 1e9) + 1_000)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop in the time of the world."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._sim_clock = clock
        # What is due at this very moment is due: a billionth is lost in a float of seconds since 1970.
        self._clock_resolution = 1e-6
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        return self._sim_clock.now_ns / 1e9


class _Marks:
    """Stands in for `secrets`: marks that a seed decides."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def token_hex(self, size: int) -> str:
        return self._chance.randbytes(size).hex()


class _Jitter:
    """Stands in for `random`."""

    @staticmethod
    def uniform(low: float, high: float) -> float:
        return (low + high) / 2


@contextlib.contextmanager
def simulation(seed: int) -> Iterator[None]:
    """Have the engine run over the simulated system within this context."""
    replaced: list[tuple[Any, str, Any]] = [
        (module, "os", simulated.SYSTEM) for module in (disk, exchange, move, scan, trash, descent, local, partial)
    ]
    replaced += [(module, "Path", simulated.SimPath) for module in (disk, local)]
    replaced += [(module, "time", simulated.Times) for module in (disk, trash)]
    replaced += [(module, "secrets", _Marks(seed)) for module in (apply, exchange)]
    replaced += [(pipe, "random", _Jitter)]
    # What asks the machine itself is answered here.
    replaced += [(disk.Disk, "folds_names", lambda _: False)]
    replaced += [(scan, "open", simulated.open_handle), (exchange, "_call", simulated.rename_call)]
    if seed % 5 < 2:
        # In these worlds nearly every file is large: it goes up in parts, in a session that outlives its process.
        replaced += [(pipe, "PART_BYTES", LARGE_FROM), (upload, "RESUMED_FROM", LARGE_FROM)]
    before = [(module, name, getattr(module, name, None)) for module, name, _ in replaced]
    try:
        for module, name, value in replaced:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            if value is None:
                delattr(module, name)
            else:
                setattr(module, name, value)

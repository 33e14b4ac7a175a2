"""Pieces of one transfer that move side by side, as many at a time as pays."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from services.errors import PailError, Transient

Piece = TypeVar("Piece")


class Abreast(Generic[Piece]):
    """The pieces that wait, and those that move.

    Where one breaks off with one of the errors in `ends`, the others come to an end that they choose themselves, and
    the fault is raised then: a request that is given up in its middle would have to be made again.  Any other error,
    and whoever cancels, ends them at once.
    """

    def __init__(
        self,
        pieces: Iterable[Piece],
        move: Callable[[Piece], Awaitable[None]],
        slots: Callable[[], int],
        *,
        ends: tuple[type[PailError], ...] = (Transient,),
    ) -> None:
        self._waiting = deque(pieces)
        self._move = move
        self._slots = slots
        self._ends = ends
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[PailError] = []

    @property
    def ending(self) -> bool:
        """Whether one has broken off, so that nothing further is to be begun."""
        return bool(self._faults)

    def grow(self) -> None:
        """Begin more of them, where there is room now."""
        while self._waiting and not self._faults and len(self._tasks) < self._slots():
            self._tasks.add(asyncio.create_task(self._stream()))

    async def run(self) -> None:
        """Return once all have moved; raises the fault of the one that broke off."""
        self.grow()
        try:
            while self._tasks:
                ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= ended
                for task in ended:
                    task.result()
                self.grow()
        finally:
            for task in self._tasks:
                task.cancel()
            # The file is closed next: nobody may use it any more.
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._faults:
            # What is wrong counts before what is only broken: it would be forgotten otherwise.
            raise next((fault for fault in self._faults if not isinstance(fault, Transient)), self._faults[0])

    async def _stream(self) -> None:
        while self._waiting and not self._faults and len(self._tasks) <= self._slots():
            try:
                await self._move(self._waiting.popleft())
            except self._ends as fault:
                self._faults.append(fault)

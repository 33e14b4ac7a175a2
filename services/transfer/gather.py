"""Brief work on disk threads, many pieces for one turn: a turn costs more than what is done in it.

Handing one piece to a thread and waking the event loop afterwards takes about 0.1 ms, opening and reading a small file
a fifth of that.  So pieces wait in one queue; a thread carries out whatever it finds there, and wakes the loop once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final

REPORT_S: Final = 0.01
"""Seconds between looks at what a thread has done so far; another one helps with a queue that is still there then."""

_Piece = tuple[Callable[..., Any], tuple[Any, ...], "Firm"]
_Result = tuple["Firm", Any, BaseException | None]


class Firm(asyncio.Future[Any]):
    """A future that is waited for to its end: a task that is cancelled meanwhile is so once the thread has ended.

    So nothing is closed or deleted while a thread still uses it; `asyncio.shield` does it with twice the turns.
    """

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002 - as in its base
        """Refuse, which leaves the task cancelled for when this has ended."""
        return False

    def fail(self, error: BaseException) -> None:
        """End it with an error, of which nothing is said where nobody waits for it any more."""
        self.set_exception(error)
        self.exception()


class Gather:
    """A queue of brief blocking calls and the threads that empty it; belongs to one event loop."""

    def __init__(self, threads: Executor, *, abreast: int, report_s: float = REPORT_S) -> None:
        self._threads = threads
        self._abreast = abreast
        self._report_s = report_s
        self._waiting: deque[_Piece] = deque()
        self._done: deque[_Result] = deque()
        self._active = 0
        self._begun = False
        self._watch: asyncio.TimerHandle | None = None

    def add(self, function: Callable[..., Any], *arguments: Any) -> Firm:
        """Have `function` called on a thread soon; the future gets what it returns or raises, and is not cancelled."""
        loop = asyncio.get_running_loop()
        future = Firm(loop=loop)
        self._waiting.append((function, arguments, future))
        if not self._active:
            # What else is added in this turn of the loop goes along.
            self._begin(loop)
        return future

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._begun:
            self._begun = True
            loop.call_soon(self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun = False
        self._active += 1
        try:
            self._threads.submit(self._work, loop).add_done_callback(lambda turn: self._dropped(loop, turn))
        except RuntimeError as error:  # the threads were closed
            self._active -= 1
            self._give_up(error)
            return
        if self._watch is None:
            self._watch = loop.call_later(self._report_s, self._look, loop)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Carry out what waits; runs on a thread."""
        while True:
            try:
                function, arguments, future = self._waiting.popleft()
            except IndexError:
                break
            try:
                self._done.append((future, function(*arguments), None))
            except BaseException as error:  # noqa: BLE001 - handed to whoever asked
                self._done.append((future, None, error))
        _tell(loop, self._ended, loop)

    def _ended(self, loop: asyncio.AbstractEventLoop) -> None:
        self._active -= 1
        self._hand_over()
        if self._waiting and self._active < self._abreast:
            self._begin(loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """While threads are at work: hand over what is done, and send another one where the queue does not shrink."""
        self._watch = None
        if self._active:
            self._hand_over()
            if self._waiting and self._active < self._abreast:
                self._begin(loop)
            self._watch = loop.call_later(self._report_s, self._look, loop)

    def _hand_over(self) -> None:
        while self._done:
            future, result, error = self._done.popleft()
            if future.done():
                continue
            if error is not None:
                future.fail(error)
            else:
                future.set_result(result)

    def _dropped(self, loop: asyncio.AbstractEventLoop, turn: Future[None]) -> None:
        if turn.cancelled():  # the threads were closed before its turn came
            _tell(loop, self._give_up, RuntimeError("the disk threads are closed"))

    def _give_up(self, error: BaseException) -> None:
        while self._waiting:
            future = self._waiting.popleft()[2]
            if not future.done():
                future.fail(error)


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
        loop.call_soon_threadsafe(function, *arguments)

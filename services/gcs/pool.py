"""Threads for blocking calls, awaited from the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from services.errors import Interrupted

T = TypeVar("T")

POOL_SIZE: Final = 64
"""Threads at most in one pool: as many requests as are worth having under way at once."""


class ThreadPool:
    """Runs blocking calls on daemon threads that are started when they are needed.

    `concurrent.futures.ThreadPoolExecutor` joins its threads when the interpreter ends, so that a person who quits
    while a connection hangs would wait for its time limit.  These threads never hold up the end of the process.
    """

    def __init__(self, name: str, size: int = POOL_SIZE) -> None:
        self._name = name
        self._size = size
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    async def run(self, work: Callable[[], T], *, give_up: Callable[[], None] | None = None) -> T:
        """Run `work` in a thread and return what it returns.

        When the waiting coroutine is cancelled, `give_up` is called to make the thread come back soon; a job that has
        not begun is dropped.
        """
        future = self.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if give_up is not None:
                give_up()
            raise

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Queue `work`; raises `Interrupted` once the pool is closed."""
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise _closed()
            self._jobs.append((future, work))
            if self._idle < len(self._jobs) and len(self._threads) < self._size:
                thread = threading.Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._changed.notify()
        return future

    def close(self) -> None:
        """Drop what has not begun and let idle threads end; the others end after their job."""
        with self._changed:
            self._closed = True
            dropped = list(self._jobs)
            self._jobs.clear()
            self._changed.notify_all()
        for future, _work in dropped:
            # An error rather than a cancellation: nobody cancelled the one who waits.
            if future.set_running_or_notify_cancel():
                future.set_exception(_closed())

    def join(self, limit_s: float) -> bool:
        """Wait for the threads of a closed pool, `limit_s` for each; tell whether all of them have ended."""
        for thread in self._threads:
            thread.join(limit_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while (job := self._take()) is not None:
            future, work = job
            if future.set_running_or_notify_cancel():
                try:
                    result = work()
                except BaseException as error:  # noqa: BLE001 - handed to the one who waits
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del job, future, work  # an idle thread holds on to nothing

    def _take(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._jobs:
                    if self._closed:
                        return None
                    self._changed.wait()
                return self._jobs.popleft()
            finally:
                self._idle -= 1


def _closed() -> Interrupted:
    return Interrupted("the connection to the storage is closed")

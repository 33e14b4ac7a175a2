"""A connection and its health: the one place where a lost network or lost credentials stop and start everything."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from services.connection import Connection
from services.errors import NotAuthenticated, PailError, RateLimited, Transient
from services.gcs.interface import DataPlane, ListQuery, Storage
from services.transfer.adaptive import Pace
from services.transfer.options import OpenStorage, Options

Announce = Callable[[str, PailError | None], None]
"""Told the connection's label when everything starts to wait (with the cause) and when it goes on (None)."""


async def open_real_storage(connection: Connection) -> Storage:
    """Open storage through Google's library, which is imported only now, off the event loop."""
    opener = await asyncio.to_thread(_import_opener)
    return await opener(connection)


def _import_opener() -> OpenStorage:
    from services.gcs.open import open_storage  # heavy: 0.3 s

    opener: OpenStorage = open_storage
    return opener


MOST_RETIRED: Final = 4
"""Storages that were replaced and are kept open, for transfers that still read from them."""


class Line:
    """The storage of one connection, opened when it is first needed."""

    def __init__(self, connection: Connection, options: Options, announce: Announce) -> None:
        self.connection = connection
        self.cause: PailError | None = None
        """Why everything on this connection waits; None while it works."""
        self.no_batches: set[str] = set()
        """Buckets in which moves were found not to go in batches."""
        self.no_delete_batches: set[str] = set()
        """Buckets in which deletes were found not to go in batches."""
        self.no_atomic_move: set[str] = set()
        """Buckets that were found to have no atomic move."""
        self.no_parts: dict[str, str] = {}
        """Why no upload goes up in parallel parts, by bucket; empty where it may."""
        self.one_stream = 0.0
        """Bytes a second of one stream, where two were found to carry more."""
        self.enough_until = 0.0
        """When it may be tried again (`time.monotonic`) whether two streams carry more than one."""
        self.enough_s = 0.0
        """For how long it was not tried again the last time."""
        self.pace = Pace(options.begin, min(options.concurrency, most_connections()))
        """How many requests may be under way."""
        self.under_way = 0
        """How many transfers ask something of it."""
        self.large = 0
        """How many of them are large."""
        self._options = options
        self._announce = announce
        self._storage: Storage | None = None
        self._lent = False
        self._retired: list[Storage] = []
        self._spent: Counter[str] = Counter()
        self._opening = asyncio.Lock()
        self._up = asyncio.Event()
        self._up.set()
        self._worked = False
        self._down_since = 0.0
        self._prober: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[PailError | None] | None = None

    def has_room(self) -> bool:
        """Tell whether another transfer may start; large ones leave room for at least one other."""
        return self.under_way - self.large < max(1, self.pace.slots - self.large)

    def lend(self, storage: Storage) -> None:
        """Use storage that is open already."""
        if self._storage is None:
            self._storage = storage

    async def storage(self) -> Storage:
        """Return the storage, opened; raises `PailError`."""
        if self._storage is None:
            async with self._opening:
                if self._storage is None:
                    self._storage = await (self._options.open_storage or open_real_storage)(self.connection)
        return self._storage

    @property
    def opened(self) -> DataPlane | None:
        """The data plane, once it is open; whoever takes it uses it."""
        if self._storage is None:
            return None
        self._lent = True
        return self._storage.data

    @property
    def operations(self) -> Counter[str]:
        """Requests on this connection so far, by method; those of storage that was closed since are among them."""
        found = Counter(self._spent)
        for storage in (*self._retired, self._storage):
            if storage is not None:
                found.update(storage.operations.counts().by_operation)
        return found

    async def data(self) -> DataPlane:
        """Return the data plane; raises `PailError`."""
        storage = await self.storage()
        self._lent = True
        return storage.data

    def worked(self) -> None:
        """Note that a request was answered."""
        self._worked = True

    async def wait_up(self) -> None:
        """Return once the connection works; raises the cause where patience has ended."""
        while (cause := self.cause) is not None:
            patience = self._options.patience_s
            if patience is None:
                await self._up.wait()
                continue
            left = patience - (time.monotonic() - self._down_since)
            if left <= 0:
                raise cause
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._up.wait(), left)

    async def is_down(self, bucket: str, error: PailError) -> bool:
        """Find out whether a fault is the connection's (then everything waits), or only one object's."""
        if self.cause is not None:
            return True
        if not self._worked and self._options.patience_s is not None:
            return False
        if self._checking is None:
            self._checking = asyncio.create_task(self._probe(bucket))
            self._checking.add_done_callback(self._checked)
        cause = await asyncio.shield(self._checking)
        if cause is None:
            return False
        self._lose(bucket, cause if isinstance(cause, NotAuthenticated) else error)
        return True

    def _checked(self, _: asyncio.Task[PailError | None]) -> None:
        self._checking = None

    def _lose(self, bucket: str, cause: PailError) -> None:
        if self.cause is None:
            self.cause = cause
            self._up.clear()
            self._down_since = time.monotonic()
            self._announce(self.connection.label, cause)
            self._prober = asyncio.create_task(self._wait_for_return(bucket))

    async def _wait_for_return(self, bucket: str) -> None:
        while True:
            await asyncio.sleep(self._options.probe_s)
            if isinstance(self.cause, NotAuthenticated) or self.connection.is_local:
                # New credentials, or the store's new address, are only found by opening it again.
                await self._reopen()
            cause = await self._probe(bucket)
            if cause is None:
                self.cause = None
                self._up.set()
                self._announce(self.connection.label, None)
                return
            self.cause = cause

    async def _probe(self, bucket: str) -> PailError | None:
        """Return why the connection does not work, or None: any definite answer, a refusal as well, means it does."""
        try:
            async with asyncio.timeout(self._options.probe_limit_s):
                await (await self.storage()).data.list_page(bucket, ListQuery(page_size=1))
        except TimeoutError:
            return Transient(f"{self.connection.label} does not answer")
        except RateLimited:
            return None
        except (Transient, NotAuthenticated) as error:
            return error
        except PailError:
            return None
        return None

    async def _reopen(self) -> None:
        """Have storage opened anew; the old one stays open for those that were admitted and still read from it."""
        old, self._storage = self._storage, None
        if old is not None and self._lent:
            self._lent = False
            self._retired.append(old)
            old = self._retired.pop(0) if len(self._retired) > MOST_RETIRED else None
        if old is not None:
            self._spent.update(old.operations.counts().by_operation)
        await _close(old)

    async def close(self) -> None:
        """Close the storage."""
        for task in (self._prober, self._checking):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, PailError):
                    await task
        for storage in (*self._retired, self._storage):
            await _close(storage)
        self._retired, self._storage = [], None


async def _close(storage: Storage | None) -> None:
    if storage is not None:
        with contextlib.suppress(PailError, OSError):
            await storage.close()


def most_connections() -> int:
    """Return how many connections leave enough of this process's limit of open files to files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(4, soft // 4)


class Patience:
    """How often one transfer (or one batch) tries again, and how long it waits in between."""

    def __init__(self, line: Line, options: Options) -> None:
        self._line = line
        self._options = options
        self.tries = 0
        """Tries in a row that failed without any progress."""

    async def after(self, bucket: str, error: PailError, *, progressed: bool = False) -> None:
        """Wait until another try makes sense; raises `error` where it does not any more."""
        if progressed:
            self.tries = 0
        self.tries += 1
        if isinstance(error, NotAuthenticated):
            if not await self._line.is_down(bucket, error):
                if self.tries >= 2:
                    raise error
                return
            await self._line.wait_up()
            return
        if isinstance(error, RateLimited):
            self._line.pace.refused()
        elif self.tries >= 2 and await self._line.is_down(bucket, error):
            await self._line.wait_up()
            self.tries = 0
            return
        if self.tries >= self._options.max_attempts:
            raise error
        await asyncio.sleep(self._delay(error))

    def _delay(self, error: PailError) -> float:
        import random  # only where something is tried again

        wait = min(self._options.backoff_max_s, self._options.backoff_s * 2.0 ** (self.tries - 1))
        wait *= random.uniform(0.5, 1.0)
        asked = getattr(error, "retry_after_s", None)
        return max(wait, float(asked)) if asked else wait

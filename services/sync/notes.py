"""What is written to the pair's memory while a plan is carried out: many small notes, few commits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.sync.entries import BaseEntry
from services.sync.state import Intent, Session, State

FLUSH_AT: Final = 500
"""Results that are gathered before they are committed; losing them costs a look after a crash, nothing else."""

OnDisk = Callable[..., Awaitable[Any]]
"""Runs a blocking function off the event loop and returns what it returns."""


class Notes:
    """The base as it is, and the writer of the memory; belongs to one event loop."""

    def __init__(self, state: State, base: dict[str, BaseEntry], on_disk: OnDisk) -> None:
        self.base = base
        """The base, always up to date."""
        self._state = state
        self._on_disk = on_disk
        self._ended: dict[str, BaseEntry | None] = {}
        self._waiting: list[Intent] = []
        self._next: asyncio.Task[None] | None = None
        self._commits = asyncio.Lock()

    async def begin(self, *intents: Intent) -> None:
        """Return once it is durable that something is begun; those who ask at the same time share a commit."""
        if not intents:
            return
        self._waiting += intents
        if self._next is None:
            self._next = asyncio.ensure_future(self._write())
        await asyncio.shield(self._next)

    async def _write(self) -> None:
        """Write what is waiting once the commit before has ended; whoever asks until then is part of it."""
        async with self._commits:
            self._next = None
            intents, self._waiting = self._waiting, []
            await self._on_disk(self._state.begin, intents)

    async def session(self, key: str) -> Session | None:
        """Return the session of a key's upload, where one was begun that may still stand."""
        found: Session | None = await self._on_disk(self._state.session, key)
        return found

    async def keep_session(self, key: str, session: Session) -> None:
        """Return once a session is durable."""
        await self._on_disk(self._state.keep_session, key, session)

    async def drop_session(self, key: str) -> None:
        """Return once the session of a key is forgotten."""
        await self._on_disk(self._state.drop_session, key)

    async def withdraw(self, key: str, nonce: str) -> None:
        """Return once it is durable that what was begun with a key is not going to happen."""
        await self._on_disk(self._state.withdraw, [(key, nonce)])

    async def forget(self, key: str) -> None:
        """Return once it is durable that nothing is agreed on of a key, whatever was begun with it."""
        self.base.pop(key, None)
        self._ended.pop(key, None)
        await self._on_disk(self._state.save, [(key, None)])

    async def agreed(self, key: str, entry: BaseEntry | None) -> None:
        """Note what a key's two sides have agreed on (None: that both have nothing)."""
        if entry is None:
            self.base.pop(key, None)
        else:
            self.base[key] = entry
        self._ended[key] = entry
        if len(self._ended) >= FLUSH_AT:
            await self.flush()

    async def flush(self) -> None:
        """Return once everything that was noted is durable."""
        ended, self._ended = self._ended, {}
        if ended:
            await self._on_disk(self._state.save, list(ended.items()), list(ended))

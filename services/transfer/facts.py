"""Who listens to an engine: facts are delivered to each, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from services.transfer.messages import Fact, ItemFact, Items, NoticeFact

MOST_WAITING: Final = 100_000
"""Facts that wait for a listener that does not come for them; beyond, those about single items are dropped."""


class Subscription:
    """The facts for one listener, from its beginning on; an asynchronous iterator."""

    def __init__(self, board: FactBoard, *, items: Items) -> None:
        self._board = board
        self.items = items
        """Which facts about single items are wanted."""
        self._waiting: deque[Fact] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._dropped = False

    def put(self, fact: Fact) -> None:
        """Deliver a fact."""
        if isinstance(fact, ItemFact):
            if not self.items or (self.items == "failed" and fact.transfer.state != "failed"):
                return
            if len(self._waiting) >= MOST_WAITING:
                if not self._dropped:
                    self._dropped = True
                    self._waiting.append(
                        NoticeFact("too many items are waiting to be shown; some are left out", code="facts-dropped")
                    )
                return
        self._waiting.append(fact)
        self._arrived.set()

    def close(self) -> None:
        """End it once what waits was taken."""
        self._closed = True
        self._board.forget(self)
        self._arrived.set()

    def __aiter__(self) -> AsyncIterator[Fact]:
        return self

    async def __anext__(self) -> Fact:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Stop listening."""
        self._waiting.clear()
        self.close()


class FactBoard:
    """All listeners of an engine."""

    def __init__(self) -> None:
        self._listeners: list[Subscription] = []

    def subscribe(self, *, items: Items) -> Subscription:
        """Begin to listen."""
        listener = Subscription(self, items=items)
        self._listeners.append(listener)
        return listener

    @property
    def items(self) -> bool:
        """Whether anybody wants facts about items that are done: else none need be made."""
        return any(listener.items is True for listener in self._listeners)

    def publish(self, fact: Fact) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            listener.put(fact)

    def forget(self, listener: Subscription) -> None:
        """Stop telling one of them."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def close(self) -> None:
        """End all subscriptions."""
        for listener in tuple(self._listeners):
            listener.close()

"""Reaching the pairs that are kept in step, from the screen."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from services import paths
from services.connection import Connection

if TYPE_CHECKING:
    from app.session import Session
    from services.sync.status import Choice, LineView, Overview, PairDraft, PlanView, Ticks


class Pairs(Protocol):
    """All pairs, and what can be done with them (`services.sync.overview.PairBook`); the methods raise `PailError`."""

    async def look(self) -> Overview:
        """Return all pairs as they are now."""
        ...

    async def plan(self, identifier: str) -> PlanView:
        """Return the plan that waits."""
        ...

    async def lines(self, identifier: str, plan: int, action: str, offset: int, limit: int) -> tuple[LineView, ...]:
        """Return some lines of a group of that plan."""
        ...

    async def go(self, identifier: str, ticks: Ticks, deletes: int) -> None:
        """Have the plan carried out."""
        ...

    async def look_now(self, identifier: str) -> None:
        """Have both sides looked at."""
        ...

    async def resolve(self, identifier: str, copy: str, choice: Choice) -> None:
        """Decide a conflict."""
        ...

    async def make(self, draft: PairDraft) -> str:
        """Add a pair whose plan is shown before anything moves; returns its id."""
        ...

    async def approve(self, identifier: str) -> None:
        """Approve what a project proposes."""
        ...

    async def switch(self, identifier: str, *, on: bool) -> None:
        """Pause or resume."""
        ...

    async def remove(self, identifier: str) -> None:
        """Take a pair off the list."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


OpenPairs = Callable[["Session"], Awaitable[Pairs]]
"""Opens the pairs for a connection and its workspace."""


async def open_pairs(session: Session) -> Pairs:
    """Return the pairs of this user; what they need is imported in a thread, after the first paint."""
    module: Any = await asyncio.to_thread(importlib.import_module, "services.sync.overview")
    return _book(module, paths.state_dir(), session.project, session.connection)


def _book(module: Any, state_dir: Path, project: Path | None, connection: Connection) -> Pairs:
    book: Pairs = module.PairBook(state_dir, project, connection)
    return book

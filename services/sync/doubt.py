"""What a listing says is asked about where something would be deleted, or forgotten, because of it (hazard 24)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from services.errors import Safeguard
from services.names import display_name
from services.sync.entries import Action, Base, Plan, RemoteEntry
from services.sync.remote import Prefix

CONFIRMED_FIRST: Final = 200
"""Absences that are confirmed before the gate is asked; each one is again just before its delete."""

ASKED_AT_ONCE: Final = 16
"""Objects that are asked for side by side."""

MOST_DISPROVED: Final = 3
"""Objects that may be missing in a listing and be there all the same (made in between) before it counts as broken."""


async def confirmed(prefix: Prefix, entries: dict[str, RemoteEntry], plan_of: Callable[[], Plan], url: str) -> Plan:
    """Return the plan, once the service itself has said of what is to be deleted here that it is gone.

    `entries` is what the listing of `url` told; what turns out to be there is put into it, and the plan made anew.
    Raises `Safeguard` where the listing lacks too much.
    """
    disproved = 0
    certain: set[str] = set()
    while True:
        plan = plan_of()
        doubtful = [a.key for a in plan.actions if a.kind == "delete-local" and a.key not in certain]
        doubtful = doubtful[: max(0, CONFIRMED_FIRST - len(certain))]
        # What is forgotten counts as never seen: an object that is there after all would come back to life here.
        doubtful += [a.key for a in plan.actions if _is_doubtful(a) and a.key not in certain]
        if not doubtful:
            return plan
        found = await _stats(prefix, doubtful)
        for key, there in zip(doubtful, found, strict=True):
            if there is None:
                certain.add(key)
            else:
                disproved += 1
                entries[key] = there
        if disproved > MOST_DISPROVED:
            raise Safeguard(
                f"the listing of {display_name(url)} lacks objects that are there; nothing was done",
                remedy="Try again later; a proxy or the network may damage answers.",
                url=url,
            )


async def ask_again(prefix: Prefix, entries: dict[str, RemoteEntry], base: Base, keys: Iterable[str]) -> None:
    """Ask for the objects of which a listing tells an older generation than was agreed on: it is of the past."""
    past = [key for key in keys if key in base and key in entries and entries[key][0] < base[key].generation]
    for key, there in zip(past, await _stats(prefix, past), strict=True):
        if there is None:
            del entries[key]
        else:
            entries[key] = there


async def _stats(prefix: Prefix, keys: list[str]) -> list[RemoteEntry | None]:
    """Ask for objects, a few at a time."""
    found: dict[str, RemoteEntry | None] = {}
    waiting = iter(keys)

    async def work() -> None:
        for key in waiting:
            found[key] = await prefix.stat(key)

    await asyncio.gather(*(work() for _ in range(min(ASKED_AT_ONCE, len(keys)))))
    return [found[key] for key in keys]


def _is_doubtful(action: Action) -> bool:
    """Tell whether an action forgets what is gone from both sides, as far as the listing says."""
    return action.kind == "forget" and action.remote is None and action.local is None

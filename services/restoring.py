"""Many deleted generations brought back at once; never over an object that has taken the name since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from services.errors import NotFound, PailError, PreconditionFailed, UsageError
from services.gcs.interface import DataPlane
from services.history import restore, restore_plan, versions

AT_ONCE: Final = 16
"""Objects that are restored side by side."""


@dataclass(slots=True)
class Restored:
    """What became of a restoration."""

    names: list[str] = field(default_factory=list)
    """Objects that are live again."""
    taken: list[str] = field(default_factory=list)
    """Objects that were left as they are, since another one is live under their name."""
    gone: list[str] = field(default_factory=list)
    """Objects of which the wanted generation is kept no longer."""
    error: PailError | None = None
    """The first failure of another kind."""


async def restore_many(data: DataPlane, bucket: str, wanted: Iterable[tuple[str, int]]) -> Restored:
    """Bring back generations, by name and number, each only where nothing is live under its name; never raises."""
    result = Restored()
    todo = iter(wanted)

    async def work() -> None:
        for name, generation in todo:
            await _bring_back(data, bucket, name, generation, result)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return result


async def _bring_back(data: DataPlane, bucket: str, name: str, generation: int, result: Restored) -> None:
    try:
        plan = restore_plan(await versions(data, bucket, name), name, generation)
        if plan.over:
            result.taken.append(name)
            return
        await restore(data, bucket, plan)
    except UsageError:  # it is live already: somebody was quicker
        result.names.append(name)
    except PreconditionFailed:
        result.taken.append(name)
    except NotFound:
        result.gone.append(name)
    except PailError as error:
        result.error = result.error or error
    else:
        result.names.append(name)

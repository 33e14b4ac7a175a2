"""Many deleted generations brought back at once, over an object that has the name now only where that is wanted."""

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


async def restore_many(
    data: DataPlane, bucket: str, wanted: Iterable[tuple[str, int]], *, replace: bool = False
) -> Restored:
    """Bring back generations, by name and number; never raises a `PailError`.

    Each only where nothing is live under its name, unless it may `replace` what is.
    """
    result = Restored()
    todo = iter(wanted)

    async def work() -> None:
        for name, generation in todo:
            await _bring_back(data, bucket, (name, generation), result, replace=replace)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    return result


async def _bring_back(
    data: DataPlane, bucket: str, wanted: tuple[str, int], result: Restored, *, replace: bool
) -> None:
    name, generation = wanted
    try:
        plan = restore_plan(await versions(data, bucket, name), name, generation)
        if plan.over and not replace:
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

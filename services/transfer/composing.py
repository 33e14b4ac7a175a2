"""From parts to the object: composed in steps where there are many, and removed without a trace."""

from __future__ import annotations

import contextlib
from typing import Final

from services.checksum import encode
from services.errors import (
    Corrupt,
    Forbidden,
    NotFound,
    ObjectNotFound,
    PailError,
    PreconditionFailed,
    Rejected,
    Transient,
)
from services.gcs.interface import DataPlane, ListQuery
from services.model import CREATE_ONLY, ObjectInfo
from services.names import display_name
from services.transfer.attributes import attributes_of
from services.transfer.metadata import NONCE_KEY
from services.transfer.parts import COMPOSE_LIMIT, PART_KEY, Plan, joined_crc, part_attributes
from services.transfer.run import Run
from services.transfer.target import ObjectTarget

DELETE_BATCH: Final = 100
"""Deletes in one request."""


class Unsuitable(Exception):
    """The service does not compose: the upload has to go in one stream."""


class Composer:
    """Joins the finished parts of one upload."""

    def __init__(self, run: Run, target: ObjectTarget, plan: Plan) -> None:
        self._run = run
        self._target = target
        self._plan = plan

    async def compose(self) -> ObjectInfo:
        """Return the object; every answer that is lost is read back, and the precondition is the target's.

        Raises `Skipped` and `Asking` as the target does, `Unsuitable`, `PailError`.
        """
        sources = [(self._plan.name(part), part.generation, part.crc.value, part.size) for part in self._plan.parts]
        step = 0
        while len(sources) > COMPOSE_LIMIT:
            step += 1
            groups = [sources[at : at + COMPOSE_LIMIT] for at in range(0, len(sources), COMPOSE_LIMIT)]
            sources = [
                await self._between(f"{self._plan.prefix}{step}-{number:05}", group)
                for number, group in enumerate(groups)
            ]
        return await self._last([(name, generation) for name, generation, _, _ in sources])

    async def _between(self, name: str, group: list[tuple[str, int, int, int]]) -> tuple[str, int, int, int]:
        """Join some parts into a larger one, which an earlier process may have made."""
        run, bucket = self._run, self._target.bucket
        crc, size = joined_crc([(crc, size) for _, _, crc, size in group]), sum(size for _, _, _, size in group)
        patience = run.patience()
        while True:
            data = await run.data()
            try:
                info = await data.compose(
                    bucket,
                    [(part, generation) for part, generation, _, _ in group],
                    name,
                    attributes=part_attributes(self._target.name, run.record.nonce),
                    precondition=CREATE_ONLY,
                )
            except PreconditionFailed:
                info = await data.stat(bucket, name)
            except Transient as error:
                await patience.after(bucket, error, progressed=run.failed_once(error))
                continue
            except (Rejected, Forbidden, NotFound) as error:
                raise Unsuitable(error.message) from error
            if info.crc32c != encode(crc) or info.size != size:
                raise Corrupt(
                    f"{display_name(run.record.target)}: the joined parts have another checksum than the file"
                )
            return name, info.generation, crc, size

    async def _last(self, sources: list[tuple[str, int]]) -> ObjectInfo:
        run, target = self._run, self._target
        patience = run.patience()
        while True:
            try:
                return await (await run.data()).compose(
                    target.bucket,
                    sources,
                    target.name,
                    attributes=attributes_of(run),
                    precondition=target.precondition,
                )
            except PreconditionFailed:
                found = await target.refused()
                if found is not None:
                    return found
            except Transient as error:
                # The answer was lost, the object perhaps not: ask, instead of composing twice (hazard 6).
                run.unsure = True
                found = await target.read_back()
                if found is not None:
                    return found
                await patience.after(target.bucket, error, progressed=run.failed_once(error))
            except (Rejected, Forbidden, NotFound) as error:
                raise Unsuitable(error.message) from error


async def remove_parts(data: DataPlane, bucket: str, plan: Plan) -> None:
    """Remove all that an upload in parts has left in a bucket: sessions, parts, steps; what is gone is fine.

    Raises `PailError` where something may be left.
    """
    for session in (plan.spare, *(part.session for part in plan.parts)):
        if session:
            with contextlib.suppress(PailError):  # one that cannot be cancelled expires by itself
                await data.cancel_upload(session)
    try:
        left = await _listed(data, bucket, plan)
    except Forbidden:
        left = [(plan.name(part), part.generation) for part in plan.parts if part.done]
    for start in range(0, len(left), DELETE_BATCH):
        for error in await data.delete_many(bucket, left[start : start + DELETE_BATCH]):
            if error is not None and not isinstance(error, NotFound | PreconditionFailed):
                raise error


async def _listed(data: DataPlane, bucket: str, plan: Plan) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    token = ""
    while True:
        page = await data.list_page(bucket, ListQuery(prefix=plan.prefix), token)
        found += [(row.name, row.generation) for row in page.objects]
        token = page.next_token
        if not token:
            return found


async def find_part(run: Run, bucket: str, name: str) -> ObjectInfo | None:
    """Return a part that is there although its session does not say so; None for anything that is not ours."""
    try:
        info = await (await run.data()).stat(bucket, name)
    except ObjectNotFound:
        return None
    ours = PART_KEY in info.metadata and info.metadata.get(NONCE_KEY) == run.record.nonce
    return info if ours else None

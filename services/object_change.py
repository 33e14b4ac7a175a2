"""Sends an edit of an object's metadata on condition that nobody was faster."""

from __future__ import annotations

from services.changing import holds
from services.errors import Transient
from services.gcs.interface import DataPlane
from services.model import ObjectInfo, Precondition
from services.object_fields import Edit, rewrite_attributes


async def send_edit(data: DataPlane, seen: ObjectInfo, edit: Edit) -> ObjectInfo:
    """Change an object that was seen: a patch, or a rewrite onto itself where its class changes.

    Raises `PreconditionFailed` where somebody was faster, `Transient` where it is not known that it was carried out.
    """
    if edit.storage_class:
        return await _rewrite(data, seen, edit)
    precondition = Precondition(metageneration=seen.metageneration)
    try:
        return await data.patch(
            seen.bucket, seen.name, edit.patch, generation=seen.generation, precondition=precondition
        )
    except Transient:
        now = await data.stat(seen.bucket, seen.name)
        changed = (now.generation, now.metageneration) != (seen.generation, seen.metageneration)
        if not changed or now.generation != seen.generation or not holds(now.resource, edit.patch):
            raise
        return now


async def _rewrite(data: DataPlane, seen: ObjectInfo, edit: Edit) -> ObjectInfo:
    precondition = Precondition(generation=seen.generation, metageneration=seen.metageneration)
    attributes = rewrite_attributes(seen, edit)
    token = ""
    while True:
        status = await data.rewrite(
            seen.bucket,
            seen.name,
            seen.generation,
            seen.bucket,
            seen.name,
            precondition=precondition,
            attributes=attributes,
            token=token,
        )
        if status.done is not None:
            return status.done
        token = status.token

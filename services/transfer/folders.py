"""Real folders of a hierarchical namespace: renamed in one step, deleted, and cleared away after what was in them."""

from __future__ import annotations

import asyncio
from typing import Final

from services.errors import Conflict, NotFound, ObjectNotFound, PailError, PreconditionFailed, Transient
from services.gcs.interface import DataPlane
from services.model import FolderOperation
from services.names import GsUrl, display_name, parent_prefix, parse_gs_url
from services.transfer.messages import JobSpec
from services.transfer.run import Run

FIRST_WAIT_S: Final = 0.1
"""Seconds before a rename is asked about for the first time; doubled each time."""

LONGEST_WAIT_S: Final = 5.0
"""Seconds between two questions at the most."""

AT_ONCE: Final = 16
"""Empty folders that are deleted side by side."""


async def real_folder(data: DataPlane, url: GsUrl) -> int:
    """Return the metageneration of a real folder; 0 where there is none, or folders are not real there.

    Raises `Transient`.
    """
    try:
        return await data.stat_folder(url.bucket, url.name)
    except Transient:
        raise
    except PailError:
        return 0


async def move_folder(run: Run) -> None:
    """Rename a real folder with all that is in it; raises `PailError`.

    The operation is journalled, so that whoever goes on after a crash asks about it instead of renaming again.
    """
    record, patience = run.record, run.patience()
    source, target = parse_gs_url(record.source), parse_gs_url(record.target)
    while True:
        data = await run.data()
        try:
            await _renamed(run, data, source, target)
        except Transient as error:
            run.unsure = True
            await patience.after(source.bucket, error, progressed=run.failed_once(error))
        except (ObjectNotFound, Conflict, PreconditionFailed) as error:
            record.session = ""
            if run.doubtful and await _is_there(data, target) and not await _is_there(data, source):
                return
            if isinstance(error, ObjectNotFound):
                raise NotFound(
                    f"there is no folder {display_name(record.source)} any more", url=record.source
                ) from error
            raise type(error)(error.message, remedy="Choose another name, or try again.", url=record.target) from error
        else:
            record.session = ""
            run.line.worked()
            return


async def _renamed(run: Run, data: DataPlane, source: GsUrl, target: GsUrl) -> None:
    """Have the folder renamed, or go on waiting for that; returns once it is."""
    record = run.record
    operation = FolderOperation(record.session, done=False)
    if not record.session:
        above = parent_prefix(target.name)
        if above and not await _is_there(data, GsUrl(target.bucket, above)):
            await data.create_folder(target.bucket, above)
        operation = await data.rename_folder(
            source.bucket, source.name, target.name, metageneration=record.generation or None
        )
        record.session = operation.name
        if not operation.done:
            await run.save()
    wait = FIRST_WAIT_S
    while not operation.done:
        run.waiting = "the service renames the folder"
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_S)
        try:
            operation = await data.folder_operation(source.bucket, record.session)
        except ObjectNotFound:
            if not await _is_there(data, target) or await _is_there(data, source):
                raise
            return
    run.waiting = ""


async def _is_there(data: DataPlane, url: GsUrl) -> bool:
    try:
        await data.stat_folder(url.bucket, url.name)
    except ObjectNotFound:
        return False
    return True


async def remove_folder(run: Run) -> None:
    """Delete a real folder that is empty; one that is gone is fine.  Raises `Conflict` where something is in it."""
    url, patience = parse_gs_url(run.record.source), run.patience()
    while True:
        try:
            await (await run.data()).delete_folder(url.bucket, url.name)
        except NotFound:
            return
        except Conflict as error:
            message = f"{display_name(run.record.source)} is not empty any more"
            raise Conflict(message, remedy="Delete it with what is in it.", url=run.record.source) from error
        except Transient as error:
            await patience.after(url.bucket, error, progressed=run.failed_once(error))
        else:
            run.line.worked()
            return


async def sweep(data: DataPlane, spec: JobSpec) -> None:
    """After trees were moved away or deleted: delete the real folders that are empty now, the deepest first.

    Where folders are not real, and where they may not be listed, there is nothing to do.  Raises `PailError`.
    """
    if spec.action not in ("move", "delete"):
        return
    for item in spec.items:
        if item.tree and item.source.startswith("gs://"):
            await sweep_below(data, parse_gs_url(item.source))


async def sweep_below(data: DataPlane, url: GsUrl) -> None:
    """Delete the empty real folders at and below a prefix; raises `PailError`."""
    prefix = url.name if not url.name or url.name.endswith("/") else f"{url.name}/"
    names: list[str] = []
    token = ""
    while True:
        try:
            page = await data.list_folders(url.bucket, prefix, token)
        except Transient:
            raise
        except PailError:  # flat buckets refuse, and so do credentials for objects alone
            return
        names += page.names
        token = page.next_token
        if not token:
            break
    slots = asyncio.Semaphore(AT_ONCE)

    async def delete(name: str) -> None:
        async with slots:
            try:
                await data.delete_folder(url.bucket, name)
            except (Conflict, NotFound):  # something is in it, or somebody was quicker
                return

    by_depth: dict[int, list[str]] = {}
    for name in names:
        by_depth.setdefault(name.count("/"), []).append(name)
    for depth in sorted(by_depth, reverse=True):
        await asyncio.gather(*map(delete, by_depth[depth]))

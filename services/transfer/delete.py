"""Deletes, many in one request, each of exactly the generation that was seen; and new folders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from services.errors import Conflict, NotFound, PailError, PreconditionFailed, Rejected, Transient
from services.model import CREATE_ONLY, Precondition, WriteAttributes
from services.names import GsUrl, display_name, parse_gs_url
from services.transfer.doubt import refused_again
from services.transfer.folders import real_folder
from services.transfer.metadata import FOLDER_TYPE, NONCE_KEY
from services.transfer.run import Run, Skipped

BATCH: Final = 100
"""Deletes that one request may carry (cloud.google.com/storage/docs/batch)."""

ONE_BY_ONE: Final = 16
"""Deletes side by side where they cannot go in batches."""

THERE: Final = "the folder is there already"
"""Why a folder of a tree that is copied is not made."""

Outcome = tuple[Run, PailError | None]
"""A delete and why it failed, if it did."""


async def delete_batch(runs: list[Run]) -> list[Outcome]:
    """Delete the objects of up to 100 transfers of one bucket; failures are returned, not raised.

    A passing fault has the batch sent again: as each delete carries the generation, what is gone by then was deleted by
    the first one, and a newer generation is never touched (hazard 8).
    """
    bucket = parse_gs_url(runs[0].record.source).bucket
    patience = runs[0].patience()
    outcomes: list[Outcome] = []
    waiting = runs
    told: set[tuple[int, int]] = set()
    while waiting:
        try:
            answers = await _delete(bucket, waiting)
        except Transient as error:
            answers = [error] * len(waiting)
        except PailError as error:
            return outcomes + [(run, error) for run in waiting]
        again: list[Run] = []
        fault: Transient | None = None
        for run, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Transient):
                fault = answer
                again.append(run)
            elif answer is not None and run.record.key not in told and await _is_doubted(run, answer):
                told.add(run.record.key)
                again.append(run)
            else:
                outcomes.append((run, _outcome(run, answer)))
        progressed, waiting = len(again) < len(waiting), again
        if fault is not None:
            for run in waiting:
                run.unsure = True
                run.failed_once(fault)
            try:
                await patience.after(bucket, fault, progressed=progressed)
            except PailError as error:
                return outcomes + [(run, error) for run in waiting]
    return outcomes


async def _is_doubted(run: Run, answer: PailError) -> bool:
    """Tell whether an answer is only believed when it is given twice.

    What was listed is gone, or is another one; or the request itself is called wrong.
    """
    if run.record.decision:
        return False
    if isinstance(answer, NotFound):
        if run.listed:
            run.flags.list_again = True
        return run.listed
    if not isinstance(answer, PreconditionFailed):
        return isinstance(answer, Rejected)
    try:
        return await refused_again(run)
    except Transient:
        return True


async def _delete(bucket: str, runs: list[Run]) -> list[PailError | None]:
    # With a decision exactly one version was named: a noncurrent one can be meant.
    named = {run.record.key for run in runs if run.record.decision}
    if not named:
        return list(map(_ours, await _delete_alike(bucket, runs, exact=False)))
    answers: dict[tuple[int, int], PailError | None] = {}
    for exact in (False, True):
        chosen = [run for run in runs if (run.record.key in named) is exact]
        if chosen:
            found = await _delete_alike(bucket, chosen, exact=exact)
            answers.update(zip((run.record.key for run in chosen), map(_ours, found), strict=True))
    return [answers[run.record.key] for run in runs]


async def _delete_alike(bucket: str, runs: list[Run], *, exact: bool) -> Sequence[BaseException | None]:
    """Delete in one request, or one by one where a server takes no batches (501, 404 or 405 for the whole)."""
    data, refused = await runs[0].data(), runs[0].line.no_delete_batches
    start = len(f"gs://{bucket}/")
    items = [(run.record.source[start:], run.record.generation) for run in runs]
    if bucket not in refused:
        try:
            return await data.delete_many(bucket, items, exact=exact)
        except (Rejected, NotFound):
            refused.add(bucket)
    limit = asyncio.Semaphore(ONE_BY_ONE)

    async def delete(name: str, generation: int) -> None:
        async with limit:
            if exact:
                await data.delete(bucket, name, generation=generation, precondition=Precondition())
            else:
                await data.delete(bucket, name, precondition=Precondition(generation=generation))

    answers = await asyncio.gather(*(delete(*item) for item in items), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, asyncio.CancelledError):
            raise answer
    return answers


def _ours(answer: BaseException | None) -> PailError | None:
    if answer is None or isinstance(answer, PailError):
        return answer
    return PailError(f"the delete failed: {answer}")


def _outcome(run: Run, answer: PailError | None) -> PailError | None:
    run.line.worked()
    run.moved = run.record.size
    run.record.written = run.record.generation
    if answer is None:
        return None
    if isinstance(answer, NotFound):
        # It was seen before, so it is gone as wanted; a version that a person named has to have existed.
        named = run.record.decision and run.spec.action == "delete"
        return answer if named and not run.doubtful else None
    if isinstance(answer, PreconditionFailed):
        if run.doubtful:
            return None
        url = run.record.source
        return PreconditionFailed(f"{display_name(url)} was changed by someone else since it was seen", url=url)
    return answer


async def make_folder(run: Run) -> None:
    """Make an empty folder: a real one where the bucket has such, else the placeholder `dir/`; raises `PailError`."""
    url = parse_gs_url(run.record.target)
    name = url.name if url.name.endswith("/") else url.name + "/"
    patience, sent = run.patience(), False
    while True:
        try:
            storage = await run.line.storage()
            if await _hierarchical(run, url.bucket):
                # Real folders carry no mark: after a lost answer nothing else tells which of them was there before.
                if run.record.source and not run.unsure and await real_folder(storage.data, GsUrl(url.bucket, name)):
                    raise Skipped(THERE)
                sent = True
                await storage.data.create_folder(url.bucket, name)
            else:
                sent = True
                attributes = WriteAttributes(content_type=FOLDER_TYPE, metadata={NONCE_KEY: run.record.nonce})
                info = await storage.data.insert(
                    url.bucket, name, b"", attributes=attributes, crc32c="AAAAAA==", precondition=CREATE_ONLY
                )
                run.record.written, run.record.crc32c = info.generation, info.crc32c
        except (PreconditionFailed, Conflict):
            if await _made_by(run, url.bucket, name):
                return
            if run.record.source:  # one of a tree that is copied: no more is wanted than that it is there
                raise Skipped(THERE) from None
            raise Conflict(
                f"{display_name(run.record.target)} exists already",
                remedy="Choose another name.",
                url=run.record.target,
            ) from None
        except Transient as error:
            run.unsure = run.unsure or sent
            await patience.after(url.bucket, error, progressed=run.failed_once(error))
        else:
            run.line.worked()
            return


async def _hierarchical(run: Run, bucket: str) -> bool:
    storage = await run.line.storage()
    try:
        return await storage.control.is_hierarchical(bucket)
    except Transient:
        raise
    except PailError:
        return False


async def _made_by(run: Run, bucket: str, name: str) -> bool:
    """Tell whether the folder that is in the way is the one this transfer made, before its answer was lost."""
    if not run.doubtful:
        return False
    try:
        info = await (await run.data()).stat(bucket, name)
    except NotFound:
        return run.unsure
    return info.metadata.get(NONCE_KEY) == run.record.nonce

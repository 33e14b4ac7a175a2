"""Moves within a bucket, many in one request: what is plain is done at once, the rest one by one.

A batch is for objects of which nothing is known but what was listed: each is renamed onto a name that nothing has, and
only if it still is the generation that was seen.  Whatever comes back but a success, or nothing at all, is left to
`services.transfer.copy`, which looks before it acts.
"""

from __future__ import annotations

from services.errors import PailError, RateLimited, Transient
from services.model import ObjectInfo
from services.names import is_gs_url, parse_gs_url
from services.transfer.copy import verified
from services.transfer.line import Line
from services.transfer.record import Record
from services.transfer.run import JobFlags, Run

Outcome = tuple[Run, PailError | None]
"""A move and why it failed, if it did."""


def is_plain(record: Record, flags: JobFlags, line: Line, within: str = "") -> bool:
    """Tell whether a transfer may go along with others in one request, of the bucket `within` if one is given."""
    if record.action != "move" or record.generation == 0 or record.attempt > 1 or flags.look_first or flags.recovered:
        return False
    if record.decision or record.session or record.fingerprint:
        return False
    if not is_gs_url(record.source):
        return False
    bucket = within or parse_gs_url(record.source).bucket
    start = f"gs://{bucket}/"
    if bucket in line.no_batches or bucket in line.no_atomic_move:
        return False
    return record.source.startswith(start) and record.target.startswith(start)


async def rename_batch(runs: list[Run]) -> tuple[list[Outcome], list[Run]]:
    """Rename the objects of up to 100 plain transfers of one bucket.

    Returns how those ended that are over, and those that each have to be carried out on their own.
    """
    line = runs[0].line
    bucket = parse_gs_url(runs[0].record.source).bucket
    start = len(f"gs://{bucket}/")
    items = [(run.record.source[start:], run.record.generation, run.record.target[start:]) for run in runs]
    answers: list[ObjectInfo | PailError]
    try:
        answers = await (await runs[0].data()).move_many(bucket, items)
    except Transient as fault:
        answers = [fault] * len(runs)
    except PailError:
        # Refused as a whole, so nothing was done: this server, or this bucket, takes no batches of them.
        line.no_batches.add(bucket)
        return [], runs
    over: list[Outcome] = []
    rest: list[Run] = []
    for run, answer in zip(runs, answers, strict=True):
        if isinstance(answer, ObjectInfo):
            over.append((run, await _ended(run, answer)))
            continue
        if isinstance(answer, RateLimited):
            line.pace.refused()
        # Without an answer it may have been renamed: whoever carries it out looks first.
        run.unsure = isinstance(answer, Transient)
        rest.append(run)
    if over:
        line.worked()
    return over, rest


async def _ended(run: Run, info: ObjectInfo) -> PailError | None:
    try:
        await verified(run, info, moved=True)
    except PailError as error:
        return error
    return None

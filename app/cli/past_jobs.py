"""`pail transfers --history`: what has ended in the last 30 days, with totals and rates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from app.cli.output import Output
from app.cli.units import rfc3339
from services.transfer.chronicle import PastJob, Totals, add_up, recall
from widgets import formats


def print_history(output: Output, state: Path) -> int:
    """Print the jobs of the last 30 days, the newest first, then what they come to; returns the exit code."""
    jobs = recall(state)
    for job in jobs:
        if output.json:
            output.record("job", **_record(job))
        else:
            _print_job(output, job)
    totals = add_up(jobs)
    if output.json:
        output.record("summary", jobs=totals.jobs, items=totals.items, failed=totals.failed, **_moved(totals))
    elif jobs:
        output.message(summary(jobs, totals))
    else:
        output.message("Nothing was transferred in the last 30 days.")
    return 0


def summary(jobs: list[PastJob], totals: Totals) -> str:
    """Return what some jobs come to: `12 jobs in 30 days: 3 upload, 9 download; 8,112 items, 31 GB at 37.2 MB/s`."""
    by_action = ", ".join(
        f"{number:,} {action}" for action, number in Counter(job.action for job in jobs).most_common()
    )
    parts = [formats.count(totals.items, "item")]
    if totals.bytes:
        parts.append(f"{formats.size(totals.bytes)} at {formats.rate(totals.rate)}")
    if totals.failed:
        parts.append(f"{totals.failed:,} failed")
    return f"{formats.count(totals.jobs, 'job')} in 30 days ({by_action}): {', '.join(parts)}"


def _record(job: PastJob) -> dict[str, object]:
    return {
        "action": job.action,
        "source": job.source,
        "target": job.target,
        "state": job.state,
        "items": job.items,
        "done": job.done,
        "failed": job.failed,
        "skipped": job.skipped,
        "bytes": job.bytes,
        "started": rfc3339(job.created),
        "finished": rfc3339(job.finished),
        "seconds": round(job.seconds, 3),
        "rate": round(job.rate),
        "origin": job.origin,
        "reason": job.reason,
    }


def _moved(totals: Totals) -> dict[str, object]:
    return {"bytes": totals.bytes, "seconds": round(totals.seconds, 3), "rate": round(totals.rate)}


def _print_job(output: Output, job: PastJob) -> None:
    way = output.name(job.source) + (f" -> {output.name(job.target)}" if job.target else "")
    parts = [formats.count(job.done, "item"), formats.size(job.bytes), formats.duration(job.seconds)]
    if job.rate:
        parts.append(formats.rate(job.rate))
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    if job.skipped:
        parts.append(f"{job.skipped:,} skipped")
    output.line(f"{formats.date_time(job.finished)}  {job.action:8}  {job.state:9}  {way}")
    output.line(f"                     {', '.join(parts)}")

"""Snapshots: the jobs, and the window of transfers that somebody looks at, from memory and from the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from services.transfer import schema
from services.transfer.job import Job
from services.transfer.messages import SnapshotQuery, TransferView
from services.transfer.record import Record, RecordState

ORDER: Final[tuple[RecordState, ...]] = ("failed", "asking", "paused", "queued", "done", "cancelled")
"""What comes after the running ones."""

MOST_ROWS: Final = 2000
"""Transfers that one snapshot holds at the most."""


def chosen(jobs: Sequence[Job], query: SnapshotQuery) -> list[Job]:
    """Return the jobs whose transfers a query means."""
    if query.job:
        return [job for job in jobs if job.id == query.job]
    return [job for job in jobs if not job.ended]


def running(jobs: Sequence[Job]) -> list[TransferView]:
    """Return what runs just now."""
    return [run.view() for job in jobs for run in job.active.values()]


def total(jobs: Sequence[Job]) -> int:
    """Return how many transfers the jobs have."""
    return sum(job.counts.total for job in jobs)


class Window:
    """What has to be read from the journal for a snapshot, worked out on the loop and read on the journal's thread."""

    def __init__(self, jobs: Sequence[Job], offset: int, limit: int) -> None:
        self._parts: list[tuple[int, RecordState, int, int]] = []
        self._active = {run.record.key for job in jobs for run in job.active.values()}
        self._paused = {job.row.id for job in jobs if job.row.state == "paused"}
        for state in ORDER:
            for job in jobs:
                active = len(job.active) if state == "queued" else 0
                there = job.counts.of(state) - active
                if offset >= there:
                    offset -= there
                    continue
                wanted = min(limit, there - offset)
                if wanted > 0:
                    # Those that run are queued in the journal, mostly the first ones: they are read too and left out.
                    skip = offset + active if offset else 0
                    self._parts.append((job.row.id, state, skip, wanted + active))
                limit -= wanted
                offset = 0
                if limit <= 0:
                    return

    def read(self, db: sqlite3.Connection) -> list[TransferView]:
        """Return the transfers."""
        return [
            self._view(record)
            for job, state, skip, wanted in self._parts
            for record in schema.by_state(db, job, state, skip, wanted)
            if record.key not in self._active
        ]

    def _view(self, record: Record) -> TransferView:
        waits = record.state == "queued" and record.job in self._paused
        return record.view("paused" if waits else None)

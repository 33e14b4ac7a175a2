"""The lines of the Transfers view: of a job of any size only those are held that are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.transfer.messages import JobView, TransferView
from widgets.transfer_rows import (
    ItemRow,
    JobRow,
    NoteRow,
    PendingRow,
    TransferRow,
    job_order,
    opens_by_itself,
    subject_of,
)

ALL_SHOWN: Final = 24
"""Transfers of a job that are all listed by themselves.  Of a longer one only those are that run, failed or ask, until
somebody opens it: the other jobs would be far away below it."""

MOST_SEEN: Final = 2_000
"""Transfers of one job beyond its first ones that are remembered."""


@dataclass(slots=True)
class Known:
    """What is known of one job's transfers."""

    first: tuple[TransferView, ...] = ()
    """The first ones in the engine's order: what runs, what failed, what asks."""
    seen: dict[int, TransferView] = field(default_factory=dict)
    """Others that were looked at, by their number in that order."""

    def take(self, offset: int, transfers: Sequence[TransferView]) -> None:
        """Take in a window of the transfers."""
        if len(self.seen) > MOST_SEEN:
            self.seen.clear()
        ahead = len(self.first)
        if offset < ahead:
            self.first = (*self.first[:offset], *transfers[: ahead - offset], *self.first[offset + len(transfers) :])
        for index, transfer in enumerate(transfers, offset):
            if index >= ahead:
                self.seen[index] = transfer


@dataclass(frozen=True, slots=True)
class Rest:
    """The lines of a job's transfers behind its first ones."""

    row: int
    """Number of the first of these lines."""
    job: str
    """Id of the job."""
    index: int
    """Number of the first of these transfers among the job's."""
    count: int
    """How many."""


class TransferList:
    """Lines by their number, made when they are asked for."""

    def __init__(
        self, jobs: Iterable[JobView] = (), known: Mapping[str, Known] | None = None, opened: Mapping[str, bool] = {}
    ) -> None:
        """Lay the jobs out, newest first, with what is known of the transfers of each that is open."""
        self._known = known or {}
        self._starts: list[int] = []
        self._parts: list[list[TransferRow] | Rest] = []
        self._total = 0
        for job in sorted(jobs, key=job_order):
            self._lay_out(job, opened)

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, row: int) -> TransferRow:
        part = bisect_right(self._starts, row) - 1
        found = self._parts[part]
        at = row - self._starts[part]
        if not isinstance(found, Rest):
            return found[at]
        index = found.index + at
        transfer = self._known[found.job].seen.get(index) if found.job in self._known else None
        return ItemRow(transfer, behind=True) if transfer is not None else PendingRow(found.job, index)

    def find(self, subject: str, near: int) -> int:
        """Return the row of a job or transfer, -1 where it is not known; `near` is where it was last."""
        if near < self._total and subject_of(self[near]) == subject and not isinstance(self[near], NoteRow):
            return near
        for start, part in zip(self._starts, self._parts, strict=True):
            if isinstance(part, Rest):
                seen = self._known[part.job].seen if part.job in self._known else {}
                for index, transfer in seen.items():
                    if transfer.id == subject and part.index <= index < part.index + part.count:
                        return start + index - part.index
                continue
            for at, row in enumerate(part):
                if not isinstance(row, NoteRow) and subject_of(row) == subject:
                    return start + at
        return -1

    def rest_in(self, top: int, bottom: int) -> Rest | None:
        """Return which transfers behind the first ones the rows from `top` to `bottom` (exclusive) show."""
        for start, part in zip(self._starts, self._parts, strict=True):
            if isinstance(part, Rest) and start < bottom and top < start + part.count:
                first, last = max(top, start), min(bottom, start + part.count)
                return Rest(first, part.job, part.index + first - start, last - first)
        return None

    def _lay_out(self, job: JobView, opened: Mapping[str, bool]) -> None:
        known = self._known.get(job.id)
        items = known.first if known is not None else ()
        several = job.items > 1
        is_open = opened.get(job.id, opens_by_itself(job)) if several else None
        whole = opened.get(job.id, job.items <= ALL_SHOWN)
        rows: list[TransferRow] = [JobRow(job, is_open)]
        shown = items if is_open else ()
        if not whole:
            shown = tuple(item for item in shown if item.state not in ("queued", "done", "cancelled"))[:ALL_SHOWN]
        reason, remedy = job.reason, job.remedy
        if not reason and not several and items:
            reason, remedy = items[0].reason, items[0].remedy
        if reason and not any(item.reason for item in shown):
            rows += _notes(job.id, reason, remedy, 0)
        for item in shown:
            rows.append(ItemRow(item))
            if item.reason:
                rows += _notes(item.id, item.reason, item.remedy, 1)
        left = job.items - len(items)
        if is_open and not whole:
            rows.append(NoteRow(job.id, "more", f"{job.items - len(shown):,} more; Enter on the job lists all", 1))
        self._add(rows, len(rows))
        if is_open and whole and left > 0:
            self._add(Rest(self._total, job.id, len(items), left), left)

    def _add(self, part: list[TransferRow] | Rest, lines: int) -> None:
        self._starts.append(self._total)
        self._parts.append(part)
        self._total += lines


def _notes(subject: str, reason: str, remedy: str, depth: int) -> list[TransferRow]:
    notes: list[TransferRow] = [NoteRow(subject, "reason", reason, depth)]
    return [*notes, NoteRow(subject, "remedy", remedy, depth)] if remedy else notes

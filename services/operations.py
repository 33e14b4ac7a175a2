"""Requests of this session, counted by what they are billed as (cloud.google.com/storage/pricing, "operations")."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

BillingClass = Literal["A", "B", "free"]
"""A: changes and lists.  B: reads.  Free: deletes."""

OPERATIONS: Final[Mapping[str, BillingClass]] = {
    "buckets.delete": "free",
    "buckets.get": "B",
    "buckets.getIamPolicy": "B",
    "buckets.getStorageLayout": "B",
    "buckets.insert": "A",
    "buckets.list": "A",
    "buckets.patch": "A",
    "buckets.restore": "A",
    "buckets.setIamPolicy": "A",
    "buckets.testIamPermissions": "B",
    "folders.delete": "free",
    "folders.get": "B",
    "folders.insert": "A",
    "folders.list": "A",
    "folders.rename": "A",
    "multipart.abort": "free",
    "multipart.list": "B",
    "multipart.listParts": "B",
    "objects.compose": "A",
    "objects.delete": "free",
    "objects.get": "B",
    "objects.insert": "A",
    "objects.list": "A",
    "objects.move": "A",
    "objects.patch": "A",
    "objects.restore": "A",
    "objects.rewrite": "A",
    "operations.get": "B",
}
"""Methods of the JSON API, and `multipart.…` of the XML API, with their class.

A resumable upload is one `objects.insert`, however many parts it has.
"""


class OperationCounts(NamedTuple):
    """How many requests were sent, at one moment."""

    by_operation: Mapping[str, int]
    """By method of the JSON API."""

    def of_class(self, billing: BillingClass) -> int:
        """Return the number of one class; what is not in the table counts as A, the dearest."""
        return sum(number for name, number in self.by_operation.items() if OPERATIONS.get(name, "A") == billing)


class OperationCounter:
    """Counts requests; may be called from any thread, and costs a microsecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, operation: str, number: int = 1) -> None:
        """Count requests of one method (`objects.list`): each attempt, since failed ones are billed as well."""
        with self._lock:
            self._counts[operation] += number

    def counts(self) -> OperationCounts:
        """Return what was counted so far."""
        with self._lock:
            return OperationCounts(dict(self._counts))


class WorkerOperations:
    """Requests of a worker during one session, told from what it says of all its time.

    What it did before the session is not counted; a worker that replaces it begins at nothing.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] | None = None
        self._sum: Counter[str] = Counter()

    def note(self, so_far: Mapping[str, int]) -> None:
        """Take what a worker says of all its time, by method."""
        last = self._last
        if last is not None:
            is_another = any(so_far.get(name, 0) < number for name, number in last.items())
            for name, number in so_far.items():
                self._sum[name] += number - (0 if is_another else last.get(name, 0))
        self._last = dict(so_far)

    def with_own(self, own: OperationCounts) -> OperationCounts:
        """Return the worker's requests and those of this process together."""
        return OperationCounts(dict(self._sum + Counter(own.by_operation)))

"""What requests are billed as, and those of a worker that is another one after a while."""

from __future__ import annotations

from services.operations import OperationCounter, OperationCounts, WorkerOperations


def test_requests_are_told_by_what_they_are_billed_as() -> None:
    counter = OperationCounter()
    counter.add("objects.list", 3)
    counter.add("objects.get")
    counter.add("objects.delete", 5)
    counter.add("objects.never-heard-of")
    counts = counter.counts()
    assert [counts.of_class(name) for name in ("A", "B", "free")] == [4, 1, 5]


def test_what_a_worker_did_before_the_session_is_not_counted() -> None:
    worker = WorkerOperations()
    worker.note({"objects.insert": 100})
    worker.note({"objects.insert": 103, "objects.get": 2})
    own = OperationCounts({"objects.get": 1})
    assert worker.with_own(own).by_operation == {"objects.insert": 3, "objects.get": 3}


def test_a_worker_that_replaces_another_begins_at_nothing() -> None:
    worker = WorkerOperations()
    worker.note({})
    worker.note({"objects.insert": 10})
    worker.note({})
    worker.note({"objects.insert": 4})
    worker.note({"objects.insert": 2})
    assert worker.with_own(OperationCounts({})).by_operation == {"objects.insert": 16}

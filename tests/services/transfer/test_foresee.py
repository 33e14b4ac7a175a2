"""What a plan will cost: operations by class, as the service bills them."""

from __future__ import annotations

from typing import Any

import pytest

from services.transfer.foresee import Foresight
from services.transfer.messages import TransferView

MIB = 1 << 20


def foreseen(*transfers: TransferView) -> dict[str, int]:
    plan = Foresight()
    for transfer in transfers:
        plan.add(transfer)
    return dict(plan.counts().by_operation)


def view(action: Any, source: str, target: str, size: int = 10, state: Any = "queued") -> TransferView:
    return TransferView("1.1", "1", action, source, target, state, size=size)


@pytest.mark.parametrize(
    ("transfer", "expected"),
    [
        (view("upload", "/a", "gs://b/a"), {"objects.insert": 1}),
        (view("upload", "/a", "gs://b/a", 4 << 30), {"objects.insert": 1}),
        (view("download", "gs://b/a", "/a"), {"objects.get": 1}),
        (view("download", "gs://b/a", "/a", 100 * MIB), {"objects.get": 4}),
        (view("copy", "gs://b/a", "gs://c/a"), {"objects.rewrite": 1}),
        (view("move", "gs://b/a", "gs://b/c"), {"objects.move": 1}),
        (view("move", "gs://b/a", "gs://c/a"), {"objects.rewrite": 1, "objects.delete": 1}),
        (view("move", "/a", "gs://b/a"), {"objects.insert": 1}),
        (view("move", "gs://b/a", "/a"), {"objects.get": 1, "objects.delete": 1}),
        (view("delete", "gs://b/a", ""), {"objects.delete": 1}),
        (view("skip", "/a", "gs://b/a", state="done"), {}),
        (view("upload", "/a", "gs://b/a", state="failed"), {}),
    ],
)
def test_each_action_has_its_operations(transfer: TransferView, expected: dict[str, int]) -> None:
    assert foreseen(transfer) == expected


def test_many_listed_objects_cost_pages_of_a_listing() -> None:
    found = foreseen(*(view("delete", f"gs://b/{number}", "") for number in range(2_500)))
    assert found == {"objects.delete": 2_500, "objects.list": 3}


def test_classes_and_bytes_are_added_up() -> None:
    plan = Foresight()
    for number in range(3):
        plan.add(view("upload", f"/{number}", f"gs://b/{number}"))
    plan.add(view("download", "gs://b/x", "/x"))
    counts = plan.counts()
    assert (counts.of_class("A"), counts.of_class("B"), plan.bytes) == (3, 1, 40)

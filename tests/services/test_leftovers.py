"""Parts of uploads that were given up: found, and told apart from those that are needed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.connection import Connection
from services.leftovers import find_leftovers, plan_words, remedy
from services.prices import GOOGLE
from services.transfer.parts import PREFIX, Plan
from services.usage_report import Survey
from tests.services.transfer.conftest import BUCKET, Lab, OpenLab, open_lab

__all__ = ["open_lab"]

TOMORROW = 90_000.0
"""Seconds until a part of today is old."""


@pytest.fixture
async def lab(open_lab: OpenLab) -> Lab:
    return await open_lab()


async def test_old_parts_are_leftovers_and_new_ones_are_not(lab: Lab) -> None:
    plan = Plan(30, 10)
    for part in plan.parts:
        await lab.put(plan.name(part), b"x" * 10)
    await lab.put("pail/parts/mine", b"x")
    assert (await find_leftovers(lab.storage.data, BUCKET, time.time())).objects == 0
    left = await find_leftovers(lab.storage.data, BUCKET, time.time() + TOMORROW)
    assert (left.objects, left.size) == (3, 30)
    assert remedy(BUCKET) == f"pail rm -r gs://{BUCKET}/{PREFIX}"


async def test_the_usage_notes_what_was_left(lab: Lab) -> None:
    await lab.put(f"{PREFIX}abc/00000", b"x" * 10)
    survey = Survey(Connection(), lab.storage, BUCKET, table=GOOGLE, now=lambda: time.time() + TOMORROW)
    await survey.uploads()
    assert any(remedy(BUCKET) in note for note in survey.report().notes)


@pytest.mark.parametrize(
    ("mode", "changes", "words"),
    [
        ("auto", {}, "for 7 days"),
        ("always", {}, "for 7 days"),
        ("never", {}, ""),
        ("auto", {"storage_class": "NEARLINE"}, ""),
        ("always", {"storage_class": "NEARLINE"}, "for 7 days"),
        ("auto", {"versioning": True}, ""),
        ("always", {"hierarchical_namespace": True}, ""),
        ("auto", {"soft_delete_s": 0}, "removed at the end"),
    ],
)
async def test_a_plan_names_what_soft_delete_bills(lab: Lab, mode: Any, changes: dict[str, Any], words: str) -> None:
    info = (await lab.storage.control.get_bucket(BUCKET))._replace(soft_delete_s=7 * 86_400)
    said = plan_words(mode, info._replace(**changes))
    assert said.endswith(words)
    assert bool(said) is bool(words)


@pytest.mark.parametrize(("mode", "said"), [("auto", False), ("always", True), ("never", False)])
def test_where_the_settings_may_not_be_read_only_always_makes_parts(mode: Any, said: bool) -> None:
    assert bool(plan_words(mode, None)) is said

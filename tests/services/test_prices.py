"""Prices: estimates by class and place, what a rule saves, what the session cost, and the editable table."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UsageError
from services.estimates import monthly, operations_cost, saving
from services.lifecycle import delete_after, move_after
from services.operations import OPERATIONS, OperationCounter, OperationCounts
from services.prices import GIB, GOOGLE, REPLIT, Place, from_config, money, storage_rate
from services.usage import Amount, Usage
from tests.services.samples import DAY, NOW, bucket_of, row_of

EU = Place("EU", "multi-region")
IOWA = Place("US-CENTRAL1", "region")


@pytest.mark.parametrize(
    ("place", "storage_class", "price", "exact"),
    [
        (EU, "STANDARD", 0.026, True),
        (IOWA, "NEARLINE", 0.010, True),
        (IOWA, "REGIONAL", 0.020, True),
        (Place("EUR4", "dual-region"), "ARCHIVE", 0.0028, True),
        (Place("MARS-NORTH1", "region"), "STANDARD", 0.023, False),
        (Place(), "STANDARD", 0.026, False),
        (IOWA, "BRAND_NEW", 0.020, False),
    ],
)
def test_a_place_without_its_own_price_takes_that_of_its_kind_and_says_so(
    place: Place, storage_class: str, price: float, exact: bool
) -> None:
    rate = storage_rate(GOOGLE, place, storage_class)
    assert (rate.price, rate.exact) == (price, exact)


def test_the_place_of_a_bucket_whose_settings_cannot_be_read_is_not_known() -> None:
    assert Place.of(bucket_of({"location": "eu"})) == EU
    assert Place.of(None) == Place()
    assert storage_rate(REPLIT, Place.of(None), "STANDARD").price == 0.03


def test_hidden_generations_are_billed_too() -> None:
    usage = Usage("b", now=NOW)
    usage.add([row_of("a", 10 * GIB), row_of("b", GIB, storage_class="NEARLINE"), row_of("c", GIB, deleted=NOW)])
    usage.add([row_of("d", GIB, deleted=NOW)], soft_deleted=True)
    estimate = monthly(GOOGLE, EU, usage)
    assert estimate.monthly == pytest.approx(12 * 0.026 + 0.015)
    assert estimate.hidden == pytest.approx(2 * 0.026)
    assert estimate.by_class["NEARLINE"] == pytest.approx(0.015)
    assert estimate.exact
    assert monthly(GOOGLE, EU, Usage("b")).monthly == 0


def test_a_rule_saves_what_it_deletes_or_the_difference_between_classes() -> None:
    touched = {"STANDARD": Amount(2_000, 10 * GIB)}
    deleted = saving(GOOGLE, IOWA, delete_after(3), touched, soft_delete_s=7 * DAY)
    assert (deleted.monthly, deleted.objects, deleted.size) == (pytest.approx(0.2), 2_000, 10 * GIB)
    assert deleted.note == "soft delete bills what is deleted for 7 days more"
    moved = saving(GOOGLE, IOWA, move_after(3, "NEARLINE"), touched)
    assert moved.monthly == pytest.approx(0.1)
    assert moved.note == "moving them costs $0.02 once"
    assert saving(GOOGLE, IOWA, delete_after(3), {}, soft_delete_s=DAY).note == ""


def test_operations_are_counted_from_any_thread_and_cost_by_class() -> None:
    counter = OperationCounter()
    threads = [threading.Thread(target=lambda: [counter.add("objects.list") for _ in range(1_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter.add("objects.get", 10_000)
    counter.add("objects.delete", 77)
    counts = counter.counts()
    assert [counts.of_class(each) for each in ("A", "B", "free")] == [4_000, 10_000, 77]
    assert operations_cost(GOOGLE, IOWA, counts) == pytest.approx(4 * 0.005 + 10 * 0.0004)
    assert operations_cost(REPLIT, Place(), counts) == pytest.approx(4 * 0.0075 + 10 * 0.0006)
    assert OperationCounts({"brand.new": 1}).of_class("A") == 1
    assert set(OPERATIONS.values()) == {"A", "B", "free"}


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "$0"), (0.004, "under $0.01"), (1.119, "$1.12"), (12_345.6, "$12,346"), (-0.5, "-$0.50"), (-0.001, "-$0.01")],
)
def test_money_is_rounded_as_a_person_reads_it(amount: float, text: str) -> None:
    assert money(GOOGLE, amount) == text


def test_the_table_can_be_edited_in_part() -> None:
    config = {
        "currency": "€",
        "as_of": "my contract",
        "storage": {"europe-west3": {"standard": 0.5}, "multi-region": {"ARCHIVE": 1}},
        "class_a": {"region": {"STANDARD": 2}},
    }
    table = from_config(GOOGLE, config)
    assert storage_rate(table, Place("EUROPE-WEST3", "region"), "STANDARD").price == 0.5
    assert storage_rate(table, Place("NEW", "multi-region"), "ARCHIVE").price == 1.0
    assert storage_rate(table, IOWA, "STANDARD").price == 0.020
    assert money(table, 3) == "€3.00"
    assert "my contract" in table.note
    assert operations_cost(table, IOWA, OperationCounts({"objects.list": 1_000})) == 2
    assert storage_rate(GOOGLE, Place("NEW", "multi-region"), "ARCHIVE").price == 0.003
    assert from_config(GOOGLE, {}) == GOOGLE


@pytest.mark.parametrize(
    "config",
    [
        {"discount": 1},
        {"currency": 5},
        {"currency": "\x1b[31m"},
        {"storage": 5},
        {"storage": {"EU": 5}},
        {"storage": {"EU": {"WARM": 1}}},
        {"storage": {"EU": {"STANDARD": "x"}}},
        {"storage": {"EU": {"STANDARD": -1}}},
        {"class_b": {"region": {"STANDARD": float("nan")}}},
        {"storage": {"EU": {"STANDARD": True}}},
    ],
)
def test_a_wrong_price_is_named_with_its_place(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"prices\.") as caught:
        from_config(GOOGLE, config)
    assert "\x1b" not in caught.value.message


@given(st.floats(-1e12, 1e12))
def test_money_never_fails(amount: float) -> None:
    assert money(GOOGLE, amount).count("$") == 1

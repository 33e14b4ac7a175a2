"""What storage, operations and savings come to in money, reckoned with a price table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from services.lifecycle import DELETE, SET_CLASS, Rule
from services.operations import OperationCounts
from services.prices import GIB, Place, PriceTable, money, storage_rate
from services.storage_classes import base_class
from services.usage import Amount, Usage
from services.words import period


@dataclass(frozen=True, slots=True)
class Estimate:
    """What storage costs for a month."""

    monthly: float
    """All together."""
    hidden: float
    """Of that: older versions and deleted objects that are kept."""
    by_class: Mapping[str, float]
    """All together, by class."""
    exact: bool
    """Whether every price is that of the very place and class."""


def monthly(table: PriceTable, place: Place, usage: Usage) -> Estimate:
    """Return what is stored now costs for a month if it stays as it is."""
    by_class: dict[str, float] = {}
    hidden = 0.0
    exact = True
    for state, amounts in usage.classes.items():
        for name, amount in amounts.items():
            rate = storage_rate(table, place, name)
            cost = amount.size / GIB * rate.price
            by_class[name] = by_class.get(name, 0.0) + cost
            hidden += 0.0 if state == "live" else cost
            exact &= rate.exact
    return Estimate(math.fsum(by_class.values()), hidden, by_class, exact)


@dataclass(frozen=True, slots=True)
class Saving:
    """What a lifecycle rule would save, were it to act on everything that fits it today."""

    monthly: float
    """Less to pay for a month; negative where the rule costs more than it saves."""
    objects: int
    """Generations that it would touch."""
    size: int
    """Their bytes."""
    note: str
    """What to know about the figure, in one line; empty for nothing."""


def saving(
    table: PriceTable, place: Place, rule: Rule, touched: Mapping[str, Amount], *, soft_delete_s: int = 0
) -> Saving:
    """Return what a rule would save, given what it touches by class (`Usage.touched`)."""
    saved = 0.0
    for name, amount in touched.items():
        now = storage_rate(table, place, name).price
        then = storage_rate(table, place, rule.storage_class).price if rule.action == SET_CLASS else 0.0
        saved += amount.size / GIB * (now - then)
    objects = sum(amount.objects for amount in touched.values())
    notes: list[str] = []
    if rule.action == DELETE and soft_delete_s and objects:
        notes.append(f"soft delete bills what is deleted for {period(soft_delete_s)} more")
    if rule.action == SET_CLASS and objects:
        once = _per_thousand(table.class_a, place, rule.storage_class) * objects / 1_000
        notes.append(f"moving them costs {money(table, once)} once")
    size = sum(amount.size for amount in touched.values())
    return Saving(saved, objects, size, "; ".join(notes))


def operations_cost(table: PriceTable, place: Place, counts: OperationCounts, storage_class: str = "STANDARD") -> float:
    """Return what the requests of a session cost, all of them taken to be on objects of one class."""
    dear = counts.of_class("A") * _per_thousand(table.class_a, place, storage_class)
    return (dear + counts.of_class("B") * _per_thousand(table.class_b, place, storage_class)) / 1_000


def _per_thousand(prices: Mapping[str, Mapping[str, float]], place: Place, storage_class: str) -> float:
    rates = prices.get(place.priced_as) or {}
    return rates.get(base_class(storage_class), rates.get("STANDARD", 0.0))

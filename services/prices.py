"""What storage costs: list prices by class and location, editable in `config.toml`, and estimates made with them.

Estimates leave out what a listing cannot tell: traffic, retrieval, minimum times, discounts and taxes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from services.errors import UsageError
from services.storage_classes import CLASSES, base_class
from services.words import shown

if TYPE_CHECKING:
    from services.model import BucketInfo

GIB: Final = 1 << 30
"""Bytes of the unit in which storage is billed (Google writes GB and means GiB)."""

_NAMES: Final = tuple(known.name for known in CLASSES)


def _classes(*rates: float) -> Mapping[str, float]:
    return dict(zip(_NAMES, rates, strict=True))


_LOW: Final = _classes(0.020, 0.010, 0.004, 0.0012)
_HIGH: Final = _classes(0.023, 0.013, 0.006, 0.0025)
_HIGHER: Final = _classes(0.023, 0.013, 0.007, 0.0025)
_WEST: Final = _classes(0.023, 0.016, 0.007, 0.0025)
_DUAL: Final = _classes(0.044, 0.022, 0.0088, 0.0028)
_MULTI: Final = _classes(0.026, 0.015, 0.00875, 0.003)
_BY_RATE: Final = (
    (_MULTI, "US EU ASIA"),
    (_DUAL, "NAM4 EUR4"),
    (_LOW, "US-CENTRAL1 US-EAST1 US-EAST5 US-WEST1 US-SOUTH1 EUROPE-NORTH1 EUROPE-WEST1 EUROPE-WEST4 ASIA-EAST1"),
    (_HIGH, "US-EAST4 US-WEST4 EUROPE-CENTRAL2 EUROPE-NORTH2"),
    (_HIGHER, "EUROPE-WEST2 NORTHAMERICA-NORTHEAST1 NORTHAMERICA-NORTHEAST2"),
    (_WEST, "US-WEST2 US-WEST3"),
)
REGION: Final = "region"
"""A location in one place."""

DUAL_REGION: Final = "dual-region"
"""A location of two regions; both are billed."""

MULTI_REGION: Final = "multi-region"
"""A location as large as a continent."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of one provider."""

    provider: str
    """Whose they are, for a person."""
    as_of: str
    """When they were last known to be right."""
    storage: Mapping[str, Mapping[str, float]]
    """For a GiB and month: by location (upper case) or kind of location, then by class."""
    class_a: Mapping[str, Mapping[str, float]]
    """For 1,000 changes and lists: by kind of location, then by class."""
    class_b: Mapping[str, Mapping[str, float]]
    """For 1,000 reads: by kind of location, then by class."""
    same_everywhere: bool = False
    """Whether the provider has one price for all places."""
    currency: str = "$"
    """Written before an amount."""
    usage_page: str = ""
    """Where the provider shows what it really bills."""

    @property
    def note(self) -> str:
        """What a person has to know about these prices, in one line."""
        return f"{self.provider}'s list prices as of {self.as_of}; edit them in config.toml"


_FLAT_REPLIT: Final = dict.fromkeys(_NAMES, 0.03)

GOOGLE: Final = PriceTable(
    provider="Google",
    as_of="September 2026",
    storage={location: rates for rates, locations in _BY_RATE for location in locations.split()}
    | {REGION: _HIGH, DUAL_REGION: _DUAL, MULTI_REGION: _MULTI},
    class_a={
        REGION: _classes(0.005, 0.01, 0.02, 0.05),
        DUAL_REGION: _classes(0.01, 0.02, 0.04, 0.10),
        MULTI_REGION: _classes(0.01, 0.02, 0.04, 0.10),
    },
    class_b={kind: _classes(0.0004, 0.001, 0.01, 0.05) for kind in (REGION, DUAL_REGION, MULTI_REGION)},
    usage_page="https://console.cloud.google.com/billing",
)
"""List prices in US dollars (cloud.google.com/storage/pricing).  A location that is not named counts as its kind."""

REPLIT: Final = PriceTable(
    provider="Replit",
    as_of="September 2026",
    storage=dict.fromkeys((REGION, DUAL_REGION, MULTI_REGION), _FLAT_REPLIT),
    class_a={kind: dict.fromkeys(_NAMES, 0.0075) for kind in (REGION, DUAL_REGION, MULTI_REGION)},
    class_b={kind: dict.fromkeys(_NAMES, 0.0006) for kind in (REGION, DUAL_REGION, MULTI_REGION)},
    same_everywhere=True,
    usage_page="https://replit.com/usage",
)
"""What Replit publishes: advanced operations are class A, basic ones class B; traffic is $0.10 a GiB on top."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A price, and whether it is that of the very place and class."""

    price: float
    """In the table's currency."""
    exact: bool
    """False where a price of the same kind of place stands in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is, as far as prices care."""

    location: str = ""
    """As the service writes it; empty where it is not known."""
    kind: str = ""
    """`region`, `dual-region` or `multi-region`; empty where it is not known."""

    @classmethod
    def of(cls, bucket: BucketInfo | None) -> Place:
        """Return the place of a bucket; None (settings that cannot be read) is a place that is not known."""
        return cls(bucket.location.upper(), bucket.location_type) if bucket else cls()

    @property
    def priced_as(self) -> str:
        """The kind whose prices stand in for a location without its own."""
        return self.kind if self.kind in (REGION, DUAL_REGION, MULTI_REGION) else MULTI_REGION


def storage_rate(table: PriceTable, place: Place, storage_class: str) -> Rate:
    """Return the price of a GiB for a month."""
    own, kind = table.storage.get(place.location, {}), table.storage.get(place.priced_as, {})
    name = base_class(storage_class)
    if name in own:
        return Rate(own[name], exact=True)
    if name in kind:
        return Rate(kind[name], exact=table.same_everywhere)
    return Rate(own.get("STANDARD", kind.get("STANDARD", 0.0)), exact=False)


def money(table: PriceTable, amount: float) -> str:
    """Return an amount for a person: `$1.12`, `under $0.01`, `$1,204`."""
    sign = "-" if amount < 0 else ""
    value = abs(amount)
    if value == 0:
        return f"{table.currency}0"
    if value < 0.01:
        return f"under {table.currency}0.01" if not sign else f"{sign}{table.currency}0.01"
    return f"{sign}{table.currency}{value:,.2f}" if value < 1_000 else f"{sign}{table.currency}{value:,.0f}"


def from_config(base: PriceTable, config: Mapping[str, Any]) -> PriceTable:
    """Return a table changed by the `[prices]` of `config.toml`; raises `UsageError` that names what is wrong.

    ::

        [prices]
        currency = "€"
        as_of = "my contract"
        [prices.storage.EUROPE-WEST3]     # or region, dual-region, multi-region
        STANDARD = 0.02                   # for a GiB and month
        [prices.class_a.region]           # for 1,000 operations
        STANDARD = 0.005
    """
    known = {"currency", "as_of", "storage", "class_a", "class_b"}
    if unknown := sorted(set(config) - known):
        raise _wrong(unknown[0], f"it is not one of {', '.join(sorted(known))}")
    texts: dict[str, str] = {}
    for key in ("currency", "as_of"):
        value = config.get(key, getattr(base, key))
        if not isinstance(value, str) or not value.isprintable() or len(value) > 40:
            raise _wrong(key, "it is not a short text")
        texts[key] = value
    return replace(
        base,
        currency=texts["currency"],
        as_of=texts["as_of"],
        storage=_overlaid(base.storage, config, "storage"),
        class_a=_overlaid(base.class_a, config, "class_a"),
        class_b=_overlaid(base.class_b, config, "class_b"),
    )


def _overlaid(
    base: Mapping[str, Mapping[str, float]], config: Mapping[str, Any], table: str
) -> Mapping[str, Mapping[str, float]]:
    result = {place: dict(rates) for place, rates in base.items()}
    given = config.get(table, {})
    if not isinstance(given, Mapping):
        raise _wrong(table, "it is not a table")
    for place, rates in given.items():
        if not isinstance(rates, Mapping):
            raise _wrong(f"{table}.{place}", "it is not a table")
        kind = place.lower() if place.lower() in (REGION, DUAL_REGION, MULTI_REGION) else place.upper()
        for name, price in rates.items():
            if name.upper() not in _NAMES:
                raise _wrong(f"{table}.{place}.{name}", f"the classes are {', '.join(_NAMES)}")
            if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
                raise _wrong(f"{table}.{place}.{name}", "a price is a number, not below 0")
            result.setdefault(kind, {})[name.upper()] = float(price)
    return result


def _wrong(key: str, why: str) -> UsageError:
    return UsageError(f"prices.{shown(key, 80)} is wrong: {why}", remedy="Correct it in config.toml, or take it out.")

"""What a dry run says of the cost: bytes, operations by class, and their price."""

from __future__ import annotations

from services import config
from services.estimates import operations_cost
from services.prices import Place, PriceTable, money
from services.transfer.foresee import Foresight
from widgets import formats


def price_table(*, replit: bool) -> PriceTable:
    """Return the prices in force; those of the program where the settings cannot be read.  Blocks on the disk."""
    return config.load_or_defaults().config.price_table(replit=replit)


def record(foresight: Foresight, table: PriceTable) -> dict[str, object]:
    """Return the fields of a summary that tell of the cost."""
    counts = foresight.counts()
    return {
        "planned_bytes": foresight.bytes,
        "class_a": counts.of_class("A"),
        "class_b": counts.of_class("B"),
        "free": counts.of_class("free"),
        "cost": round(operations_cost(table, Place(), counts), 6),
    }


def sentence(foresight: Foresight, table: PriceTable) -> str:
    """Return a line such as `34.5 MB; 200 class A and 0 class B operations, under $0.01 (Google's list prices …)`."""
    counts = foresight.counts()
    operations = f"{counts.of_class('A'):,} class A and {counts.of_class('B'):,} class B operations"
    cost = money(table, operations_cost(table, Place(), counts))
    return f"{formats.size(foresight.bytes)}; {operations}, {cost} ({table.note})"

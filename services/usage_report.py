"""What a bucket holds and costs, put together: count, settings, prices, rules, unfinished uploads.

The usage view and `pail usage` show the same report; only how they show it differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services import usage_cache
from services.connection import Connection
from services.errors import Forbidden, NotFound, PailError
from services.estimates import Estimate, Saving, monthly, operations_cost, saving
from services.gcs.interface import Storage
from services.leftovers import find_leftovers, remedy
from services.lifecycle import Rule, delete_versions_after, move_after, rules_of
from services.model import BucketInfo
from services.multipart import Unfinished, survey
from services.operations import OperationCounts
from services.prices import GIB, Place, PriceTable, money, storage_rate
from services.usage import Usage
from services.usage_count import Count

SUGGESTED: Final = (move_after(30, "NEARLINE"), move_after(90, "COLDLINE"), delete_versions_after(30))
"""Rules whose effect is estimated for buckets that do not have them."""


SMALLEST: Final = 0.01
"""What an estimate has to come to, to be called one: less is "under a cent"."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a lifecycle rule would do today."""

    rule: Rule
    """The rule."""
    saving: Saving
    """What it would save."""
    is_set: bool
    """Whether the bucket has it; else it is a suggestion."""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Everything that is known; costs are estimates in the currency of the table."""

    usage: Usage
    """The count; it may still grow."""
    table: PriceTable
    """The prices."""
    info: BucketInfo | None = None
    """Settings of the bucket; None where they may not be read."""
    unfinished: Unfinished | None = None
    """Multipart uploads that were never finished; None where they were not or could not be listed."""
    billed: bool = True
    """Whether somebody bills for it: not for the embedded store, nor another server."""
    notes: tuple[str, ...] = ()
    """What could not be found out and why, a line each; raw."""

    @property
    def place(self) -> Place:
        """Where the bucket is, as far as prices care."""
        return Place.of(self.info)

    @property
    def soft_delete_s(self) -> int:
        """For how long deleted objects are kept, in seconds; 0 where that is not known."""
        return self.info.soft_delete_s if self.info is not None else 0

    @property
    def estimate(self) -> Estimate:
        """What the objects cost for a month, without unfinished uploads."""
        return monthly(self.table, self.place, self.usage)

    @property
    def unfinished_cost(self) -> float:
        """What unfinished uploads cost for a month."""
        classes = self.unfinished.classes if self.unfinished is not None else {}
        rates = ((amount, storage_rate(self.table, self.place, name).price) for name, amount in classes.items())
        return sum(amount.size / GIB * price for amount, price in rates)

    @property
    def monthly_cost(self) -> float:
        """What all of it costs for a month."""
        return self.estimate.monthly + self.unfinished_cost

    @property
    def hidden_cost(self) -> float:
        """What of that is for things that no list shows: older versions, deleted objects, unfinished uploads."""
        return self.estimate.hidden + self.unfinished_cost

    def effects(self) -> list[Effect]:
        """Return what each rule would do: those of the bucket first, then suggestions."""
        own = rules_of(self.info.resource) if self.info is not None else ()
        found = [
            Effect(
                rule,
                saving(self.table, self.place, rule, touched, soft_delete_s=self.soft_delete_s),
                rule in own,
            )
            for rule, touched in zip(self.usage.rules, self.usage.touched, strict=True)
        ]
        return sorted(found, key=lambda effect: not effect.is_set)

    def cost_of(self, operations: OperationCounts) -> float:
        """Return what requests cost, all of them taken to be on objects of the Standard class in this place."""
        return operations_cost(self.table, self.place, operations)

    def about(self, amount: float) -> str:
        """Return an estimate for a person, and whether anybody bills for it: `about $1.12`, `would be $1.12`."""
        amount_words = self.words(amount)
        if not self.billed:
            return f"would be {amount_words}"
        return amount_words if amount < SMALLEST else f"about {amount_words}"

    def words(self, amount: float) -> str:
        """Return an amount of money for a person."""
        return money(self.table, amount)


class Survey:
    """Finds out what a prefix holds and costs, step by step; `report` may be read at any time.

    A count that was cancelled, or broke, goes on where it stopped when `count` is called again.
    """

    def __init__(
        self,
        connection: Connection,
        storage: Storage,
        bucket: str,
        prefix: str = "",
        *,
        table: PriceTable,
        now: Callable[[], float],
        on_page: Callable[[Usage], None] | None = None,
    ) -> None:
        """Make a survey that has not begun; `on_page` is called for each page that was counted."""
        self._connection, self._storage = connection, storage
        self._bucket, self._prefix = bucket, prefix
        self._table, self._now, self._on_page = table, now, on_page
        self._usage = Usage(bucket, prefix)
        self._count: Count | None = None
        self._info: BucketInfo | None = None
        self._unfinished: Unfinished | None = None
        self._notes: dict[str, str] = {}

    @property
    def begun(self) -> bool:
        """Whether there is anything to show."""
        return self._count is not None or self._usage.complete

    def report(self) -> UsageReport:
        """Return what is known by now."""
        billed = not (self._connection.is_local or self._connection.endpoint)
        notes = tuple(self._notes.values())
        return UsageReport(self._usage, self._table, self._info, self._unfinished, billed, notes)

    async def look(self) -> None:
        """Read the settings, for prices and rules; refused ones are noted.  Raises other `PailError`s."""
        try:
            self._info = await self._storage.control.get_bucket(self._bucket)
            self._notes.pop("settings", None)
        except Forbidden as error:
            self._notes["settings"] = f"Prices are a guess: {error.message}"

    async def recall(self) -> bool:
        """Take the last count that was kept on this machine; tell whether there is one."""
        kept = await asyncio.to_thread(usage_cache.load, self._connection, self._bucket, self._prefix, self._now())
        if kept is not None:
            self._usage = kept.usage
        return kept is not None

    async def count(self) -> None:
        """Count to the end and keep the result; raises what a listing raises."""
        if self._count is None:
            own = rules_of(self._info.resource) if self._info is not None else ()
            rules = (*own, *(rule for rule in SUGGESTED if rule not in own))
            self._count = Count(
                self._storage.data, self._bucket, self._prefix, now=self._now(), rules=rules, on_page=self._on_page
            )
            self._usage = self._count.usage
        await self._count.run()
        await asyncio.to_thread(usage_cache.save, self._connection, self._usage)

    async def uploads(self) -> None:
        """List the unfinished uploads; where the service does not tell, that is noted."""
        try:
            self._unfinished = await survey(self._storage.data, self._bucket, self._prefix)
            self._notes.pop("uploads", None)
        except PailError as error:
            # What was counted is worth having, whatever is wrong with this list; other servers answer it with anything.
            why = "this server has no XML API" if isinstance(error, NotFound) else error.message
            self._notes["uploads"] = f"Unfinished uploads are not counted: {why}"
        await self._parts()

    async def _parts(self) -> None:
        """Note parts of uploads that nobody seems to need any more; where they cannot be listed, nothing is said."""
        with contextlib.suppress(PailError):
            left = await find_leftovers(self._storage.data, self._bucket, self._now())
            self._notes.pop("parts", None)
            if left.objects:
                self._notes["parts"] = (
                    f"{left.objects:,} parts of uploads that were given up lie here, {left.size / 1e6:,.1f} MB:"
                    f" {remedy(self._bucket)} removes them"
                )

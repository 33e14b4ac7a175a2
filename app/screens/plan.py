"""The plan of a job before it begins: what it is about, how many bytes, which operations, and what they cost."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from app.screens.dialog import Dialog, Label, button, shown
from services.errors import PailError
from services.estimates import operations_cost
from services.gcs.interface import DataPlane
from services.prices import Place, PriceTable, money
from services.transfer.foresee import Foresight
from services.transfer.job import summary
from services.transfer.messages import JobSpec, TransferView
from services.transfer.plan import Planner
from widgets import formats

EXAMPLES: Final = 4
"""Items that are named; the others are counted."""


class PlanDialog(Dialog[bool]):
    """Counts what a job would do while the question stands; Start begins it, Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "leave", "No", show=False)]

    def __init__(self, spec: JobSpec, data: DataPlane, place: Place, table: PriceTable) -> None:
        """Plan `spec` through `data`; `place` is where the bucket is, as far as prices care."""
        super().__init__(f"Plan: {spec.action.replace('-', ' ')}")
        self._spec = spec
        self._data = data
        self._place = place
        self._table = table
        self._foresight = Foresight()
        self._items = 0
        self._failed: list[TransferView] = []

    def body(self) -> ComposeResult:
        """Yield where from and to, and the lines that are filled in."""
        source, target = summary(self._spec.items)
        yield Label(shown(source, 200), classes="dialog-url")
        if target:
            yield Label(f"to {shown(target, 200)}", classes="dialog-url")
        yield Label("", id="examples", classes="dialog-note")
        yield Label("counting…", id="amount", classes="dialog-text")
        yield Label("", id="cost", classes="dialog-text")
        yield Label("", id="wrong", classes="dialog-warning")

    def buttons(self) -> ComposeResult:
        """Yield Cancel first."""
        yield button("Cancel", "leave")
        yield button("Start", "start", danger=self._spec.action == "delete", main=self._spec.action != "delete")

    def on_mount(self) -> None:
        """Begin to count."""
        self.query_one("#wrong").display = self.query_one("#examples").display = False
        self.run_worker(self._count(), exclusive=True)

    async def _count(self) -> None:
        planner = Planner(0, self._spec, self._data, asyncio.to_thread)
        try:
            async with aclosing(planner.batches()) as batches:  # type: ignore[type-var]  # an async generator
                async for batch in batches:
                    self._take([record.view() for record in batch])
                    self._show(counting=True)
        except PailError as error:
            self._say_wrong(error.message)
        self._show(counting=False)

    def _take(self, views: list[TransferView]) -> None:
        if not self._items and len(views) > 1:
            names = [f"  {shown((view.source or view.target).rpartition('/')[2], 60)}" for view in views[:EXAMPLES]]
            examples = self.query_one("#examples", Label)
            examples.update("\n".join(names) + ("\n  and more" if len(views) > EXAMPLES else ""))
            examples.display = True
        for view in views:
            self._items += 1
            self._foresight.add(view)
            if view.state == "failed":
                self._failed.append(view)

    def _show(self, *, counting: bool) -> None:
        amount = f"{formats.count(self._items, 'item')}, {formats.size(self._foresight.bytes)}"
        self.query_one("#amount", Label).update(f"{amount} so far, counting…" if counting else amount)
        counts = self._foresight.counts()
        cost = money(self._table, operations_cost(self._table, self._place, counts))
        a, b, free = (counts.of_class(billing) for billing in ("A", "B", "free"))
        parts = [f"{a:,} class A", f"{b:,} class B", *([f"{free:,} free"] if free else [])]
        self.query_one("#cost", Label).update(f"{', '.join(parts)} operations: {cost}")
        if self._failed:
            first = self._failed[0].reason
            self._say_wrong(f"{formats.count(len(self._failed), 'item')} cannot be done: {first}")

    def _say_wrong(self, text: str) -> None:
        wrong = self.query_one("#wrong", Label)
        wrong.update(f"! {text}")
        wrong.display = True

    @on(Button.Pressed, "#start")
    def _start_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(True)  # noqa: FBT003 - the answer itself

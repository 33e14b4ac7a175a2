"""The plan of a pair before anything moves, each line of which can be unticked; and the choice in a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from app.screens.dialog import Dialog, Label, button, shown
from services.sync.status import ConflictView, PairLook, PlanView, Ticks
from widgets import formats
from widgets.choices import Choices
from widgets.plan_list import Fetch, PlanList
from widgets.symbols import Symbols
from widgets.sync_rows import way_of


@dataclass(frozen=True, slots=True)
class Go:
    """A plan that a person has agreed to."""

    ticks: Ticks
    """What was ticked and unticked in it."""
    deletes: int
    """Deletes among the rest; 0 where no word for them is needed."""


class PlanDialog(Dialog[Go]):
    """Shows a plan and lets it be narrowed down; where it deletes, the button says how much."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter", "Filter", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, look: PairLook, plan: PlanView, symbols: Symbols, fetch: Fetch) -> None:
        """Make the dialog for the plan of a pair; `fetch` returns lines of it."""
        way = way_of(look.mode, symbols)
        super().__init__(f"{shown(look.root, 60)}  {way}  {shown(look.url, 60)}", classes="plan-dialog")
        self._plan = plan
        self._symbols = symbols
        self._fetch = fetch
        self._list = PlanList(symbols=symbols)

    def body(self) -> ComposeResult:
        """Yield what is to be known, the lines, and what the keys do."""
        for text in notes(self._plan):
            yield Label(self._symbols.say(text), classes="plan-note")
        yield self._list
        yield Label("", id="plan-sum", classes="dialog-text")
        hint = "space ticks · f only what needs you · a all · tab to the buttons"
        yield Label(self._symbols.say(hint), classes="dialog-note")

    def buttons(self) -> ComposeResult:
        """Yield the way out, and the way on."""
        yield button("Not now", "leave")
        yield button("Go", "go", main=True)

    def on_mount(self) -> None:
        """Show the plan; its lines have the focus, so that no key by habit starts it."""
        self._list.show(self._plan, self._fetch)
        if self._plan.total or self._plan.troubles:
            self._list.focus()
        else:
            self._list.display = False

    def action_filter(self) -> None:
        """Show only what needs a person, or everything."""
        self._list.action_filter()

    @on(PlanList.Changed)
    def _changed(self, message: PlanList.Changed) -> None:
        message.stop()
        ticked, gone = self._plan.total - self._list.left_out.count, self._list.deletes
        parts = [f"{ticked:,} of {self._plan.total:,} ticked", f"{formats.size(self._list.moved)} to move"]
        if gone:
            parts.append(f"{formats.count(gone, 'file')} deleted")
        if self._list.filtered:
            parts.append("only what needs you is shown")
        self.query_one("#plan-sum", Label).update(self._symbols.say(" · ".join(parts)))
        go = self.query_one("#go", Button)
        go.label = f"Go, and delete {gone:,}" if gone else "Go" if ticked else "Keep it in step"
        go.set_class(bool(gone), "dialog-danger")
        go.set_class(not gone, "dialog-main")

    @on(PlanList.Lost)
    def _lost(self, message: PlanList.Lost) -> None:
        message.stop()
        words = f"! {message.error.message}. {message.error.remedy}".strip()
        self.query_one("#plan-sum", Label).update(self._symbols.say(words))

    @on(Button.Pressed, "#go")
    def _go_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(Go(self._list.ticks, self._list.deletes))


def notes(plan: PlanView) -> list[str]:
    """Return what a person has to know before the lines, in sentences of our own."""
    found = []
    if plan.stopped:
        found.append(f"! {plan.stopped}")
    if plan.first:
        found.append("The first sync: equal files are matched, nothing else is assumed.")
    words = {group.action for group in plan.groups}
    here, there = "delete-local" in words, "delete" in words
    if there and plan.unprotected:
        found.append("! The bucket keeps neither deleted nor older versions: deletes there cannot be undone.")
    elif there:
        found.append("Deletes in the bucket can be undone only while it keeps deleted versions.")
    if here:
        found.append("What is deleted here stays in .pail/trash for 30 days.")
    if not plan.total:
        found.append("Both sides are the same already.")
    if plan.ignored:
        found.append(f"{formats.count(plan.ignored, 'file or folder', 'files and folders')} ignored by rules.")
    return found


class ConflictChoice(Dialog[str]):
    """Which version of a conflict stays; Not now has the focus."""

    def __init__(self, conflict: ConflictView) -> None:
        """Ask about one conflict."""
        super().__init__(f"Two versions of {shown(conflict.key, 80)}")
        self._conflict = conflict

    def body(self) -> ComposeResult:
        """Yield the two, and what can be done with them."""
        one = self._conflict
        yield Label(f"in the bucket: {formats.size(one.size)}, now called {shown(one.key, 80)}", classes="dialog-text")
        yield Label(
            f"of {one.machine}: {formats.size(one.copy_size)}, kept as {shown(one.copy, 80)}", classes="dialog-text"
        )
        yield Label("", classes="dialog-text")
        yield Choices(
            (
                ("both", "both stay, under these names"),
                ("local", f"the one of {one.machine} takes the name"),
                ("remote", "the one of the bucket stays, the other goes"),
            ),
            id="version",
        )
        yield Label("What goes stays in .pail/trash of the folder for 30 days.", classes="dialog-note")

    def buttons(self) -> ComposeResult:
        """Yield the way out, and the way on."""
        yield button("Not now", "leave")
        yield button("Decide", "decide", main=True)

    def on_mount(self) -> None:
        """Begin at the choices."""
        self.query_one(Choices).focus()

    @on(Button.Pressed, "#decide")
    def _decide_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self.query_one(Choices).value)

"""The lines around the list of the usage view: what it comes to, its sections, and how old what is there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.message import Message
from textual.reactive import var

from services.names import display_name
from widgets import formats
from widgets.span_line import Part, SpanLine, fit_tabs, spread
from widgets.usage_rows import SECTIONS, Section, UsageState

RECOUNT: Final = "recount"
"""What a click on the word that counts anew means."""

CANCEL: Final = "cancel"
"""What a click on the word that ends a count means."""


@dataclass(frozen=True, slots=True)
class UsageKeys:
    """How the keys are written that the first line tells."""

    recount: str = "R"
    """Counts again, or goes on."""
    cancel: str = "Esc"
    """Ends the count."""


class UsageHead(SpanLine[str]):
    """The first line: size, objects, cost, and how old the count is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--total", "usage--key", "usage--problem"}

    state: UsageState = UsageState()
    now: float = 0.0
    """Seconds since the epoch, at the last change."""
    keys: UsageKeys = UsageKeys()

    @dataclass
    class Chosen(Message):
        """A word that can be clicked was."""

        what: str
        """Which."""

    def chosen(self, target: str) -> None:
        """Tell what was clicked."""
        self.post_message(self.Chosen(target))

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return what fits: the total first, then the cost, then where prices come from."""
        state, dot = self.state, f" {self.symbols.dot} "
        right = self._right()
        used = sum(len(part.text) for part in right) + 3
        if state.report is None:
            words = "Counting." if state.counting else "Nothing counted yet."
            if state.problem:
                words = f"{self.symbols.warning} {display_name(state.problem)}"
            return spread([Part(f" {words}", "usage--problem" if state.problem else "")], right, width)
        total, report = state.report.usage.amount(), state.report
        facts = [formats.size(total.size), formats.count(total.objects, "object")]
        facts.append(f"{report.about(report.monthly_cost)} a month")
        while len(facts) > 1 and sum(map(len, facts)) + 3 * len(facts) + used > width:
            facts.pop()
        left: list[Part[str]] = [Part(f" {facts[0]}", "usage--total"), Part("".join(dot + fact for fact in facts[1:]))]
        if state.problem:
            left.append(Part(f"{dot}{self.symbols.warning} {display_name(state.problem)}", "usage--problem"))
        return spread(left, right, width)

    def _right(self) -> list[Part[str]]:
        state = self.state
        if state.counting:
            words = f"{self.symbols.moving} counting{self.symbols.ellipsis}  "
            return [
                Part(words, "span-line--muted"),
                Part(self.keys.cancel, "usage--key", CANCEL),
                Part(" cancel", "span-line--muted", CANCEL),
            ]
        usage = state.usage
        words, verb = "", " count"
        if usage is not None and usage.complete:
            changed = ", changed since" if state.changed else ""
            words, verb = f"counted {formats.relative_time(usage.now, self.now)}{changed}  ", " recount"
        elif usage is not None:
            words, verb = "not complete  ", " go on"
        return [
            Part(words, "span-line--muted"),
            Part(self.keys.recount, "usage--key", RECOUNT),
            Part(verb, "span-line--muted", RECOUNT),
        ]


class UsageTabs(SpanLine[Section]):
    """The sections, and which one is shown."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--current"}

    section: var[Section] = var("folders")
    """The one that is shown."""

    @dataclass
    class Chosen(Message):
        """A section was clicked."""

        section: Section
        """Which."""

    def watch_section(self) -> None:
        """Draw anew."""
        self.refresh()

    def chosen(self, target: Section) -> None:
        """Tell which section was clicked."""
        self.post_message(self.Chosen(target))

    def parts(self, width: int) -> Sequence[Part[Section]]:
        """Return the titles; where they do not all fit, those around the current one."""
        keys = [key for key, _ in SECTIONS]
        tabs = fit_tabs([title for _, title in SECTIONS], keys.index(self.section), width, self.symbols.ellipsis)
        return [
            Part(text, "usage--current" if keys[number] == self.section else "span-line--muted", keys[number])
            for text, number in tabs
        ]


class UsageFoot(SpanLine[str]):
    """The last line: how old what is there is, or what to do about a count that broke."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"usage--bar"}

    ages: str = ""
    remedy: str = ""
    notes: str = ""

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return the line."""
        if self.remedy or not self.ages:
            return [Part(f" {self.remedy or self.notes}", "span-line--muted")]
        arrow = f"  older {self.symbols.arrow} newer, by size"
        ages: list[Part[str]] = [Part(" Age  ", "span-line--muted"), Part(self.ages, "usage--bar")]
        right: list[Part[str]] = [Part(self.notes, "span-line--muted")] if self.notes else []
        if sum(map(len, (" Age  ", self.ages, arrow, self.notes))) + 3 <= width or not right:
            ages.append(Part(arrow, "span-line--muted"))
        return spread(ages, right, width)

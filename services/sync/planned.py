"""A plan that waits for a person's word: told as a sum, and line by line only where somebody looks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection
from typing import Final

from services.sync.controller import Result
from services.sync.entries import DELETES, Action
from services.sync.status import LineView, PlanGroup, PlanView, Ticks
from services.sync.words import line_of, trouble_of, word_of

MOST_TROUBLES: Final = 200
"""Problems that a plan holds at the most."""

FRESH_S: Final = 5.0
"""Seconds for which a plan that waits counts as of just now."""

_numbers: Final = itertools.count(1)


class Planned:
    """One plan: its actions by what they do, each group in the order of its keys."""

    def __init__(
        self, actions: Collection[Action] = (), out: Collection[str] = (), view: PlanView | None = None
    ) -> None:
        """Take in the actions, of which those with the keys `out` are unticked; `view` says the rest."""
        self.number = next(_numbers)
        """Tells it from every other plan of this process."""
        self._made = time.monotonic()
        self._out = frozenset(out)
        self._groups: dict[str, list[Action]] = {}
        for action in actions:
            self._groups.setdefault(word_of(action), []).append(action)
        self.view = view or PlanView()
        """The plan as a sum."""

    @classmethod
    def of(cls, result: Result, *, first: bool, unprotected: bool) -> Planned:
        """Return what a dry run came to."""
        actions = (*result.plan.work, *result.left_out)
        out = {action.key for action in result.left_out}
        made = cls(sorted(actions, key=lambda action: action.key) if out else actions, out)
        made.view = PlanView(
            made.number,
            tuple(made._group(word) for word in made._groups),
            len(actions),
            sum(1 for action in actions if action.kind in DELETES and not action.is_folder),
            tuple(trouble_of(problem) for problem in result.problems[:MOST_TROUBLES]),
            len(result.problems),
            result.ignored,
            result.plan.tracked,
            first=first,
            stopped=result.stopped.message if result.stopped is not None else "",
            unprotected=unprotected,
        )
        return made

    def _group(self, word: str) -> PlanGroup:
        actions = self._groups[word]
        out = [action for action in actions if action.key in self._out]
        return PlanGroup(
            word,
            len(actions),
            sum(action.size for action in actions),
            sum(1 for action in actions if not action.is_folder),
            len(out),
            sum(action.size for action in out),
            sum(1 for action in out if not action.is_folder),
        )

    @property
    def is_fresh(self) -> bool:
        """Whether it was made just now."""
        return time.monotonic() - self._made <= FRESH_S

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many actions there are of each kind."""
        return tuple((word, len(actions)) for word, actions in self._groups.items())

    def lines(self, word: str, offset: int, limit: int) -> list[LineView]:
        """Return some lines of a group."""
        found = self._groups.get(word, [])[max(0, offset) : max(0, offset) + max(0, limit)]
        return [line_of(action, ticked=action.key not in self._out) for action in found]

    def unticked(self, ticks: Ticks) -> list[Action]:
        """Return the actions that a person leaves out."""
        found = []
        for word, actions in self._groups.items():
            whole = ticks.groups.get(word)
            for action in actions:
                ticked = ticks.lines.get(action.key, action.key not in self._out if whole is None else whole)
                if not ticked:
                    found.append(action)
        return found

"""The Sync view: every pair, where it stands, what it does, what it leaves alone, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from services.names import display_name
from services.sync.status import Overview, PairLook
from widgets import formats
from widgets.cells import Span, cut_end, cut_middle, cut_start, fit_spans, spans_width
from widgets.columns import Placed
from widgets.symbols import UNICODE, Symbols
from widgets.sync_rows import (
    NOTHING,
    ActivityRow,
    ConflictRow,
    PairRow,
    PairVerb,
    SyncRow,
    TextRow,
    TroubleRow,
    build_rows,
    pair_of,
    short_path,
    sign_of,
    stand_of,
    verbs_for,
    way_of,
)
from widgets.virtual_tree import Look, VirtualTree

_WORDS_FROM: Final = 60
"""Cells that a line needs to have for words that can be clicked."""

_WHY_FROM: Final = 72
"""Cells that a line needs to have for more than the name of what was carried."""


class SyncPanel(VirtualTree):
    """A list of pairs that open in place; sampled, so `update` draws only the lines that changed."""

    HEAD = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sync-panel--place",
        "sync-panel--good",
        "sync-panel--bad",
        "sync-panel--asking",
        "sync-panel--busy",
        "sync-panel--quiet",
        "sync-panel--head",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Open", show=False, id="open_folder"),
        Binding("left,h", "fold", "Close", show=False, id="close_folder"),
        Binding("full_stop", "pause_or_resume", "Pause or resume", show=False, id="pause_or_resume"),
        Binding("R", "look_pair", "Look now", show=False, id="look_pair"),
        Binding("X,delete,f8", "remove_pair", "Remove", show=False, id="remove_pair"),
    ]

    @dataclass
    class VerbWanted(Message):
        """Something should be done with a pair, or with a conflict in it."""

        verb: PairVerb
        """What."""
        look: PairLook
        """The pair."""
        copy: str = ""
        """Key of the conflict's copy; empty where it is not about one."""

    class CursorMoved(Message):
        """Another row has the cursor, or can be acted on in another way."""

    def __init__(
        self,
        *,
        symbols: Symbols = UNICODE,
        clock: Callable[[], float] = time.time,
        home: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Make an empty panel; below `home` a folder is written with `~`."""
        self._rows: list[SyncRow] = [NOTHING]
        self._looks: dict[str, PairLook] = {}
        self._problems: tuple[str, ...] = ()
        self._opened: dict[str, bool] = {}
        self._clock = clock
        self._home = home or str(Path.home())
        super().__init__(symbols=symbols, id=id, classes=classes)

    # Feeding

    def update(self, overview: Overview) -> None:
        """Show the pairs as they are now."""
        before = self.cursor_verbs
        self._looks = {look.id: look for look in overview.pairs}
        self._problems = overview.problems
        self._opened = {pair: opened for pair, opened in self._opened.items() if pair in self._looks}
        self._rebuild()
        if self.cursor_verbs != before:
            self.post_message(self.CursorMoved())

    def _rebuild(self) -> None:
        old, under = self._rows, self._cursor_row()
        rows = build_rows(self._looks.values(), self._opened, self._clock(), self.size.width)
        self._rows = [*(TextRow("", display_name(text), "why") for text in self._problems), *rows]
        if len(old) == len(self._rows):
            top = round(self.scroll_y)
            for row in range(top, min(top + self.page_lines, len(old))):
                if old[row] != self._rows[row]:
                    self.repaint_row(row)
            self.forget_lines()
            return
        if under is not None:
            self.set_reactive(VirtualTree.cursor, self._place_of(under))
        self.rows_changed()

    def on_resize(self) -> None:
        """Wrap the lines for the new width."""
        self._rebuild()
        super().on_resize()

    def _place_of(self, row: SyncRow) -> int:
        """Return where a row stands now; else its pair, else where the cursor was."""
        for same in (lambda one: one == row, lambda one: isinstance(one, PairRow) and one.look.id == pair_of(row)):
            found = next((index for index, one in enumerate(self._rows) if same(one)), None)
            if found is not None:
                return found
        return max(0, min(self.cursor, len(self._rows) - 1))

    def _cursor_row(self) -> SyncRow | None:
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    # Actions

    @property
    def cursor_verbs(self) -> tuple[PairVerb, ...]:
        """What can be done with the row of the cursor."""
        row = self._cursor_row()
        return verbs_for(row, self._looks) if row is not None else ()

    @property
    def cursor_pair(self) -> PairLook | None:
        """The pair of the row with the cursor."""
        row = self._cursor_row()
        return self._looks.get(pair_of(row)) if row is not None else None

    def selectable(self, row: int) -> bool:
        """Tell whether a row is more than a line of text."""
        return not isinstance(self._rows[row], TextRow)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell which keys apply now."""
        super().watch_cursor(old, new)
        self.post_message(self.CursorMoved())

    def action_choose(self) -> None:
        """Do what is most useful: decide, approve, show the plan; else open or close the pair."""
        for verb in self.cursor_verbs:
            if verb in ("decide", "approve", "plan"):
                self._do(verb)
                return
        row = self._cursor_row()
        if isinstance(row, PairRow):
            self._set_open(row, opened=not row.opened)

    def action_unfold(self) -> None:
        """Show the lines of the pair."""
        row = self._cursor_row()
        if isinstance(row, PairRow) and not row.opened:
            self._set_open(row, opened=True)

    def action_fold(self) -> None:
        """Hide the lines of the pair, or go from a line to its pair."""
        row = self._cursor_row()
        if isinstance(row, PairRow):
            if row.opened:
                self._set_open(row, opened=False)
        elif row is not None and row.pair:
            self.cursor = next(
                place for place, one in enumerate(self._rows) if isinstance(one, PairRow) and one.look.id == row.pair
            )

    def action_pause_or_resume(self) -> None:
        """Pause what the worker keeps in step, or have it go on."""
        self._do_one_of("pause", "resume")

    def action_look_pair(self) -> None:
        """Look at both sides now."""
        self._do_one_of("look")

    def action_remove_pair(self) -> None:
        """Take the pair off the list."""
        self._do_one_of("remove")

    def _do_one_of(self, *verbs: PairVerb) -> None:
        for verb in self.cursor_verbs:
            if verb in verbs:
                self._do(verb)
                return

    def _do(self, verb: PairVerb) -> None:
        row, look = self._cursor_row(), self.cursor_pair
        if look is not None:
            copy = row.conflict.copy if isinstance(row, ConflictRow) and verb == "decide" else ""
            self.post_message(self.VerbWanted(verb, look, copy))

    def _set_open(self, row: PairRow, *, opened: bool) -> None:
        self._opened[row.look.id] = opened
        self._rebuild()

    def clicked(self, row: int, x: int, event: events.Click) -> None:
        """Do what the word says that was clicked; open or close a pair by its sign; a double click chooses."""
        subject = self._rows[row]
        verb = self._verb_at(subject, x)
        if verb is not None:
            if event.chain == 1:
                self._do(verb)
        elif isinstance(subject, PairRow) and x < 3 and event.chain == 1:
            self._set_open(subject, opened=not subject.opened)
        elif event.chain == 2:
            self.action_choose()

    def _verb_at(self, row: SyncRow, x: int) -> PairVerb | None:
        width = self.size.width
        if width < _WORDS_FROM or not isinstance(row, PairRow | ConflictRow):
            return None
        end = width - 1
        for verb in reversed(_words(row, self._looks)):
            if end - len(verb) <= x < end:
                return verb
            end -= len(verb) + 1
        return None

    # Painting

    def row_total(self) -> int:
        """Return how many lines there are."""
        return len(self._rows)

    def cell(self, row: int, placed: Placed, look: Look) -> Sequence[Span]:
        """Return nothing: there are no columns."""
        return ()

    def whole_line(self, row: int, width: int, look: Look) -> Sequence[Span]:
        """Return a line."""
        subject = self._rows[row]
        match subject:
            case PairRow():
                left, right = self._pair(subject, width)
            case TextRow():
                return self._text(subject)
            case ConflictRow():
                key = display_name(subject.conflict.key)
                whose = f"two versions: the bucket's and {subject.conflict.machine}'s"
                left = [(f"   {self.symbols.warning} ", "sync-panel--asking"), (key, "")]
                right = [(whose, "virtual-tree--muted")] if width >= _WHY_FROM else []
            case TroubleRow():
                left = [(f"   {self.symbols.warning} ", "sync-panel--bad"), (display_name(subject.trouble.reason), "")]
                right = []
            case ActivityRow():
                left, right = self._activity(subject, width)
        words = self._verb_words(subject) if (look.cursor or look.hover) and width >= _WORDS_FROM else []
        right = [*right, *words, (" ", "")]
        return [*self._fit(left, width - spans_width(right)), *right]

    def _fit(self, spans: Sequence[Span], width: int) -> list[Span]:
        """Return spans in exactly `width` cells; the last one is cut with a sign that the terminal has."""
        over = spans_width(spans) - width
        if over > 0:
            *kept, (text, kind) = spans
            spans = [*kept, (cut_end(text, max(0, cell_len(text) - over), self.symbols.ellipsis), kind)]
        return fit_spans(spans, width, ellipsis=self.symbols.ellipsis)

    def _verb_words(self, row: SyncRow) -> list[Span]:
        words: list[Span] = []
        for verb in _words(row, self._looks):
            words += [(" ", ""), (verb, "virtual-tree--danger" if verb == "remove" else "virtual-tree--action")]
        return words

    def _pair(self, row: PairRow, width: int) -> tuple[list[Span], list[Span]]:
        look = row.look
        sign = self.symbols.opened if row.opened else self.symbols.closed
        stand, tone = stand_of(look)
        right: list[Span] = [("  ", ""), (stand, f"sync-panel--{tone}")]
        words = spans_width(self._verb_words(row)) if width >= _WORDS_FROM else 0
        room = width - cell_len(stand) - words - 12
        root, url = short_path(look.root, self._home), display_name(look.url)
        half = max(8, room // 2)
        if cell_len(root) + cell_len(url) > room:
            root = cut_start(root, max(half, room - cell_len(url)), self.symbols.ellipsis)
            url = cut_middle(url, max(8, room - cell_len(root)), self.symbols.ellipsis)
        left: list[Span] = [
            (f" {sign} ", "virtual-tree--muted"),
            (root, "sync-panel--place"),
            (f"  {way_of(look.mode, self.symbols)}  ", "sync-panel--busy"),
            (url, "sync-panel--place"),
        ]
        return left, right

    def _text(self, row: TextRow) -> list[Span]:
        kinds = {"fact": "virtual-tree--muted", "why": "sync-panel--asking", "head": "sync-panel--head"}
        lead = " " if not row.pair else "   "
        return [(f"{lead}{self.symbols.say(row.text)}", kinds.get(row.kind, "virtual-tree--muted"))]

    def _activity(self, row: ActivityRow, width: int) -> tuple[list[Span], list[Span]]:
        line = row.line
        failed = line.state == "failed"
        sign = self.symbols.warning if failed else sign_of(line.action, self.symbols)
        left: list[Span] = [(f"   {sign} ", "sync-panel--bad" if failed else "sync-panel--busy")]
        left.append((display_name(line.key), ""))
        if width < _WHY_FROM:
            return left, []
        why = display_name(line.reason) if failed else line.why
        if line.copy and not failed:
            why = "both kept"
        why = cut_end(why, max(12, width // 3), self.symbols.ellipsis)
        fields = [f"  {why}", f"{formats.size(line.size) if line.size else '':>10}", f"{row.when:>14}"]
        return left, [(text, "virtual-tree--muted") for text in fields]


def _words(row: SyncRow, looks: dict[str, PairLook]) -> tuple[PairVerb, ...]:
    """Return the verbs that stand at the end of a row."""
    verbs = verbs_for(row, looks)
    return tuple(verb for verb in verbs if (verb == "decide") == isinstance(row, ConflictRow))

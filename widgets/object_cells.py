"""How the rows of the object tree are written: pure functions from rows to text with component classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final, Literal

from rich.cells import cell_len

from services.model import ObjectRow
from services.names import base_name, display_name
from widgets import formats
from widgets.cells import Span, cut_end, cut_middle, fit_spans
from widgets.columns import Placed
from widgets.object_model import ObjectModel
from widgets.object_rows import Folder, Hint, Load
from widgets.symbols import Symbols

_NAME_FIRST: Final = 16
"""Cells that a name gets before the number of its generation is shown."""

_INDENT: Final = 2
"""Cells by which a row is moved to the right for each level."""

_TWIST: Final = 2
"""Cells before a name for the sign of a folder."""

_ACTIONS: Final = 5
"""Cells that the download and delete signs take at the end of a name, with the blank before them."""

_ACTIONS_FROM: Final = 20
"""Cells that the column of names needs to have for those signs."""

_RETRY: Final = "  enter retry"
"""What is said behind the reason why a folder could not be listed."""

_MUTED: Final = "virtual-tree--muted"
"""Component class of what matters less."""

Clock = Callable[[], float]
"""Returns seconds since the epoch."""

MarkState = Literal["marked", "implied", "none"]
"""Whether a row is marked itself, by a folder around it, or not."""

Sign = Literal["twist", "download", "delete", "none"]
"""What can be clicked within a row."""


class ObjectCells:
    """Writes rows with one set of signs and one clock."""

    def __init__(self, symbols: Symbols, clock: Clock, zone: tzinfo | None) -> None:
        """Take what decides how rows are written."""
        self._symbols = symbols
        self._clock = clock
        self._zone = zone
        self.advice = "u upload · n folder"
        """What can be done where there is nothing, with its keys."""

    def mark(self, state: MarkState) -> list[Span]:
        """Return the sign in the margin."""
        if state == "marked":
            return [(self._symbols.mark, "object-tree--mark")]
        return [(self._symbols.implied, _MUTED)] if state == "implied" else []

    def cell(
        self, row: Folder | ObjectRow, placed: Placed, *, depth: int, acting: bool, marked: bool
    ) -> Sequence[Span]:
        """Return one cell of a row; `acting` adds the signs that can be clicked."""
        key = placed.column.key
        if key == "name":
            return self._name(row, placed.width, depth, acting=acting, marked=marked)
        if isinstance(row, Folder):
            none = (self._symbols.none, _MUTED)
            return [("folder", _MUTED)] if key == "type" else [none]
        if key == "size":
            return [(formats.size(row.size), "")]
        if key == "modified":
            return [(formats.relative_time(row.updated, self._clock(), self._zone), _MUTED)]
        return [(cut_end(display_name(row.content_type), placed.width, self._symbols.ellipsis), _MUTED)]

    def _name(self, row: Folder | ObjectRow, width: int, depth: int, *, acting: bool, marked: bool) -> list[Span]:
        lead = self._lead(depth, width)
        room = name_room(width, acting=acting) - len(lead) - _TWIST
        symbols = self._symbols
        if isinstance(row, Folder):
            sign = symbols.opened if row.opened else symbols.closed
            raw, kind = row.prefix, "object-tree--folder"
        else:
            sign, raw, kind = " ", row.name, "object-tree--marked" if marked else ""
        past = "" if isinstance(row, Folder) or row.deleted is None else self._past(row, row.deleted)
        if past:
            if room - len(past) < min(len(base_name(raw)), _NAME_FIRST):
                past = past.partition(f" {symbols.dot} gen")[0]
            kind = kind or "object-tree--past"
            room = max(room - len(past), room // 2)
        name = cut_middle(display_name(base_name(raw)) or "/", room, symbols.ellipsis)
        spans: list[Span] = [(f"{lead}{sign} ", _MUTED), (name, kind), (past, _MUTED)]
        return with_actions(spans, width, symbols) if acting else spans

    def _past(self, row: ObjectRow, gone: float) -> str:
        """Return what stands behind the name of a generation that is no longer live."""
        ago = formats.relative_time(gone, self._clock(), self._zone)
        dot, number = self._symbols.dot, f"{row.generation}"[-4:]
        return f"  gone {ago} {dot} gen {self._symbols.ellipsis}{number}"

    def _lead(self, depth: int, width: int) -> str:
        """Return the indentation; at most half of the column, so that deep names can still be read."""
        cells = depth * _INDENT
        most = width // 2 // _INDENT * _INDENT
        if cells <= most:
            return " " * cells
        return " " * (most - _INDENT) + self._symbols.deeper + " " if most >= _INDENT else ""

    def name_indent(self, depth: int, width: int) -> int:
        """Return how many cells stand before a name in a column of some width."""
        return len(self._lead(depth, width)) + _TWIST

    def sign_at(self, row: Folder | ObjectRow | Hint, depth: int, placed: Placed, x: int) -> Sign:
        """Tell which sign of a row stands at cell `x` of the widget."""
        if isinstance(row, Hint):
            return "none"
        action = action_at(placed, x)
        if action != "none":
            return action
        start = placed.x + len(self._lead(depth, placed.width))
        return "twist" if isinstance(row, Folder) and start <= x < start + _TWIST else "none"

    def hint(self, hint: Hint, model: ObjectModel, width: int) -> list[Span]:
        """Return the line that says how a folder stands."""
        folder = hint.folder
        lead = " " + self._lead(model.depth(hint), width // 2) + " " * _TWIST
        if folder.load is Load.FAILED:
            # The key that is next stays, however little of the reason fits.
            room = width - cell_len(lead) - cell_len(_RETRY)
            text = cut_end(f"{self._symbols.warning} {folder.problem}", room, self._symbols.ellipsis)
            advice = f"  {folder.remedy}" if folder.remedy else ""
            advice = cut_end(advice, room - cell_len(text), self._symbols.ellipsis)
            return [(lead, ""), (text, "object-tree--problem"), (f"{advice}{_RETRY}", _MUTED)]
        if folder.load is Load.LOADING:
            come = len(folder.objects) + len(folder.folders)
            text = f"loading{self._symbols.ellipsis}" + (f" {come:,} so far" if come else "")
        elif model.needle and (folder.folders or folder.objects):
            text = "Nothing here matches the filter. esc clears it"
        else:
            what = "folder" if folder.prefix else "bucket"
            advice = self._symbols.say(self.advice)
            text = f"This {what} is empty. {advice}"
            if cell_len(lead) + cell_len(text) > width:
                text = f"Empty. {advice}"
        return [(lead, ""), (text, _MUTED)]


def name_room(width: int, *, acting: bool) -> int:
    """Return the cells that are left for names in a column of some width, with the signs of a row that is `acting`."""
    return width - _ACTIONS if acting and width >= _ACTIONS_FROM else width


def with_actions(spans: Sequence[Span], width: int, symbols: Symbols) -> list[Span]:
    """Return a name with the signs for download and delete at the end of its column, where there is room for them."""
    if width < _ACTIONS_FROM:
        return list(spans)
    return [
        *fit_spans(spans, width - _ACTIONS, ellipsis=symbols.ellipsis),
        ("  ", ""),
        (symbols.download, "virtual-tree--action"),
        (" ", ""),
        (symbols.delete, "virtual-tree--danger"),
    ]


def action_at(placed: Placed, x: int) -> Sign:
    """Tell which of those signs stands at cell `x` of the widget, in the column of names."""
    end = placed.x + placed.width
    if placed.width >= _ACTIONS_FROM and end - 4 <= x <= end:
        return "download" if x < end - 2 else "delete"
    return "none"

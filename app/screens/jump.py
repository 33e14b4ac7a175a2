"""Jumping: a letter stands on everything of a screen that can be gone to, and typing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import OptionList, Static

from widgets.facts import FactRow, Facts
from widgets.key_line import KeyLine
from widgets.span_line import SpanLine
from widgets.virtual_tree import VirtualTree

LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm"
"""What stands on the targets, those under the resting fingers first."""

Go = Callable[[], object]
"""What typing a target's letters does."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be gone to."""

    at: Offset
    """Cell of the screen on which its letters stand."""
    go: Go
    """Goes there."""


def labels(count: int) -> list[str]:
    """Return so many labels, the shortest first; none begins with another, so no key has to end one."""
    # Each letter that begins longer labels is one short label less, and makes room for as many as there are letters.
    firsts = max(0, -(-(count - len(LETTERS)) // (len(LETTERS) - 1)))
    firsts = min(firsts, len(LETTERS))
    short, long = LETTERS[: len(LETTERS) - firsts], LETTERS[len(LETTERS) - firsts :]
    return [*short, *(first + second for first in reversed(long) for second in LETTERS)][:count]


def targets(screen: Screen[Any]) -> list[Target]:
    """Return what can be gone to on a screen: parts of lines and what takes keys first, then the rows of lists."""
    found: list[Target] = []
    rows: list[Target] = []
    for widget in screen.query("*").results(Widget):
        region = _visible(screen, widget)
        if not region:
            continue
        if isinstance(widget, SpanLine):
            found += _parts(widget, region)
        elif isinstance(widget, VirtualTree):
            rows += _rows(widget, region)
            if not widget.row_total() and widget.focusable:
                found.append(Target(region.offset, widget.focus))
        elif isinstance(widget, OptionList) and widget.virtual_size.height == widget.option_count:
            rows += _options(widget, region)
        elif widget.focusable and not _is_line_of_a_pane(widget):
            found.append(Target(region.offset, widget.focus))
    return [*found, *rows]


def _visible(screen: Screen[Any], widget: Widget) -> Region:
    """Return what can be seen of a widget; an empty region where nothing can."""
    if not widget.display or widget not in screen._compositor.visible_widgets:  # noqa: SLF001 - there is no other way
        return Region()
    return screen.find_widget(widget).visible_region


def _is_line_of_a_pane(widget: Widget) -> bool:
    """Tell whether a widget is one of many lines of a pane that has not got the keys: its first one stands for it."""
    if not isinstance(widget, FactRow):
        return False
    pane = next((parent for parent in widget.ancestors if isinstance(parent, Facts)), None)
    if pane is None or pane.id != "details" or pane.has_pseudo_class("focus-within"):
        return False
    first = next(iter(pane.query(FactRow).results()), None)
    return widget is not first


def _parts(line: SpanLine[Any], region: Region) -> Iterator[Target]:
    """Yield the parts of a line that can be clicked; the keys at the bottom are a letter each already."""
    if isinstance(line, KeyLine):
        return
    x, told = 0, set()
    for part in line.parts(line.size.width):
        if part.target is not None and part.target not in told and x < region.width:
            told.add(part.target)
            before = x - 1 if x and not part.text.startswith((" ", "[")) else x
            yield Target(Offset(region.x + before, region.y), partial(line.chosen, part.target))
        x += cell_len(part.text)


def _rows(rows: VirtualTree, region: Region) -> Iterator[Target]:
    for y in range(region.height):
        row = rows.row_at(y)
        if row >= 0 and rows.selectable(row):
            yield Target(Offset(region.x, region.y + y), partial(_to_row, rows, row))


def _options(options: OptionList, region: Region) -> Iterator[Target]:
    """Yield what a list offers, where each of it takes one line."""
    top = round(options.scroll_y)
    for index in range(top, min(options.option_count, top + region.height)):
        if not options.get_option_at_index(index).disabled:
            yield Target(Offset(region.x, region.y + index - top), partial(_to_option, options, index))


def _to_option(options: OptionList, index: int) -> None:
    if options.focusable:
        options.focus()
    options.highlighted = index


def _to_row(rows: VirtualTree, row: int) -> None:
    if rows.focusable:
        rows.focus()
    rows.cursor = row


class JumpScreen(ModalScreen[Target | None]):
    """Letters over a screen; nothing else of it changes, so that few bytes go to the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,semicolon,ctrl+g", "leave", "Leave everything as it is.", show=False),
        Binding("backspace", "take_back", "Take the first of two letters back.", show=False),
    ]

    def __init__(self, places: Sequence[Target]) -> None:
        """Offer some places."""
        super().__init__()
        self._places = dict(zip(labels(len(places)), places, strict=False))
        self._typed = ""
        self._drawn_for: Size | None = None
        self._left = False

    def compose(self) -> ComposeResult:
        """Put a label on each place, and say at the bottom what to do."""
        for label, place in self._places.items():
            sign = Static(label, classes="jump-label", markup=False, id=f"jump-{label}")
            sign.styles.offset = (place.at.x, place.at.y)
            sign.styles.width = len(label)
            yield sign
        yield Static("A letter goes there · Esc leaves", id="jump-keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Go where a whole label was typed; the others go out of sight once one cannot be meant any more."""
        if event.character is None or not event.character.isprintable():
            return
        event.stop()
        typed = self._typed + event.character.lower()
        if typed in self._places:
            self._leave(self._places[typed])
        elif any(label.startswith(typed) for label in self._places):
            self._narrow(typed)

    def _leave(self, target: Target | None) -> None:
        # A key, a click and several new sizes may come before the screen is gone: only the first is its answer.
        if not self._left:
            self._left = True
            self.dismiss(target)

    def _narrow(self, typed: str) -> None:
        self._typed = typed
        for label in self._places:
            self.query_one(f"#jump-{label}").display = label.startswith(typed)

    def action_take_back(self) -> None:
        """Show all labels again."""
        self._narrow("")

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self._leave(None)

    def on_click(self) -> None:
        """Leave on a click: the mouse needs no letters."""
        self._leave(None)

    def on_screen_resume(self) -> None:
        """Note the size for which the letters stand where they should."""
        self._drawn_for = self.app.size

    def on_resize(self, event: events.Resize) -> None:
        """Leave where the size has changed: nothing stands any more where its letter is."""
        if self._drawn_for not in (None, event.size):
            self._leave(None)

"""Text measured in terminal cells: cut, padded, never wider than asked for.

Text comes from `display_name` or from ourselves, so it has no control character in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.css.styles import StylesBase
from textual.widget import Widget

Span = tuple[str, str]
"""Text and the component class that colours it (empty for the row's own colour)."""


def cut_end(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` cells, its end replaced by `ellipsis` where it is longer."""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    if width <= cell_len(ellipsis):
        return ellipsis if width == cell_len(ellipsis) else ""
    return _head(text, width - cell_len(ellipsis)) + ellipsis


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` cells; what is left out is in its middle, so that an extension stays."""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 8:
        return cut_end(text, width, ellipsis)
    tail = min(12, room // 3)
    return _head(text, room - tail) + ellipsis + _tail(text, tail)


def cut_start(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text` in at most `width` cells, its start replaced by `ellipsis` where it is longer (for paths)."""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    return ellipsis + _tail(text, room) if room > 0 else cut_end(text, width, ellipsis)


def fit(text: str, width: int, align: Literal["left", "right"] = "left") -> str:
    """Return `text` in exactly `width` cells; longer text is cut at its end."""
    cut = cut_end(text, width)
    blank = " " * (width - cell_len(cut))
    return cut + blank if align == "left" else blank + cut


def _head(text: str, width: int) -> str:
    if width <= 0:
        return ""
    head = chop_cells(text[: width * 2], width)[0]
    return head if cell_len(head) <= width else ""


def _tail(text: str, width: int) -> str:
    tail = text[-width:] if width > 0 else ""
    while tail and cell_len(tail) > width:
        tail = tail[1:]
    return tail


def spans_width(spans: Iterable[Span]) -> int:
    """Return how many cells `spans` take."""
    return sum(cell_len(text) for text, _ in spans)


def fit_spans(
    spans: Sequence[Span], width: int, align: Literal["left", "right"] = "left", ellipsis: str = "…"
) -> list[Span]:
    """Return `spans` in exactly `width` cells: padded on the side opposite to `align`, or cut at the end."""
    room = width
    kept: list[Span] = []
    for text, kind in spans:
        cells = cell_len(text)
        if cells > room:
            kept.append((set_cell_size(cut_end(text, room, ellipsis), room), kind))
            return kept
        kept.append((text, kind))
        room -= cells
    if room:
        kept.insert(len(kept) if align == "left" else 0, (" " * room, ""))
    return kept


def to_segments(spans: Iterable[Span], styles: Styles) -> list[Segment]:
    """Return segments of `spans` in the colours of `styles`."""
    return [Segment(text, styles.of(kind)) for text, kind in spans if text]


@dataclass(frozen=True, slots=True)
class Styles:
    """The colours of one line: its own style, and those of component classes on its background."""

    base: Style
    """Style of the line, with its background."""
    layers: dict[str, Style]
    """Whole styles by component class."""

    def of(self, kind: str) -> Style:
        """Return the style for text of a component class; the line's own for an empty one."""
        return self.layers[kind] if kind else self.base


def component_kinds(widget: Widget) -> list[str]:
    """Return the component classes of a widget and of what it inherits from."""
    return sorted(set().union(*(vars(kind).get("COMPONENT_CLASSES", ()) for kind in type(widget).__mro__)))


def line_styles(widget: Widget, kinds: Iterable[str], over: Iterable[str] = ()) -> Styles:
    """Resolve component classes of a widget on a line whose own style is laid `over` the widget's.

    Textual's partial styles don't blend translucent colours and don't know the background that `auto` contrasts with,
    so both are done here.  Where one of `over` has a colour of its own (a cursor), text of all kinds takes it: colours
    chosen for the plain background could not be read on it.
    """
    background = widget.background_colors[1]
    layers = [widget.get_component_styles(name) for name in over]
    for styles in layers:
        if styles.has_rule("background"):
            background += styles.background
    base = Style.from_color(_colour(widget.styles, background).rich_color, background.rich_color)
    forced = False
    for styles in layers:
        if styles.has_rule("color") or styles.has_rule("auto_color"):
            base += Style.from_color(_colour(styles, background).rich_color)
            forced = True
        base += styles.text_style
    whole: dict[str, Style] = {}
    for kind in kinds:
        styles = widget.get_component_styles(kind)
        own = base + styles.text_style
        if not forced and (styles.has_rule("color") or styles.has_rule("auto_color")):
            own += Style.from_color(_colour(styles, background).rich_color)
        whole[kind] = own
    return Styles(base, whole)


def _colour(styles: StylesBase, background: Color) -> Color:
    if styles.has_rule("auto_color") and styles.auto_color:
        return background + background.get_contrast_text(styles.color.a)
    return background + styles.color

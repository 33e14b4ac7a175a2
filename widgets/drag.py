"""Dragging rows onto folders, path segments and buckets: what is dragged, where it may go, what follows the pointer.

A drag belongs to its source, but the label that follows the pointer takes the mouse, so that it reaches places in any
widget of the screen; it looks for `DropSite` there.  When another screen opens meanwhile (a bucket selector that
sprang open), the label goes on in that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text
from textual import events
from textual.geometry import Offset
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from services.names import base_name, display_name
from widgets import formats
from widgets.cells import cut_middle
from widgets.object_rows import Entry, holder_of
from widgets.symbols import Symbols
from widgets.virtual_tree import NO_ROW, VirtualTree

SPRING_S: Final = 0.7
"""Seconds for which a closed folder is hovered before it springs open."""

_TICK_S: Final = 0.08
"""Seconds between two lines of scrolling at the edge of a list."""

_BEGINS_AFTER: Final = 2
"""Cells that the pointer moves within a row before that is a drag and no longer an unsteady click."""

_BESIDE: Final = 3
"""Cells between the pointer and the label."""

_LEFT_BUTTON: Final = 1
"""Number of the button that drags."""

_NAME_CELLS: Final = 28
"""Cells of a name on the label, at most."""


@dataclass(frozen=True, slots=True)
class DropTarget:
    """Where something may be dropped."""

    prefix: str
    """Prefix to move into; empty for the top of the bucket."""
    bucket: str = ""
    """Name of another bucket; empty for the one that is shown."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What is under the pointer."""

    target: DropTarget | None = None
    """Where a drop would go; None where nothing can be dropped."""
    springs: str = ""
    """Key of what opens when it is hovered for a while; empty for nothing."""
    refusal: str = ""
    """Why nothing can be dropped there, in a few words; empty where there is nothing to be said."""


class DropSite:
    """A widget with places to drop something."""

    def spot_at(self, x: int, y: int) -> Spot:
        """Return what is at a cell of the widget."""
        raise NotImplementedError

    def light(self, target: DropTarget | None) -> None:
        """Show that a drop would go to a target of this widget; None: to none."""

    def spring(self, key: str) -> None:
        """Open what was hovered for a while."""

    def scroll_at_edge(self, y: int) -> bool:
        """Scroll by a line where line `y` of the screen is at an edge of the widget, and tell whether it was."""
        return False


def movable(entries: Sequence[Entry], target: DropTarget) -> tuple[Entry, ...]:
    """Return the entries that a drop would really move; none where one of them would have to go into itself.

    What lies in the target already stays there.
    """
    if target.bucket:
        return tuple(entries)
    if any(entry.kind == "folder" and target.prefix.startswith(entry.name) for entry in entries):
        return ()
    return tuple(entry for entry in entries if home_of(entry) != target.prefix)


def home_of(entry: Entry) -> str:
    """Return the prefix in which an entry stands: `a/` for `a/b` and for `a/b/`."""
    return holder_of(entry.name[:-1] if entry.kind == "folder" else entry.name)


def describe(entries: Sequence[Entry], ellipsis: str = "…") -> str:
    """Return what is dragged in a few words: a name, or how many of what."""
    if len(entries) == 1:
        slash = "/" if entries[0].kind == "folder" else ""
        name = display_name(base_name(entries[0].name).removesuffix("/")) + slash
        return cut_middle(name, _NAME_CELLS, ellipsis)
    objects = sum(entry.kind == "object" for entry in entries)
    folders = len(entries) - objects
    words = [formats.count(folders, "folder")] if folders else []
    return ", ".join([*words, formats.count(objects, "object")] if objects else words)


def _target_words(target: DropTarget, symbols: Symbols) -> str:
    if target.bucket:
        return cut_middle(f"gs://{display_name(target.bucket)}/{display_name(target.prefix)}", 40, symbols.ellipsis)
    name = base_name(target.prefix).removesuffix("/")
    return cut_middle(f"{display_name(name)}/", _NAME_CELLS, symbols.ellipsis) if target.prefix else "top of the bucket"


@dataclass(slots=True)
class Drag:
    """A drag that is under way; it outlives the screen on which it began."""

    entries: tuple[Entry, ...]
    """What is dragged."""
    symbols: Symbols
    """Signs of the label."""
    spring_s: float
    """Seconds after which something springs open."""
    dropped: Callable[[tuple[Entry, ...], DropTarget], None]
    """Told where what was dropped."""
    at: Offset
    """Where the pointer is on the screen."""
    label: DragLabel | None = None
    """What follows the pointer; None once the drag is over."""

    def begin(self, screen: Screen[object]) -> None:
        """Show the label on a screen, from now on."""
        self.label = DragLabel(self)
        screen.mount(self.label)


class DragLabel(Static, can_focus=True):
    """Says what is dragged and where it would go; it has the mouse and the keys until the drag is over."""

    ALLOW_SELECT = False

    def __init__(self, drag: Drag) -> None:
        """Make the label of a drag."""
        super().__init__(markup=False)
        self._drag = drag
        self._site: DropSite | None = None
        self._spot = Spot()
        self._moves: tuple[Entry, ...] = ()
        self._spring: Timer | None = None
        self._before: Widget | None = None

    def on_mount(self) -> None:
        """Take mouse and keys as soon as the label has its place."""
        self._before = self.screen.focused
        self.screen.set_focus(self, scroll_visible=False)
        self.set_interval(_TICK_S, self._tick)
        self.move_to(self._drag.at)
        self.call_after_refresh(self._take_mouse)

    def _take_mouse(self) -> None:
        if self._is_current:
            self.capture_mouse()

    @property
    def _is_current(self) -> bool:
        return self._drag.label is self

    # Mouse and keys

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the pointer; where the button is no longer down its release was lost, and nothing is dropped."""
        event.stop()
        if event.button != _LEFT_BUTTON:
            self.finish()
        else:
            self.move_to(event.screen_offset)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Drop."""
        event.stop()
        self.drop_at(event.screen_offset)

    def on_click(self, event: events.Click) -> None:
        """Ignore the click that ends a drag."""
        event.stop()

    def on_key(self, event: events.Key) -> None:
        """Give up on Esc; no other key does anything while something is dragged."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.finish()

    def move_to(self, at: Offset) -> None:
        """Take note of where the pointer is."""
        if not self._is_current:
            return
        self._drag.at = at
        self._look()
        width, height = self.screen.size
        # On the line of the pointer it hides none of the rows beside the one that it names anyway.
        right = at.x + _BESIDE
        x = right if right + self._width <= width else at.x - _BESIDE - self._width + 1
        self.styles.offset = (max(0, x), min(at.y, height - 1))

    def drop_at(self, at: Offset) -> None:
        """End the drag with a drop at a place of the screen, if something can be dropped there."""
        if self._is_current:
            self.move_to(at)
            moves, target = self._moves, self._spot.target
            self.finish()
            if moves and target is not None:
                self._drag.dropped(moves, target)

    def finish(self) -> None:
        """End the drag without a drop."""
        if self._is_current:
            self._drag.label = None
            self._leave()
            if self._before is not None and self._before.is_attached:
                self.screen.set_focus(self._before, scroll_visible=False)

    def _leave(self) -> None:
        self._set_site(None, Spot())
        self.release_mouse()
        self.remove()

    # What is under the pointer

    def _look(self) -> None:
        under = (widget for widget, _ in self.screen.get_widgets_at(*self._drag.at) if widget is not self)
        widget = next(under, None)
        for node in widget.ancestors_with_self if widget is not None else ():
            if isinstance(node, Widget) and isinstance(node, DropSite):
                place = self._drag.at - node.region.offset
                self._set_site(node, node.spot_at(place.x, place.y))
                return
        self._set_site(None, Spot())

    def _set_site(self, site: DropSite | None, spot: Spot) -> None:
        target = spot.target
        moves = movable(self._drag.entries, target) if target is not None else ()
        if self._site is not None and self._site is not site:
            self._site.light(None)
        if site is not None:
            site.light(target if moves else None)
        if (site, spot.springs) != (self._site, self._spot.springs):
            if self._spring is not None:
                self._spring.stop()
            self._spring = self.set_timer(self._drag.spring_s, self._spring_open) if spot.springs else None
        self._site, self._spot, self._moves = site, spot, moves
        self._say()

    def _spring_open(self) -> None:
        if self._is_current and self._site is not None and self._spot.springs:
            self._site.spring(self._spot.springs)
            self.call_after_refresh(self.move_to, self._drag.at)

    def _tick(self) -> None:
        """Scroll at the edges, and follow to a screen that has opened."""
        if not self._is_current:
            return
        current = self.app.screen
        if current is not self.screen:
            self._leave()
            self._drag.begin(current)
            return
        if self._site is not None and self._site.scroll_at_edge(self._drag.at.y):
            self._look()

    # Words

    def _words(self) -> Text:
        symbols = self._drag.symbols
        text = Text(f" {describe(self._moves or self._drag.entries, symbols.ellipsis)} ")
        if self._moves and self._spot.target is not None:
            text.append(f"{symbols.arrow} {_target_words(self._spot.target, symbols)} ")
        elif refusal := self._refusal():
            text.append(f"{symbols.delete} {refusal} ")
        return text

    def _refusal(self) -> str:
        """Return why nothing goes where the pointer is, if that is a place for something."""
        target = self._spot.target
        if self._spot.refusal or target is None:
            return self._spot.refusal
        inside = any(each.kind == "folder" and target.prefix.startswith(each.name) for each in self._drag.entries)
        return "not into itself" if inside else ""

    @property
    def _width(self) -> int:
        return self._words().cell_len

    def _say(self) -> None:
        self.set_class(bool(self._moves), "-drops")
        self.update(self._words())


class DragStart:
    """Tells a press that becomes a drag from a click, for one widget with rows."""

    def __init__(
        self,
        source: VirtualTree,
        entries_at: Callable[[int], tuple[Entry, ...]],
        dropped: Callable[[tuple[Entry, ...], DropTarget], None],
    ) -> None:
        """Watch a widget; `entries_at` says what a row drags along, `dropped` is told of the end."""
        self._source = source
        self._entries_at = entries_at
        self._dropped = dropped
        self._pressed: Offset | None = None
        self._row = NO_ROW
        self._drag: Drag | None = None
        self._swallow = False
        self.spring_s = SPRING_S

    @property
    def active(self) -> bool:
        """Whether something is dragged."""
        return self._drag is not None and self._drag.label is not None

    def swallows_click(self) -> bool:
        """Tell whether a click is only the end of a drag."""
        return self._swallow

    def down(self, event: events.MouseDown) -> None:
        """Take note of a press."""
        self._swallow = False
        row = self._source.row_at(event.y)
        plain = event.button == _LEFT_BUTTON and not (event.shift or event.ctrl or event.meta)
        self._pressed = event.screen_offset if plain and row != NO_ROW else None
        self._row = row
        if self._pressed is not None:
            self._source.capture_mouse()  # so that a quick move out of the widget is heard

    def move(self, event: events.MouseMove) -> None:
        """Begin the drag once the pointer has moved far enough, and lead it until its label has the mouse."""
        if self.active:
            if self._drag is not None and self._drag.label is not None:
                self._drag.label.move_to(event.screen_offset)
        elif event.button != _LEFT_BUTTON:
            self._let_go()
        elif self._pressed is not None and (
            abs(event.screen_x - self._pressed.x) >= _BEGINS_AFTER or self._source.row_at(event.y) != self._row
        ):
            self._begin(event.screen_offset)

    def up(self, event: events.MouseUp) -> None:
        """Forget the press; drop what is dragged while its label has not the mouse yet."""
        self._let_go()
        if self._drag is not None and self._drag.label is not None:
            self._drag.label.drop_at(event.screen_offset)

    def _let_go(self) -> None:
        self._pressed = None
        self._source.release_mouse()

    def _begin(self, at: Offset) -> None:
        self._pressed = None
        entries = self._entries_at(self._row)
        if entries:
            self._swallow = True
            self._drag = Drag(entries, self._source.symbols, self.spring_s, self._dropped, at)
            self._drag.begin(self._source.screen)

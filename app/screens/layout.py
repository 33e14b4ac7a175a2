"""The layout of the main screen: its widgets, the filter line, the details, and what stands where nothing can be."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Input, Static
from textual.worker import Worker

from app.screens.dialog import Label, Line
from app.screens.pointer import follow_focus, put_cursor
from app.surroundings import Surroundings
from services.sync.status import Overview
from widgets.breadcrumb import Breadcrumb
from widgets.details import Details
from widgets.find_panel import FindKeys, FindPanel
from widgets.header_line import HeaderLine
from widgets.key_line import HELP, KeyHint, KeyLine
from widgets.object_tree import ObjectTree
from widgets.settings_pane import SettingsPane
from widgets.sync_panel import SyncPanel
from widgets.sync_rows import needs_person, summary_of
from widgets.transfer_strip import TransferStrip
from widgets.transfers_panel import TransfersPanel
from widgets.usage_lines import UsageKeys
from widgets.usage_panel import UsagePanel

WIDE: Final = 100
"""Columns from which on the details stand beside the tree by themselves."""

HINTS: Final = 11
"""Keys on the key line at the most: what one can take in; the help has them all."""

REST_S: Final = 0.2
"""Seconds for which the cursor has to rest before the details follow it."""


HOLD_S: Final = 0.15
"""Seconds for which the details wait for what else the service knows: else they are drawn, erased and drawn again."""


class FilterLine(Line):
    """The line that narrows the tree down while it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "screen.clear_filter", "All rows", show=False),
        Binding("down,enter", "screen.leave_filter", "To the rows", show=False),
    ]


class MainLayout(Screen[None]):
    """Widgets of the main screen, and what concerns only them."""

    AUTO_FOCUS = ""  # the view that is shown takes the focus; until then keys are the screen's
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-slim"), (60, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-brief"), (18, "-tall")]  # noqa: RUF012

    def __init__(self, surroundings: Surroundings) -> None:
        """Make the widgets."""
        super().__init__()
        self._surroundings = surroundings
        self._details_wanted: bool | None = None
        self._rest: Timer | None = None
        self._is_missing = False  # there is no such bucket
        self._is_refused = False  # nothing of the place can be shown: the notice stands in its place
        # Widgets are made here and kept: what still runs while the screen is taken down finds them all the same.
        symbols = surroundings.symbols
        self.object_tree = ObjectTree(symbols=symbols, clock=surroundings.now, zone=surroundings.zone, id="tree")
        key = surroundings.keymap.key
        self.object_tree.advise(f"{key('upload')} upload · {key('new_folder')} folder")
        self.settings_pane = SettingsPane(id="settings")
        self._header = HeaderLine(symbols=symbols, id="header")
        self._path = Breadcrumb(symbols=symbols, id="path")
        self._switcher = ContentSwitcher(initial="notice", id="views")
        self._filter = FilterLine(placeholder="filter the rows by a part of their name", id="filter")
        self._details = Details(id="details")
        clock, zone = surroundings.now, surroundings.zone
        find_keys = FindKeys(key("leave_find"), key("show_find"))
        self.find_panel = FindPanel(symbols=symbols, clock=clock, zone=zone, keys=find_keys, id="find")
        usage_keys = UsageKeys(key("recount"), key("cancel_count"))
        self.usage_panel = UsagePanel(symbols=symbols, clock=clock, zone=zone, keys=usage_keys, id="usage")
        self._panel = TransfersPanel(symbols=symbols, id="transfers")
        moves = f"there {key('upload')} uploads, {key('download')} downloads."
        self._panel.advise(f"{key('view_objects')} leads to the objects:", moves)
        self.sync_panel = SyncPanel(symbols=symbols, clock=surroundings.now, home=surroundings.home, id="sync")
        self._notice_text = Label("", id="notice")
        words = f"New here? {key('help')} lists every key, {key('palette')} finds any command."
        self._greeting = Label(f"{words} The mouse works too. {key('greeted')} hides this.", id="greeting")
        self._greeting.display = False
        self._strip = TransferStrip(symbols=symbols, id="strip")
        self._keys = KeyLine(symbols=symbols, id="keys")
        self._keys.most = HINTS
        self._keys.more = KeyHint(key(HELP), "more", HELP)

    @property
    def bucket(self) -> str:
        """Name of the open bucket; empty where none is."""
        raise NotImplementedError

    def show_keys(self) -> None:
        """Show the keys that apply now."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static("Pail needs 40 × 10 cells; q quits.", id="too-small", markup=False)
        with Vertical(id="whole"):
            yield self._header
            yield self._path
            with self._switcher:
                with Vertical(id="objects"):
                    yield self._filter
                    with Horizontal():
                        yield self.object_tree
                        yield self._details
                yield self.find_panel
                yield self.settings_pane
                yield self._panel
                yield self.sync_panel
                yield self.usage_panel
                yield self._notice_text
            yield self._greeting
            yield self._strip
            yield self._keys

    def _show_pairs(self, overview: Overview) -> None:
        """Show in the header and the strip what all pairs come to."""
        waiting = any(needs_person(look) for look in overview.pairs)
        self._header.change(attention=frozenset({"sync"} if waiting else ()))
        home = self._surroundings.home or str(Path.home())
        self._strip.sync = summary_of(overview.pairs, self._surroundings.symbols, home)

    def _notice(self, text: str) -> None:
        self._notice_text.update(text)
        self._switcher.current = "notice"

    def on_mount(self) -> None:
        """Have the terminal's cursor follow the focus."""
        follow_focus(self)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Bring the terminal's cursor to what has the focus now, also where it was scrolled into view."""
        put_cursor(event.widget)
        self.call_after_refresh(put_cursor, event.widget)

    # The line for newcomers

    async def _greet(self) -> None:
        self._greeting.display = not await self._surroundings.remembered.greeted()
        self.show_keys()

    async def do_greeted(self) -> None:
        """Put the line for newcomers away, for good."""
        self._greeting.display = False
        self.show_keys()
        await self._surroundings.remembered.set_greeted()

    @on(events.Click, "#greeting")
    def _greeting_clicked(self, event: events.Click) -> None:
        event.stop()
        self.run_worker(self.do_greeted(), group="commands")

    # Filter

    async def do_filter(self) -> None:
        """Show the filter line and type in it."""
        line = self._filter
        line.display = True
        line.focus()

    async def do_clear_filter(self) -> None:
        """Show all rows again."""
        self._clear_filter()

    def action_clear_filter(self) -> None:
        """Show all rows again."""
        self._clear_filter()
        self.object_tree.focus()

    def action_leave_filter(self) -> None:
        """Keep the filter and go to the rows."""
        line = self._filter
        line.display = bool(line.value)
        self.object_tree.focus()

    def _clear_filter(self) -> None:
        line = self._filter
        line.value = ""
        line.display = False

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.object_tree.filter_text = event.value
        self.show_keys()

    # Details

    @property
    def _details_shown(self) -> bool:
        wide = self.size.width >= WIDE
        return wide if self._details_wanted is None else self._details_wanted

    def _show_details(self, wanted: bool) -> None:
        self._details_wanted = wanted
        self._place_details()

    def _place_details(self) -> None:
        self._details.display = self._details_shown
        self.object_tree.display = self.size.width >= WIDE or not self._details_shown
        self._fill_details()

    def _fill_details_soon(self) -> None:
        """Fill the details once the cursor rests: a step of it costs no byte for them."""
        if self._details_shown:
            if self._rest is not None:
                self._rest.stop()
            self._rest = self.set_timer(REST_S, self._fill_details)

    def _fill_details(self) -> None:
        if not self._details_shown:
            return
        tree, details, zone = self.object_tree, self._details, self._surroundings.zone
        totals, entry = tree.marked_totals, tree.cursor_entry
        if not totals.entries:
            details.show_entry(self.bucket, entry, zone=zone, hold_s=HOLD_S)
        if totals.entries or (entry is not None and entry.row is not None):
            # Not a coroutine: one that is superseded before it begins would be left behind unawaited.
            _filled: Worker[None] = self.run_worker(self._complete_details, exclusive=True, group="details")

    async def _complete_details(self) -> None:
        """Show what a listing does not tell."""
        raise NotImplementedError

    def _show_rows(self) -> None:
        """Let the keys go to the rows, which come back where the details stood in their place."""
        if self.size.width < WIDE:
            self._show_details(wanted=False)
        self.object_tree.focus()

    def on_resize(self) -> None:
        """Place the details where the new width wants them."""
        self.call_after_refresh(self._place_details)

"""The palette: type a part of a name, and run a command, open a bucket, or go to a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from app.commands import Command, shown_key
from app.context import Context
from app.permissions import refusal
from app.registry import applying
from app.screens.dialog import Label, Line
from app.screens.over import Over
from app.session import BucketChoice
from services.names import GsUrl, display_name

KEY_WIDTH: Final = 8
"""Cells of the column of keys."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be chosen."""

    title: str
    """What it is called; safe for a terminal."""
    help: str = ""
    """One sentence."""
    key: str = ""
    """The key that does it too."""
    command: str = ""
    """Id of a command, if it is one."""
    bucket: str = ""
    """Name of a bucket, if it is one or lies in one (raw)."""
    prefix: str = ""
    """Prefix in the bucket (raw)."""
    refused: bool = False
    """Whether these credentials cannot do it here; `help` says why."""


def offers(
    context: Context,
    buckets: Sequence[BucketChoice],
    entries: Iterable[Command],
    recent: Sequence[GsUrl] = (),
) -> Iterator[Offer]:
    """Yield those of `entries` that apply now, in their order, then the places of late, then the buckets."""
    for entry in applying(context, entries):
        if entry.in_palette:
            why = refusal(entry.id, context.refused)
            key = shown_key(entry.keys[0]) if entry.keys else ""
            yield Offer(entry.title, f"! {why}" if why else entry.help, key, entry.id, refused=bool(why))
    for place in recent:
        title = f"Recent: {display_name(str(place))}"
        yield Offer(title, "Go back to this folder.", bucket=place.bucket, prefix=place.name)
    for choice in buckets:
        name = display_name(choice.name)
        title = f"{display_name(choice.alias)} ({name})" if choice.alias and choice.alias != choice.name else name
        known = "" if choice.ability == "unknown" else f" It is {choice.ability}."
        lately = " It was open lately." if choice.recent else ""
        yield Offer(f"Bucket: {title}", f"Open this bucket.{known}{lately}", bucket=choice.name)


def matching(all_offers: Sequence[Offer], typed: str) -> list[Offer]:
    """Return the offers that a text finds, the best first; all of them for an empty text."""
    if not typed:
        return list(all_offers)
    matcher = Matcher(typed)
    # The sort is stable: among equals the order of the registry stays.
    scored = [(matcher.match(offer.title), offer) for offer in all_offers]
    return [offer for score, offer in sorted(scored, key=lambda one: -one[0]) if score > 0]


class Palette(Over[Offer | None]):
    """A line to type in, and what it finds."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(self, found: Sequence[Offer]) -> None:
        """Offer what was found to apply."""
        super().__init__()
        self._offers = list(found)
        self._shown: list[Offer] = []

    def compose(self) -> ComposeResult:
        """Lay out the line and the list."""
        with Vertical(classes="dialog palette"):
            yield Line(placeholder="command, view, folder, bucket", id="typed")
            yield OptionList(id="offers", compact=True)
            yield Label("", id="palette-help", classes="dialog-note")

    def on_mount(self) -> None:
        """Offer everything at first."""
        self._fill("")

    def _fill(self, typed: str) -> None:
        self._shown = matching(self._offers, typed.strip())
        listed = self.query_one("#offers", OptionList)
        listed.clear_options()
        listed.add_options([Option(_line(offer)) for offer in self._shown])
        listed.highlighted = 0 if self._shown else None
        if not self._shown:
            self.query_one("#palette-help", Label).update("Nothing is called like that. Esc closes")

    @on(Input.Changed, "#typed")
    def _typed_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    @on(Input.Submitted, "#typed")
    def _typed_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#offers", OptionList).action_select()

    @on(OptionList.OptionHighlighted)
    def _offer_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index < len(self._shown):
            self.query_one("#palette-help", Label).update(self._shown[event.option_index].help)

    @on(OptionList.OptionSelected)
    def _offer_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index])

    def on_key(self, event: events.Key) -> None:
        """Move in the list while the line has the focus."""
        listed = self.query_one("#offers", OptionList)
        moves: dict[str, Callable[[], None]] = {
            "up": listed.action_cursor_up,
            "down": listed.action_cursor_down,
            "pageup": listed.action_page_up,
            "pagedown": listed.action_page_down,
        }
        if event.key in moves:
            event.stop()
            event.prevent_default()
            moves[event.key]()

    def action_leave(self) -> None:
        """Close the palette."""
        self.dismiss(None)


def _line(offer: Offer) -> Table:
    line = Table.grid(expand=True)
    line.add_column(ratio=1, no_wrap=True)
    line.add_column(width=KEY_WIDTH, justify="right")
    style = "dim" if offer.refused else ""
    line.add_row(Text(offer.title, style), Text(offer.key, style or "bold"))
    return line

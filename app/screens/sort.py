"""The small dialog that chooses by what the tree is sorted."""

from __future__ import annotations

from typing import Final, get_args

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.screens.dialog import Dialog, Label
from widgets.object_rows import Order, SortKey

TITLES: Final[dict[SortKey, str]] = {"name": "Name", "size": "Size", "modified": "Modified", "type": "Type"}
"""Titles of the keys."""


class SortDialog(Dialog[Order]):
    """Chooses a column; choosing the current one turns the order around."""

    def __init__(self, order: Order) -> None:
        """Offer all orders, beginning with the current one."""
        super().__init__("Sort by")
        self._order = order

    def body(self) -> ComposeResult:
        """Yield the columns."""
        options = []
        for key in get_args(SortKey):
            current = key == self._order.key
            now = ("  descending" if self._order.descending else "  ascending") if current else ""
            options.append(Option(Text(f"{'✓' if current else ' '} {TITLES[key]}{now}"), id=key))
        yield OptionList(*options, id="keys", compact=True)
        yield Label("enter on the current one turns it around", classes="dialog-note")

    def on_mount(self) -> None:
        """Begin at the current order."""
        keys = self.query_one("#keys", OptionList)
        keys.highlighted = get_args(SortKey).index(self._order.key)
        keys.focus()

    @on(OptionList.OptionSelected)
    def _key_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        for key in get_args(SortKey):
            if key == event.option_id:
                self.dismiss(self._order.clicked(key))

"""A list whose rows are in an order that a click on the head of a column changes."""

from __future__ import annotations

from typing import get_args

from widgets.object_rows import Order, SortKey
from widgets.virtual_tree import VirtualTree


class SortedList(VirtualTree):
    """Says in its head how it is sorted."""

    @property
    def order(self) -> Order:
        """How the rows are sorted."""
        raise NotImplementedError

    def sort_by(self, order: Order) -> None:
        """Sort the rows."""
        raise NotImplementedError

    def on_virtual_tree_head_clicked(self, message: VirtualTree.HeadClicked) -> None:
        """Sort by a column whose head was clicked; a second click turns it round."""
        message.stop()
        for key in get_args(SortKey):
            if key == message.key:
                self.sort_by(self.order.clicked(key))

    def head_sign(self, key: str) -> str:
        """Return how the rows are sorted by a column."""
        if key != self.order.key:
            return ""
        return self.symbols.descending if self.order.descending else self.symbols.ascending

"""The dialog that chooses the folder to move or copy to; the folder around what goes is preselected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from app.browser import Browser
from app.screens.dialog import Label
from app.screens.over import Over
from services.gcs.interface import DataPlane
from widgets.destination_picker import DestinationPicker
from widgets.drag import DropTarget
from widgets.symbols import Symbols


class DestinationDialog(Over[DropTarget | None]):
    """A picker with a heading, fed from the buckets."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", show=False)]

    def __init__(
        self,
        heading: str,
        bucket: str,
        prefix: str,
        *,
        data: DataPlane,
        buckets: Sequence[str],
        refuse: Callable[[str, str], str],
        symbols: Symbols,
    ) -> None:
        """Begin at a folder of a bucket; `refuse` says why a bucket and a prefix cannot be chosen."""
        super().__init__()
        self._heading = heading
        self._data = data
        self._picker = DestinationPicker(bucket, prefix, buckets=buckets, refuse=refuse, symbols=symbols)
        self._browser: Browser | None = None

    def compose(self) -> ComposeResult:
        """Lay out heading and picker."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label(self._heading, classes="dialog-title")
            yield self._picker

    @on(DestinationPicker.Wanted)
    def _listing_wanted(self, message: DestinationPicker.Wanted) -> None:
        if self._browser is None or self._browser.bucket != message.bucket:
            self._stop()
            self._browser = Browser(self._data, message.bucket, self._picker)
        self._browser.list(message.prefix, message.ticket)

    @on(DestinationPicker.Chosen)
    def _folder_chosen(self, message: DestinationPicker.Chosen) -> None:
        self.dismiss(DropTarget(message.prefix, message.bucket))

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def on_unmount(self) -> None:
        """Give up what is still listed."""
        self._stop()

    def _stop(self) -> None:
        if self._browser is not None:
            self._browser.leave()

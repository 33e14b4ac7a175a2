"""What the main screen answers to in a search."""

from __future__ import annotations

from textual import on

from app.screens.bucket_side import BucketSide
from widgets.find_list import FindList
from widgets.find_panel import FindPanel


class LookSide(BucketSide):
    """The part of the main screen that looks through a bucket."""

    @on(FindPanel.SearchWanted)
    def _search_wanted(self, message: FindPanel.SearchWanted) -> None:
        self.finding.search(message.query, message.ticket)

    @on(FindPanel.CancelWanted)
    def _search_cancelled(self) -> None:
        self.finding.cancel()

    @on(FindPanel.Left)
    def _search_left(self) -> None:
        self.show_view("objects")

    @on(FindPanel.Opened)
    def _find_opened(self, message: FindPanel.Opened) -> None:
        self.finding.open(message.entry)

    @on(FindList.DownloadWanted)
    def _find_download_wanted(self, message: FindList.DownloadWanted) -> None:
        self.attempt(self.objects.download([message.entry]))

    @on(FindList.DeleteWanted)
    def _find_delete_wanted(self, message: FindList.DeleteWanted) -> None:
        if self.context.may_write:
            self.attempt(self.objects.delete([message.entry]))

    @on(FindList.Changed)
    def _finds_changed(self) -> None:
        self.show_marked()

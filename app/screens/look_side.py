"""What the main screen answers to in a search and in the Usage view."""

from __future__ import annotations

from textual import on

from app.screens.bucket_side import BucketSide
from widgets.find_list import FindList
from widgets.find_panel import FindPanel
from widgets.usage_list import UsageList
from widgets.usage_panel import UsagePanel


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

    @on(FindList.Changed)
    def _finds_changed(self) -> None:
        self.show_marked()

    # Usage

    @on(UsagePanel.RecountWanted)
    def _recount_wanted(self) -> None:
        self.usage.recount()

    @on(UsagePanel.CancelWanted)
    def _count_cancelled(self) -> None:
        self.usage.cancel()

    @on(UsagePanel.DeleteWanted)
    def _share_delete_wanted(self, message: UsagePanel.DeleteWanted) -> None:
        if self.may("usage_delete"):
            self.attempt(self.objects.delete([message.entry]))

    @on(UsagePanel.AbortWanted)
    def _abort_wanted(self) -> None:
        if self.may("abort_uploads"):
            self.attempt(self.usage.do_abort_uploads())

    @on(UsagePanel.Opened)
    def _share_opened(self, message: UsagePanel.Opened) -> None:
        self.usage.open(message.entry)

    @on(UsagePanel.RuleWanted)
    def _rule_wanted(self, message: UsagePanel.RuleWanted) -> None:
        self.attempt(self.settings.add_rule(message.rule))

    @on(UsagePanel.LinkChosen)
    def _link_chosen(self, message: UsagePanel.LinkChosen) -> None:
        self.desk.copy(message.link, "the address")

    @on(UsagePanel.Drilled)
    def _drilled(self) -> None:
        if self._view == "usage":
            self.usage.shown()
            self.show_place()

    @on(UsageList.CursorMoved)
    def _share_cursor_moved(self) -> None:
        self.show_keys()

"""The main screen: which action answers to which message of the widgets and of the engine."""

from __future__ import annotations

from textual import events, on

from app.bridge import Bridge
from app.context import VIEWS
from app.registry import command
from app.screens.dialog import shown
from app.screens.selector import BucketSelector
from app.screens.sync_side import SyncSide
from services.names import display_name
from widgets.breadcrumb import Breadcrumb
from widgets.details import Details
from widgets.facts import Facts
from widgets.header_line import HeaderLine
from widgets.key_line import KeyLine
from widgets.object_tree import ObjectTree
from widgets.row_list import RowList
from widgets.transfer_strip import TransferStrip
from widgets.transfers_panel import TransfersPanel


class MainScreen(SyncSide):
    """Bucket, views, path, objects, and what moves."""

    # Messages of the widgets

    @on(ObjectTree.Wanted)
    def _listing_wanted(self, message: ObjectTree.Wanted) -> None:
        self._is_refused = self._is_missing = False
        self.show_keys()
        if self._view == "objects":
            self._switcher.current = "objects"
        self.places.list(message)

    @on(ObjectTree.Opened)
    def _row_opened(self, message: ObjectTree.Opened) -> None:
        if message.kind == "folder":
            self.places.go(message.name)
        else:
            self._show_details(wanted=True)
            self._details.focus()

    @on(RowList.DownloadWanted)
    def _download_wanted(self, message: RowList.DownloadWanted) -> None:
        if self.may("download"):
            self.attempt(self.objects.download([message.entry]))

    @on(RowList.DeleteWanted)
    def _delete_wanted(self, message: RowList.DeleteWanted) -> None:
        if self.may("delete"):
            self.attempt(self.objects.delete([message.entry]))

    @on(ObjectTree.Dropped)
    def _dropped(self, message: ObjectTree.Dropped) -> None:
        if isinstance(self.app.screen, BucketSelector):
            self.app.screen.action_leave()
        if self.may("move_to"):
            self.attempt(self.moving.dropped(message.entries, message.target))

    @on(ObjectTree.Renamed)
    def _renamed(self, message: ObjectTree.Renamed) -> None:
        self.attempt(self.moving.renamed(message.entry, message.new_name))

    @on(ObjectTree.CursorMoved)
    def _cursor_moved(self) -> None:
        self._fill_details_soon()
        self.show_keys()

    @on(ObjectTree.MarksChanged)
    def _marks_changed(self) -> None:
        self._fill_details_soon()
        self.show_marked()

    @on(Details.Left)
    def _details_left(self) -> None:
        self._show_rows()

    @on(Breadcrumb.SegmentChosen)
    def _segment_chosen(self, message: Breadcrumb.SegmentChosen) -> None:
        if self._view == "usage":
            self.usage_panel.go(message.prefix)
            return
        self.show_view("objects")
        self.places.go(message.prefix)

    @on(HeaderLine.BucketWanted)
    def _bucket_wanted(self) -> None:
        self.action_command("buckets")

    @on(HeaderLine.ViewWanted)
    def _view_wanted(self, message: HeaderLine.ViewWanted) -> None:
        for view, _ in VIEWS:
            if view == message.view:
                self.show_view(view)

    @on(KeyLine.HintChosen)
    def _hint_chosen(self, message: KeyLine.HintChosen) -> None:
        if command(message.command_id).applies(self.context):
            self.action_command(message.command_id)

    @on(TransferStrip.SyncOpened)
    def _strip_of_pairs_opened(self) -> None:
        self.action_command("view_sync")

    @on(TransferStrip.Opened)
    def _strip_opened(self) -> None:
        self.show_view("transfers")

    @on(Facts.CopyWanted)
    def _copy_wanted(self, message: Facts.CopyWanted) -> None:
        self.app.copy_to_clipboard(message.text)
        self.desk.tell(f"Copied {shown(message.text)}")

    def on_paste(self, event: events.Paste) -> None:
        """Take pasted text for the paths of dragged files."""
        event.stop()
        self.attempt(self.objects.pasted(event.text))

    # Messages of the engine

    @on(Bridge.Sampled)
    def _sampled(self, message: Bridge.Sampled) -> None:
        self._strip.update(message.snapshot)
        self.usage.sampled(message.snapshot, visible=self._view == "usage")
        panel = self._panel
        panel.update(message.snapshot, message.query)
        undo_changed = self.undo.changed()
        if self._view == "transfers":
            self.desk.bridge.query = panel.query_wanted
        if undo_changed or self._view == "transfers":
            self.show_keys()

    @on(TransfersPanel.VerbWanted)
    def _verb_wanted(self, message: TransfersPanel.VerbWanted) -> None:
        self.attempt(self.jobs.control(message.verb, message.target))

    @on(TransfersPanel.ReorderWanted)
    def _reorder_wanted(self, message: TransfersPanel.ReorderWanted) -> None:
        self.attempt(self.jobs.reorder(message.target, message.place, message.other))

    @on(TransfersPanel.Looked)
    def _looked_at_transfers(self) -> None:
        if self._view == "transfers":
            self.desk.bridge.query = self._panel.query_wanted

    @on(TransfersPanel.DecisionWanted)
    def _decision_wanted(self, message: TransfersPanel.DecisionWanted) -> None:
        for job in self.desk.bridge.snapshot.jobs:
            if job.id == message.job:
                self.attempt(self.objects.decide(job, ()))

    @on(Bridge.Touched)
    def _touched(self, message: Bridge.Touched) -> None:
        self.places.touched(message.transfers)
        self.finding.touched(message.transfers)
        self.usage.touched(message.transfers)

    @on(Bridge.Ended)
    def _ended(self, message: Bridge.Ended) -> None:
        self.jobs.announce(message.job)
        self.usage.ended(visible=self._view == "usage")
        self.attempt(self.buckets.ended(message.job))

    @on(Bridge.Asked)
    def _asked(self, message: Bridge.Asked) -> None:
        self.attempt(self.objects.decide(message.job, message.examples))

    @on(Bridge.Noticed)
    def _noticed(self, message: Bridge.Noticed) -> None:
        self.desk.tell(f"{display_name(message.fact.message)}\n{display_name(message.fact.remedy)}".strip(), bad=True)

    @on(Bridge.Unreachable)
    def _engine_unreachable(self, message: Bridge.Unreachable) -> None:
        self.desk.tell_error(message.error)

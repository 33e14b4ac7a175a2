"""What the main screen does: views and commands; `app.screens.main` has what it reacts to."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar, Final

from textual.binding import BindingType
from textual.widget import Widget

from app.actions.buckets import BucketActions
from app.actions.details import show_more
from app.actions.editing import EditActions
from app.actions.finding import FindActions
from app.actions.jobs import JobActions
from app.actions.links import LinkActions
from app.actions.moving import MovingActions
from app.actions.objects import ObjectActions
from app.actions.outside import OutsideActions
from app.actions.past import PastActions
from app.actions.places import PlaceActions
from app.actions.program import ProgramActions
from app.actions.settings import SettingsActions
from app.actions.sync import SyncActions
from app.actions.undo import UndoActions
from app.actions.usage import UsageActions
from app.bridge import Bridge
from app.commands import shown_key
from app.context import VIEWS, Context, View
from app.desk import Desk, GivenUp
from app.permissions import refusal, refused
from app.registry import bindings, command, key_line
from app.screens.connect import WayIn
from app.screens.connected import MainConnection
from app.surroundings import Surroundings
from app.watch import Watch
from services.connection import ConnectionOptions
from services.errors import PailError
from services.names import display_name
from widgets import formats
from widgets.find_panel import FindPanel
from widgets.key_line import KeyHint
from widgets.object_tree import ObjectTree
from widgets.settings_pane import SettingsPane
from widgets.sync_panel import SyncPanel
from widgets.transfers_panel import TransfersPanel
from widgets.usage_panel import UsagePanel

TYPED_INTO: Final = frozenset({"rename", "new_folder", "filter", "find", "palette", "mark_glob", "unmark_glob", "jump"})
"""Commands that open a line: what is typed right after them is meant for it."""


class MainControls(MainConnection):
    """The desk, the actions that work on it, and the way from a command to its handler."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("screen")]

    def __init__(self, way: WayIn, options: ConnectionOptions, surroundings: Surroundings) -> None:
        """Make the screen; nothing is asked of the network before it is painted."""
        super().__init__(way, options, surroundings)
        bridge = Bridge(surroundings.connect, self.post_message, sample_s=surroundings.line.sample_s)
        self.desk = Desk(
            self,
            bridge,
            show_view=self.show_view,
            open_bucket=self._open_bucket,
            left_bucket=self._left_bucket,
            switch_connection=self._switch_connection,
            show_place=self.show_place,
            show_keys=self.show_keys,
            surroundings=surroundings,
            tree=self.object_tree,
            settings=self.settings_pane,
        )
        self.places = PlaceActions(self.desk, self.show_place, self._refused)
        self.undo = UndoActions(self.desk)
        self.past = PastActions(self.desk, self.show_marked)
        self.objects = ObjectActions(self.desk, self.past)
        self.moving = MovingActions(self.desk)
        self.buckets = BucketActions(self.desk)
        self.jobs = JobActions(self.desk)
        self.finding = FindActions(self.desk, self.places, self.find_panel)
        self.usage = UsageActions(self.desk, self.places, self.usage_panel)
        self.editing = EditActions(self.desk)
        self.settings = SettingsActions(self.desk, self.places.show_settings)
        self.syncing = SyncActions(
            self.desk,
            self.sync_panel,
            lambda: self._view == "sync" and self.app.app_focus,
            self.attempt,
            self._show_pairs,
        )
        self.actors = (
            self.objects,
            self.moving,
            self.past,
            self.undo,
            self.buckets,
            self.jobs,
            self.settings,
            self.editing,
            self.finding,
            self.usage,
            OutsideActions(self.desk),
            ProgramActions(self.desk, lambda: self.context, self.action_command),
            LinkActions(self.desk),
            self.syncing,
        )
        self._watch = Watch(
            self.object_tree,
            lambda: self.desk.browser,
            self._is_looked_at,
            surroundings.presence,
            every_s=surroundings.look_s,
        )

    def on_mount(self) -> None:
        """Paint first, then connect and follow the engine."""
        key = self._surroundings.keymap.key
        views = tuple((view, key(f"view_{view}"), title) for view, title in VIEWS)
        self._header.change(views=views, view=self._view)
        self._notice("Connecting…")
        self.show_place()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.desk.bridge.start()
        self.run_worker(self._greet(), group="greeting")
        self.run_worker(self._watch.run(), group="watch")
        self.run_worker(self.syncing.follow(), group="sync")
        self.connect(self._way)

    def _is_looked_at(self) -> bool:
        return self.app.app_focus and self.app.screen is self and self._view == "objects"

    async def on_unmount(self) -> None:
        """Leave the engine and the connection; what moves goes on in the worker."""
        self.places.leave()
        self.finding.cancel()
        self.usage.cancel()
        await self.syncing.leave()
        await self.desk.bridge.stop()
        if self.desk.is_connected:
            await self.desk.session.close()

    @property
    def bucket(self) -> str:
        """Name of the open bucket; empty where none is."""
        return self.desk.place.bucket

    def show_place(self) -> None:
        """Show what is known of the place in header, path and key line."""
        desk = self.desk
        place = desk.place
        bucket = display_name(desk.session.alias(place.bucket)) if place.bucket else ""
        ability = place.access.ability
        kind = "local store" if self._way.connection.is_local else "emulator" if self._way.connection.endpoint else ""
        known = ability if ability != "unknown" else ""
        self._header.change(
            bucket=bucket,
            view="objects" if self._view == "find" else self._view,
            where=display_name(place.settings.location) if place.settings else "",
            ability=desk.symbols.say(" · ".join(part for part in (kind, known) if part)),
            warn=ability in ("read only", "no access", "write only") or bool(self._way.connection.endpoint),
        )
        path = self._path
        path.bucket = place.bucket
        path.prefix = self.usage_panel.prefix if self._view == "usage" else place.prefix
        self.show_marked()

    @property
    def context(self) -> Context:
        """What decides which commands apply now."""
        tree, rows, place = self.object_tree, self.desk.rows, self.desk.place
        entry = rows.cursor_entry
        return Context(
            view=self._view,
            bucket=bool(place.bucket),
            missing=self._is_missing,
            cursor=entry.kind if entry else "",
            marked=rows.marked_totals.entries,
            rows=rows.row_total() if entry else 0,
            deeper=bool(place.prefix),
            filtering=bool(tree.filter_text),
            refused=refused(place.access),
            verbs=self._panel.cursor_verbs,
            pair_verbs=self.sync_panel.cursor_verbs,
            held=self.moving.held is not None,
            undoable=self.undo.possible,
            past=self.past.shown,
            done=self.desk.last_job is not None,
            counting=self.usage.counting,
            share=self.usage_panel.cursor_kind,
            greeting=bool(self._greeting.display),
        )

    def show_marked(self) -> None:
        """Show what is marked, or else that deleted objects are shown, and the keys that apply."""
        totals = self.desk.rows.marked_totals
        size = f" · {formats.size(totals.bytes)}" if totals.objects else ""
        unmarked = "deleted and older ones shown" if self.past.shown and self._view != "find" else ""
        self._path.marked = f"{totals.entries:,} marked{size}" if totals.entries else unmarked
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys that apply now; those that these credentials cannot use here are greyed out."""
        here = self.context
        commands = self._surroundings.keymap.commands
        self._keys.hints = tuple(
            KeyHint(shown_key(entry.keys[0]), entry.label, entry.id, entry.short, bool(refusal(entry.id, here.refused)))
            for entry in key_line(here, commands)
        )

    # Views

    def show_view(self, view: View) -> None:
        """Show a view."""
        self._view = view
        switcher = self._switcher
        nothing = (view in ("objects", "usage") and not self.desk.place.bucket) or (
            view == "objects" and self._is_refused
        )
        switcher.current = "notice" if nothing else view
        self.desk.rows = self.find_panel.finds if view == "find" else self.object_tree
        keys_to: dict[View, Widget | None] = {
            "objects": self.object_tree,
            "find": self.find_panel.line,
            "settings": self.settings_pane.first_row,
            "transfers": self._panel,
            "sync": self.sync_panel,
            "usage": self.usage_panel.rows,
        }
        widget = keys_to[view]
        if widget is not None:
            self.set_focus(widget)  # at once: the next key is for this view, and may have come already
        else:
            self.settings_pane.focus()
        if view == "usage":
            self.usage.shown()
        self.show_place()

    def do_view_objects(self) -> None:
        """Show the objects."""
        self.show_view("objects")

    def do_view_settings(self) -> None:
        """Show the settings."""
        self.show_view("settings")

    def do_view_transfers(self) -> None:
        """Show the transfers."""
        self.show_view("transfers")

    # Commands

    @classmethod
    def handles(cls, identifier: str) -> bool:
        """Tell whether there is a handler for a command."""
        return any(hasattr(owner, f"do_{identifier}") for owner in (cls, *ACTORS))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a key through only where its command applies."""
        if action == "command" and parameters:
            return command(str(parameters[0])).applies(self.context)
        return super().check_action(action, parameters)

    def action_command(self, identifier: str) -> None:
        """Run a command of the registry."""
        entry = command(identifier)
        if not self.may(identifier):
            return
        if entry.owner != "screen":
            # What the tree does with its rows, the finds do as well while they stand in its place.
            finds = entry.owner == "tree" and self._view == "find"
            widget = self.find_panel.finds if finds else self.query_one(WIDGETS[entry.owner])
            widget.focus()
            self.run_worker(widget.run_action(entry.action or entry.id))
            return
        for owner in (self, *self.actors):
            handler = getattr(owner, f"do_{identifier}", None)
            if handler is not None:
                if identifier in TYPED_INTO:
                    self._surroundings.typing.hold()
                work = handler()
                if work is not None:  # else it is done: only what may wait is a coroutine
                    self.attempt(work)
                return

    def may(self, identifier: str) -> bool:
        """Tell whether these credentials may run a command here, and say why where they may not."""
        why = refusal(identifier, self.context.refused)
        if why:
            self.desk.tell(f"{command(identifier).label} {why}.\nAsk the owner of the bucket for it.", bad=True)
        return not why

    def attempt(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that may ask, wait and fail; what fails is told."""
        self.run_worker(self._attempt(work), group="commands")

    async def _released(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something, and let the keys go that were held for the line which it opened."""
        try:
            await work
        finally:
            # After what the command has asked the app to do: a focus is set by a message, too.
            self.app.call_later(self._surroundings.typing.release)

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await self._released(work)
        except PailError as error:
            self.desk.tell_error(error)
        except GivenUp:
            return

    async def do_up(self) -> None:
        """Go up one folder."""
        self.places.go_up()

    async def do_refresh(self) -> None:
        """List and read again."""
        if self.desk.place.bucket:
            self.places.refresh()
        else:
            self.connect(self._way)

    async def do_details(self) -> None:
        """Show or hide the details."""
        wanted = not self._details_shown
        self._show_details(wanted)
        if not self.object_tree.display:
            self._details.focus()
        elif not wanted:
            self.object_tree.focus()

    async def do_mark_invert(self) -> None:
        """Invert the marks."""
        self.desk.rows.invert_marks()

    async def _complete_details(self) -> None:
        """Show what a listing does not tell of the cursor's object, or of those that are marked."""
        await show_more(self.desk, self._details)


WIDGETS: Final[dict[str, type[Widget]]] = {
    "tree": ObjectTree,
    "finds": FindPanel,
    "facts": SettingsPane,
    "transfers": TransfersPanel,
    "sync": SyncPanel,
    "usage": UsagePanel,
}
"""Widgets that bind commands themselves."""

ACTORS: Final = (
    ObjectActions,
    MovingActions,
    PastActions,
    UndoActions,
    BucketActions,
    JobActions,
    SettingsActions,
    EditActions,
    OutsideActions,
    ProgramActions,
    FindActions,
    SyncActions,
    UsageActions,
    LinkActions,
)
"""Classes that have handlers besides the screen."""

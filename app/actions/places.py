"""Moving about: opening buckets and folders, feeding the tree with listings, keeping it true while objects change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.actions.own_changes import Changes, put_in, single_changes
from app.browser import Browser, holders
from app.desk import Desk, Place
from app.permissions import refusal, refused
from services.access import Access
from services.errors import PailError
from services.names import is_gs_url, parent_prefix, parse_gs_url
from services.transfer.messages import TransferView
from widgets.object_rows import Entry
from widgets.object_tree import ObjectTree
from widgets.settings_pane import SettingsPane


class PlaceActions:
    """Keeps the open bucket, its prefix, and what the screen knows of it."""

    def __init__(self, desk: Desk, changed: Callable[[], None], refused: Callable[[PailError], None]) -> None:
        """Work on `desk`; `changed` is called whenever what is known of the place has changed.

        `refused` is called where nothing of it can be shown.
        """
        self._desk = desk
        self._show = changed
        self._refused = refused

    @property
    def _tree(self) -> ObjectTree:
        return self._desk.tree

    # Opening

    def open_bucket(self, bucket: str, prefix: str = "") -> None:
        """Show a bucket from a prefix on; what is asked of the network comes later."""
        desk = self._desk
        self.leave()
        desk.place = Place(bucket, prefix)
        desk.visit(bucket, prefix)
        desk.browser = Browser(desk.session.storage.data, bucket, self._tree, failed=self._listing_failed)
        tree = self._tree
        tree.clear_marks()
        tree.filter_text = ""
        desk.settings.show_problem(bucket, "reading…", "")
        tree.show(prefix)
        self._show()
        desk.screen.run_worker(self._learn(desk.place), group="learn", exclusive=True)

    def leave(self) -> None:
        """Stop listing what was shown."""
        if self._desk.browser is not None:
            self._desk.browser.leave()
            self._desk.browser = None

    async def _learn(self, place: Place) -> None:
        """Read what may be done with the bucket and how it is set up; a refusal is an answer too."""
        session = self._desk.session
        try:
            place.access = await session.access(place.bucket)
        except PailError as error:
            place.access = Access("unknown", error.message)
        else:
            await self._remember(place.bucket)
        self._show()
        try:
            place.settings = await session.storage.control.get_bucket(place.bucket)
        except PailError as error:
            if place is self._desk.place:
                attached = session.is_attached(place.bucket)
                self._pane.show_problem(place.bucket, error.message, error.remedy, attached=attached)
        else:
            self.show_settings()
        self._show()
        await self._learn_namespace(place)

    async def _learn_namespace(self, place: Place) -> None:
        """Have empty folders listed too where they are real ones."""
        session, browser = self._desk.session, self._desk.browser
        if place.settings is not None:
            hierarchical = place.settings.hierarchical_namespace
        else:
            try:
                hierarchical = await session.storage.control.is_hierarchical(place.bucket)
            except PailError:  # nothing is lost but empty folders, and what is refused is told elsewhere
                return
        if hierarchical and browser is not None and place is self._desk.place and not browser.hierarchical:
            browser.hierarchical = True
            self._tree.refresh_folder()

    async def _remember(self, bucket: str) -> None:
        try:
            await self._desk.session.select(bucket)
        except PailError as error:  # a full disk is no reason not to browse
            self._desk.tell_error(error)

    @property
    def _pane(self) -> SettingsPane:
        return self._desk.settings

    def show_settings(self) -> None:
        """Show the settings of the open bucket, as far as they are known."""
        place = self._desk.place
        if place.settings is not None:
            attached = self._desk.session.is_attached(place.bucket)
            here = refused(place.access)
            self._pane.show_bucket(
                place.settings,
                attached=attached,
                editable=True,
                zone=self._desk.surroundings.zone,
                no_change=refusal("change", here),
                no_delete=refusal("delete_bucket", here),
            )

    def go(self, prefix: str, *, focus_on: Entry | None = None) -> None:
        """Show another prefix of the same bucket, with the cursor on `focus_on` once that is listed."""
        desk = self._desk
        if not desk.place.bucket:
            return
        desk.place.prefix = prefix
        desk.visit(desk.place.bucket, prefix)
        if desk.browser is not None:
            desk.browser.leave()
        self._tree.show(prefix, focus_on=focus_on)
        self._show()

    def go_up(self) -> None:
        """Show the folder around the one that is shown, with the cursor on the latter."""
        prefix = self._desk.place.prefix
        if prefix:
            self.go(parent_prefix(prefix), focus_on=Entry("folder", prefix))

    def refresh(self) -> None:
        """List everything that is open again, and read the bucket again."""
        if self._desk.place.bucket:
            self._tree.refresh_folder()
            self._desk.screen.run_worker(self._learn(self._desk.place), group="learn", exclusive=True)

    # Listings

    def list(self, message: ObjectTree.Wanted) -> None:
        """List a folder that the tree asks for."""
        if self._desk.browser is not None:
            self._desk.browser.list(message.prefix, message.ticket)

    def _listing_failed(self, prefix: str, error: PailError) -> None:
        if prefix == self._desk.place.prefix and self._tree.cursor_entry is None:
            self._refused(error)

    def touched(self, transfers: tuple[TransferView, ...]) -> None:
        """Show what the engine has changed, as far as it is on the screen: in place where that is a few objects."""
        browser, bucket = self._desk.browser, self._desk.place.bucket
        changes = None if browser is None or browser.with_past else single_changes(bucket, transfers)
        if changes is None:
            self._list_touched(transfers)
            return
        for prefix, change in changes.items():
            self._desk.screen.run_worker(self._put_in(bucket, prefix, change), group="own changes")

    async def _put_in(self, bucket: str, prefix: str, change: Changes) -> None:
        data, browser = self._desk.session.storage.data, self._desk.browser
        try:
            shown = await put_in(self._tree, data, bucket, prefix, change)
        except PailError:  # the listing says what is wrong
            shown = False
        if not shown and browser is self._desk.browser:
            self.changed(bucket, [*change.written, *change.gone])

    def _list_touched(self, transfers: tuple[TransferView, ...]) -> None:
        # Thousands come at once: what they have in common is their folders.
        touched = {url[: url.rfind("/") + 1] for transfer in transfers for url in _changed_urls(transfer)}
        urls = [parse_gs_url(url) for url in touched]
        bucket = self._desk.place.bucket
        self.changed(bucket, (url.name for url in urls if url.bucket == bucket))

    def changed(self, bucket: str, names: Iterable[str]) -> None:
        """List again the folders that hold objects which were changed, as far as they are on the screen."""
        browser = self._desk.browser
        if browser is None or browser.bucket != bucket:
            return
        prefixes: set[str] = set()
        for name in names:
            prefixes |= holders(name)
        for prefix in prefixes:
            if self._tree.is_listed(prefix):
                browser.touch(prefix, self._list_again)

    def _list_again(self, prefix: str) -> None:
        self._tree.refresh_folder(prefix)


def _changed_urls(transfer: TransferView) -> list[str]:
    """Return the URLs of objects that a transfer has written or removed."""
    urls = {transfer.target}
    if transfer.action in ("move", "delete", "move-folder", "delete-folder"):
        urls.add(transfer.source)
    return [url for url in urls if is_gs_url(url)]

"""What the main screen is connected to: a way into storage, a bucket that is open, or why there is none."""

from __future__ import annotations

from app.actions.finding import FindActions
from app.actions.moving import MovingActions
from app.actions.places import PlaceActions
from app.actions.usage import UsageActions
from app.context import Context, View
from app.desk import Desk, Place
from app.permissions import refusal
from app.screens.connect import ConnectScreen, WayIn
from app.screens.layout import MainLayout
from app.surroundings import Surroundings
from services.connection import ConnectionOptions
from services.errors import BucketNotFound, Forbidden, PailError
from services.names import parse_gs_url


class MainConnection(MainLayout):
    """The part of the main screen that opens connections and buckets, and leaves them."""

    desk: Desk
    """What the actions share."""
    places: PlaceActions
    """Keeps the open bucket."""
    finding: FindActions
    """Searches, which end with the bucket."""
    usage: UsageActions
    """Counts, which end with the bucket."""
    moving: MovingActions
    """What was copied or cut, which another connection does not know."""

    def __init__(self, way: WayIn, options: ConnectionOptions, surroundings: Surroundings) -> None:
        """Make the screen of a way in, which is not taken yet."""
        super().__init__(surroundings)
        self._way = way
        self._options = options
        self._view: View = "objects"

    @property
    def context(self) -> Context:
        """What decides which commands apply now."""
        raise NotImplementedError

    def show_place(self) -> None:
        """Show what is known of the place."""
        raise NotImplementedError

    def show_view(self, view: View) -> None:
        """Show a view."""
        raise NotImplementedError

    # Connection

    def connect(self, way: WayIn) -> None:
        """Open a connection and the first bucket in it; an older connection is closed."""
        self._way = way
        self.run_worker(self._connect(way), exclusive=True, group="connect")

    async def _connect(self, way: WayIn) -> None:
        desk = self.desk
        self._leave_bucket()
        try:
            session = await self._surroundings.open_session(way.connection, self._options.workspace)
            old = desk.session if desk.is_connected else None
            desk.session = session
            if old is not None:
                self.moving.forget()
                await old.close()
            url = parse_gs_url(way.start_url) if way.start_url else None
            bucket = url.bucket if url else await session.first_bucket()
        except PailError as error:
            key = self._surroundings.keymap.key
            keys = f"{key('refresh')} tries again · {key('buckets')} chooses another connection · {key('quit')} quits"
            self._notice(f"! {error.message}\n{error.remedy}\n\n{keys}")
            return
        for problem in session.problems:
            desk.tell(problem, bad=True)
        if bucket:
            self._open_bucket(bucket, url.name if url else "")
        else:
            self._no_bucket()

    def _switch_connection(self) -> None:
        def chosen(way: WayIn | None) -> None:
            if way is not None:
                self.connect(way)

        present, keymap = self._way.connection, self._surroundings.keymap
        self.app.push_screen(ConnectScreen(self._options, climb=False, present=present, keymap=keymap), chosen)

    def _no_bucket(self) -> None:
        notice = self.desk.session.notice
        key = self._surroundings.keymap.key
        words = f"No bucket is open.\n\n{key('buckets')} chooses, creates or adds one · {key('help')} help"
        self._notice(f"{words}\n\n{notice}" if notice else words)
        self.show_place()

    # Places

    def _open_bucket(self, bucket: str, prefix: str = "") -> None:
        self._clear_filter()
        self.finding.leave()
        self.usage.leave()
        self.places.open_bucket(bucket, prefix)
        self.show_view("objects")
        self.object_tree.focus()

    def _leave_bucket(self) -> None:
        self.finding.leave()
        self.usage.leave()
        self.places.leave()
        self.desk.place = Place()

    def _left_bucket(self, bucket: str) -> None:
        if self.desk.place.bucket == bucket:
            self._leave_bucket()
            self._no_bucket()

    def _refused(self, error: PailError) -> None:
        """Show why nothing of the open place can be shown, and what can be done."""
        key = self._surroundings.keymap.key
        keys = f"{key('refresh')} tries again · {key('buckets')} chooses another bucket"
        if self.desk.place.prefix:
            keys += f" · {key('up')} goes up"
        text = f"! {error.message}\n{error.remedy}".strip()
        if isinstance(error, Forbidden) and not refusal("upload", self.context.refused):
            keys += f"\n{key('upload')} uploads all the same, where that is allowed"
        self._notice_text.update(f"{text}\n\n{keys}")
        self._is_refused = True
        self._is_missing = isinstance(error, BucketNotFound)
        self.show_keys()
        if self._view == "objects":
            self._switcher.current = "notice"

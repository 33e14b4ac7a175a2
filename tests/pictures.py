"""Makes the pictures of the README: `python -m tests.pictures`; the same bytes each time, on every machine.

The screens are the real ones; storage, engine, clock and zone are written down here.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch

from textual.pilot import Pilot

from app.app import PailApp
from app.bridge import Connect
from app.session import Session
from app.surroundings import Surroundings
from app.themes import LIGHT
from services.connection import Connection
from services.credentials import ConnectionOptions
from services.gcs.interface import ListQuery, Storage
from services.model import (
    BucketInfo,
    BucketPage,
    IamBinding,
    IamPolicy,
    ListPage,
    MultipartPage,
    MultipartUpload,
    ObjectInfo,
    ObjectRow,
)
from services.operations import OperationCounter
from services.permissions import ASKED, GET, LIST
from services.remembered import Kept, Remembered
from services.transfer.messages import EngineClient, Fact, Items, JobView, Snapshot, SnapshotQuery, TransferView
from services.workspace import AttachedBucket, Workspace
from tests.painted_pairs import HOME, PaintedPairs
from widgets.object_tree import ObjectTree
from widgets.symbols import UNICODE
from widgets.transfer_strip import TransferStrip

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
NOW = datetime(2026, 11, 22, 14, 8, tzinfo=UTC).timestamp()
BUCKET = "filevault-1"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
SIZE = (120, 36)

OBJECTS = {
    "backup/2026-11-21.tar.zst": (3_912_846_112, 1 * DAY, "application/zstd"),
    "images/logo.svg": (12_310, 9 * DAY, "image/svg+xml"),
    "images/team.jpg": (2_310_554, 3 * DAY, "image/jpeg"),
    "videos/2024/intro.mp4": (3_120_450, 2 * DAY, "video/mp4"),
    "videos/2024/outro.mp4": (3_498_120, 2 * DAY, "video/mp4"),
    "videos/2025/keynote.mov": (812_400_000, 6 * DAY, "video/quicktime"),
    "videos/notes [final].txt": (812, 3 * HOUR, "text/plain"),
    "videos/product_demo.mov": (41_618_004, 5 * MINUTE, "video/quicktime"),
    "videos/subtitles.vtt": (18_230, 40 * MINUTE, "text/vtt"),
    "videos/thumbs.zip": (1_204_330, 8 * DAY, "application/zip"),
    "readme.md": (4_211, 21 * DAY, "text/markdown"),
}


GONE = ("backup/2026-11-21.tar.zst", "videos/2025/keynote.mov")


def row_of(name: str) -> ObjectRow:
    size, age, kind = OBJECTS[name]
    generation = int((NOW - age) * 1_000_000) + size % 1_000_000
    return ObjectRow(name, size, NOW - age, generation, 1, "n03x6A==", kind, "STANDARD")


@dataclass
class PaintedStorage:
    """Storage that answers from `OBJECTS`."""

    @property
    def control(self) -> PaintedStorage:
        return self

    @property
    def data(self) -> PaintedStorage:
        return self

    @property
    def operations(self) -> OperationCounter:
        counter = OperationCounter()
        counter.add("objects.list", 1_204)
        counter.add("objects.get", 310)
        return counter

    async def list_multipart_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> MultipartPage:
        return MultipartPage([MultipartUpload("videos/raw/big.mov", "7", NOW - 40 * DAY, "STANDARD")], "")

    async def multipart_size(self, bucket: str, upload: MultipartUpload) -> int:
        return 212_000_000

    async def list_page(self, bucket: str, query: ListQuery, token: str = "") -> ListPage:
        if query.soft_deleted:
            return ListPage([row_of(name)._replace(deleted=NOW - DAY) for name in GONE], [], "")
        inside = [name for name in sorted(OBJECTS) if name.startswith(query.prefix) and name >= query.start_offset]
        inside = [name for name in inside if not query.end_offset or name < query.end_offset]
        if not query.delimiter:
            return ListPage([row_of(name) for name in inside], [], "")
        rest = {name: name[len(query.prefix) :] for name in inside}
        prefixes = sorted({query.prefix + tail.split("/")[0] + "/" for tail in rest.values() if "/" in tail})
        return ListPage([row_of(name) for name, tail in rest.items() if "/" not in tail], prefixes, "")

    async def stat(
        self, bucket: str, name: str, *, generation: int | None = None, soft_deleted: bool = False
    ) -> ObjectInfo:
        row = row_of(name)
        moment = datetime.fromtimestamp(row.updated, UTC).isoformat()
        resource = {
            "timeCreated": moment,
            "timeStorageClassUpdated": moment,
            "cacheControl": "public, max-age=3600",
            "md5Hash": "XUFAKrxLKna5cZ2REBfFkg==",
            "metageneration": "2",
            "componentCount": 0,
        }
        return ObjectInfo(
            bucket,
            name,
            row.size,
            row.generation,
            2,
            row.updated,
            row.updated,
            row.crc32c,
            "XUFAKrxLKna5cZ2REBfFkg==",
            row.content_type,
            "",
            row.storage_class,
            {"camera": "A7 IV", "team": "media"},
            resource,
        )

    async def list_buckets(self, *, token: str = "", prefix: str = "", soft_deleted: bool = False) -> BucketPage:
        if soft_deleted:
            gone = await self.get_bucket("old-logs")
            return BucketPage([gone._replace(generation=7, hard_delete=NOW + 6 * DAY + HOUR)], "")
        return BucketPage([await self.get_bucket(name) for name in ("acme-invoices", BUCKET)], "")

    async def get_bucket(self, bucket: str) -> BucketInfo:
        made = NOW - 265 * DAY
        return BucketInfo(
            bucket,
            "EU",
            "multi-region",
            "STANDARD",
            made,
            4,
            False,
            7 * DAY,
            True,
            "enforced",
            False,
            False,
            {"team": "media"},
        )

    async def get_policy(self, bucket: str) -> IamPolicy:
        return IamPolicy(
            "CAE=",
            (
                IamBinding("roles/storage.objectAdmin", ("group:media@example.com",)),
                IamBinding("roles/storage.objectViewer", ("user:ada@example.com", "user:grace@example.com")),
                IamBinding("roles/storage.legacyBucketOwner", ("projectOwner:acme",)),
                IamBinding("roles/storage.legacyBucketReader", ("projectViewer:acme",)),
            ),
        )

    async def test_permissions(self, bucket: str, permissions: list[str]) -> frozenset[str]:
        return frozenset({"acme-archive-eu": (), "site-assets-4f": (LIST, GET)}.get(bucket, ASKED))

    async def close(self) -> None:
        pass


class PaintedWorkspace:
    """A workspace with one bucket that has another name for people."""

    problems: list[str] = []  # noqa: RUF012
    label = "filevault"
    folder = None

    def attached(self, connection: Connection) -> tuple[AttachedBucket, ...]:
        others = AttachedBucket("site-assets-4f", "Site assets"), AttachedBucket("acme-archive-eu", "Archive")
        return (AttachedBucket(BUCKET, "FileVault Bucket 1"), *others)

    def current(self, connection: Connection) -> str:
        return BUCKET

    def recent(self, connection: Connection) -> tuple[str, ...]:
        return ("acme-press",)

    def select(self, connection: Connection, name: str) -> None:
        pass


def transfer(number: int, state: str, name: str, done: int, size: int, rate: float = 0.0, reason: str = "") -> Any:
    eta = (size - done) / rate if rate else None
    return TransferView(
        f"7.{number}",
        "7",
        "upload",
        f"/home/ada/dist/{name}",
        f"gs://{BUCKET}/videos/raw/{name}",
        cast("Any", state),
        done,
        size,
        rate,
        eta,
        reason=reason,
        remedy="R tries again" if reason else "",
    )


SNAPSHOT = Snapshot(
    jobs=(
        JobView(
            "6",
            "download",
            f"gs://{BUCKET}/backup/",
            "/home/ada/backup",
            "done",
            8_112,
            8_112,
            bytes=31_240_000_000,
            size=31_240_000_000,
            planned=True,
            created=NOW - 15 * MINUTE,
            finished=NOW - MINUTE,
        ),
        JobView(
            "7",
            "upload",
            "/home/ada/dist",
            f"gs://{BUCKET}/videos/raw/",
            "running",
            1_204,
            412,
            1,
            bytes=742_000_000,
            size=1_204_000_000,
            planned=True,
            rate=38_400_000.0,
            eta_s=12.0,
            created=NOW - 20,
            goodput=(9, 14, 22, 30, 36, 39),
        ),
        JobView(
            "8",
            "upload",
            "/home/ada/big.iso",
            f"gs://{BUCKET}/big.iso",
            "paused",
            1,
            bytes=2_440_000_000,
            size=4_000_000_000,
            planned=True,
            created=NOW - HOUR,
        ),
    ),
    transfers=(
        transfer(413, "running", "intro.mp4", 2_100_000, 3_120_450, 9_100_000.0),
        transfer(414, "running", "keynote.mov", 301_000_000, 812_400_000, 29_300_000.0),
        transfer(9, "failed", "notes.txt", 0, 1_204, reason="permission denied: needs storage.objects.create"),
        transfer(415, "queued", "outro.mp4", 0, 3_498_120),
    ),
    total=1_204,
    running=2,
    rate=38_400_000.0,
)


class PaintedEngine:
    """An engine that stands still in the middle of its work."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    async def snapshot(self, query: SnapshotQuery | None = None) -> Snapshot:
        return self._snapshot

    async def facts(self, *, items: Items = False) -> AsyncIterator[Fact]:
        await asyncio.Event().wait()
        yield cast("Fact", None)

    async def close(self) -> None:
        pass


class Forgetful(Remembered):
    """Remembers nothing and touches no disk."""

    async def _load(self) -> Kept:
        return Kept(greeted="yes")


def surroundings(snapshot: Snapshot, *, calm: bool) -> Surroundings:
    async def open_session(connection: Connection, _: str | None) -> Session:
        storage, workspace = cast("Storage", PaintedStorage()), cast("Workspace", PaintedWorkspace())
        return Session(connection, storage, workspace)

    async def connect() -> EngineClient:
        return cast("EngineClient", PaintedEngine(snapshot))

    async def open_pairs(_session: Session) -> PaintedPairs:
        return PaintedPairs(NOW, calm=calm)

    return Surroundings(
        cast("Connect", connect),
        open_session,
        open_pairs=open_pairs,
        home=HOME,
        remembered=Forgetful(),
        symbols=UNICODE,
        now=lambda: NOW,
        zone=UTC,
    )


@asynccontextmanager
async def screen(
    *, light: bool = False, snapshot: Snapshot = SNAPSHOT, calm: bool = True
) -> AsyncIterator[tuple[PailApp, Pilot[int]]]:
    options = ConnectionOptions(anonymous=True, project="acme")
    app = PailApp(options, f"gs://{BUCKET}/videos/", surroundings(snapshot, calm=calm))
    async with app.run_test(size=SIZE) as pilot:
        if light:
            app.theme = LIGHT.name

        def ready() -> bool:
            trees = app.screen.query(ObjectTree)
            rows = bool(trees) and trees.first().row_total() > 4 and "read/write" in text_of(app)
            return rows and bool(app.screen.query_one(TransferStrip).sync.text)

        await until(pilot, ready)
        yield app, pilot


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause(0.01)
    await pilot.pause()


def text_of(app: PailApp) -> str:
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


async def main_screen(*, light: bool) -> str:
    async with screen(light=light) as (app, pilot):
        await pilot.press("right", *(["down"] * 5))
        await until(pilot, lambda: complete(app, "product_demo.mov") and "moving" in text_of(app))
        return picture(app)


def complete(app: PailApp, name: str) -> bool:
    """Tell whether the details show all of an object."""
    text = text_of(app)
    return text.count(name) > 1 and "camera" in text


async def selector() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("b", "down", "down")
        await until(pilot, lambda: "no access: nothing" in text_of(app) and "6 days" in text_of(app))
        await until(pilot, lambda: text_of(app).count("read/write") >= 4)
        return picture(app)


async def transfers() -> str:
    async with screen() as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: "permission denied" in text_of(app))
        return picture(app)


async def sync_view() -> str:
    async with screen(calm=False) as (app, pilot):
        await pilot.press("4")
        await until(pilot, lambda: "watching" in text_of(app) and "moving" in text_of(app))
        return picture(app)


async def sync_plan() -> str:
    async with screen(calm=False) as (app, pilot):
        await pilot.press("4")
        await until(pilot, lambda: "halted" in text_of(app) and "moving" in text_of(app))
        while "Plan" not in text_of(app):
            await pilot.press("down")
        await pilot.press("enter")
        await until(pilot, lambda: "ticked" in text_of(app))
        return picture(app)


async def search() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("ctrl+f", *"*o* >10K", "enter", "down", "space")
        await until(pilot, lambda: "found" in text_of(app) and "1 marked" in text_of(app))
        return picture(app)


async def usage() -> str:
    with TemporaryDirectory() as folder, patch.dict(os.environ, XDG_CACHE_HOME=folder):  # no older count is shown
        return await counted_usage()


async def counted_usage() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("5")
        await until(pilot, lambda: "counted just now" in text_of(app))
        return picture(app)


async def delete_dialog() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("right", "down", "space", "space")
        await until(pilot, lambda: "All have" in text_of(app))
        await pilot.press("X")
        await until(pilot, lambda: "They can be restored until" in text_of(app))
        return picture(app)


async def settings_view(*, light: bool = False) -> str:
    async with screen(light=light, snapshot=Snapshot()) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "Soft delete" in text_of(app) and "enter add a rule" in text_of(app))
        await pilot.press(*["down"] * 4)
        return picture(app)


async def access_dialog() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("A")
        await until(pilot, lambda: "grace@example.com" in text_of(app) and "n gives a role" in text_of(app))
        return picture(app)


async def palette() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("colon", *"to")
        await until(pilot, lambda: "Move to" in text_of(app) and "Copy to" in text_of(app))
        return picture(app)


async def jump() -> str:
    async with screen(snapshot=Snapshot()) as (app, pilot):
        await pilot.press("right", "i", "semicolon")
        await until(pilot, lambda: "A letter goes there" in text_of(app))
        return picture(app)


def picture(app: PailApp) -> str:
    """Return the screen as SVG, with ids that do not depend on anything but what is drawn."""
    text = re.sub(r"terminal-\d+", "pail", app.export_screenshot(title="pail"))
    # Without it, what is not a browser swallows the blanks at the ends of a text, and stretches the rest over them.
    return text.replace("<text ", '<text xml:space="preserve" ')


async def pictures() -> dict[str, str]:
    """Return all pictures by their file names."""
    return {
        "main-dark.svg": await main_screen(light=False),
        "main-light.svg": await main_screen(light=True),
        "selector.svg": await selector(),
        "transfers.svg": await transfers(),
        "sync.svg": await sync_view(),
        "sync-plan.svg": await sync_plan(),
        "search.svg": await search(),
        "usage.svg": await usage(),
        "delete.svg": await delete_dialog(),
        "settings-light.svg": await settings_view(light=True),
        "access.svg": await access_dialog(),
        "palette.svg": await palette(),
        "jump.svg": await jump(),
    }


def write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in asyncio.run(pictures()).items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()

"""The screen over a real embedded store and a real engine, driven by keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from app.app import PailApp
from app.line import WIDE, LineMode
from app.screens.main import MainScreen
from app.surroundings import Surroundings
from services import checksum
from services.config import parse
from services.connection import Connection, ConnectionOptions
from services.gcs.interface import ANY, ListQuery, Storage
from services.gcs.open import open_storage
from services.localstore.server import StoreServer
from services.model import BucketSpec, WriteAttributes
from services.remembered import Remembered
from services.transfer.inprocess import open_engine
from services.transfer.messages import EngineClient
from widgets.object_tree import ObjectTree
from widgets.symbols import UNICODE, Symbols

BUCKET = "flow-bucket"
URL = f"gs://{BUCKET}"


class NotThereYet(AssertionError):
    """The main screen is not shown: it is imported after the first paint."""


async def eventually(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
    """Wait until `condition` is true and return what it returned."""
    async with asyncio.timeout(limit_s):
        while True:
            try:
                found = condition()
                if isinstance(found, Awaitable):
                    found = await found
                if found:
                    return found
            except NotThereYet:
                pass
            await asyncio.sleep(0.01)


@dataclass
class Desk:
    """A running screen, the store behind it, and ways to look at both."""

    app: PailApp
    pilot: Pilot[int]
    storage: Storage
    home: Path

    @property
    def main(self) -> MainScreen:
        for screen in self.app.screen_stack:
            if isinstance(screen, MainScreen) and screen.query(ObjectTree):
                return screen
        raise NotThereYet("the main screen is not there")

    @property
    def tree(self) -> ObjectTree:
        return self.main.query_one(ObjectTree)

    def rows(self) -> list[str]:
        """Return the names of the rows of the tree."""
        model = self.tree._model
        entries = [model.entry_at(row) for row in range(len(model.rows))]
        return [entry.name for entry in entries if entry is not None]

    def text(self) -> str:
        """Return what stands on the screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line) for line in lines)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if char == " " else char for char in text))

    async def see(self, *texts: str) -> None:
        """Wait until all of `texts` stand on the screen."""
        try:
            await eventually(lambda: all(text in self.text() for text in texts))
        except TimeoutError:
            raise AssertionError(f"{texts} not on the screen:\n{self.text()}") from None

    async def told(self, text: str) -> None:
        """Wait until a notification says `text`."""
        try:
            await eventually(lambda: any(text in note for note in self.notes()))
        except TimeoutError:
            raise AssertionError(f"{text!r} not told: {self.notes()}\n{self.text()}") from None

    async def gone(self, text: str) -> None:
        """Wait until `text` stands no longer on the screen."""
        try:
            await eventually(lambda: text not in self.text())
        except TimeoutError:
            raise AssertionError(f"{text!r} still on the screen:\n{self.text()}") from None

    async def put(self, name: str, data: bytes = b"data", bucket: str = BUCKET) -> None:
        attributes = WriteAttributes("text/plain")
        crc = checksum.of(data)
        await self.storage.data.insert(bucket, name, data, attributes=attributes, crc32c=crc, precondition=ANY)

    async def names(self, bucket: str = BUCKET) -> list[str]:
        page = await self.storage.data.list_page(bucket, ListQuery())
        return [row.name for row in page.objects]

    async def read(self, name: str, bucket: str = BUCKET) -> bytes:
        async with self.storage.data.read(bucket, name) as body:
            return b"".join([part async for part in body])

    def notes(self) -> list[str]:
        """Return the texts of all notifications."""
        return [note.message for note in self.app._notifications]


OpenDesk = Callable[..., Any]


@pytest.fixture
async def storage(store: StoreServer) -> AsyncIterator[Storage]:
    async with await open_storage(Connection(endpoint=store.endpoint, project="flows")) as opened:
        await opened.control.create_bucket(BucketSpec(BUCKET, "EU"))
        yield opened


@pytest.fixture
def desk(store: StoreServer, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenDesk:
    """Open the screen: `async with desk(URL, size=(80, 24), objects={"a": b""}) as d`; `settings` is a config.toml."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("STATE", "CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.chdir(home)
    state = tmp_path / "state" / "pail"

    async def connect() -> EngineClient:
        return await open_engine(state)

    @asynccontextmanager
    async def opened(
        url: str = URL,
        *,
        size: tuple[int, int] = (100, 30),
        options: ConnectionOptions | None = None,
        objects: dict[str, bytes] | None = None,
        symbols: Symbols = UNICODE,
        look_s: float = 5.0,
        settings: str = "",
        newcomer: bool = False,
        line: LineMode = WIDE,
    ) -> AsyncIterator[Desk]:
        if not newcomer:
            await Remembered(state).set_greeted()
        surroundings = Surroundings.of(parse(settings.encode(), Path("config.toml")))
        app = PailApp(
            options or ConnectionOptions(endpoint=store.endpoint, project="flows"),
            url,
            replace(
                surroundings, connect=connect, remembered=Remembered(state), symbols=symbols, look_s=look_s, line=line
            ),
        )
        for name, data in (objects or {}).items():
            await Desk.put(Desk(app, None, storage, home), name, data)  # type: ignore[arg-type]
        async with app.run_test(size=size) as pilot:
            if options is None:  # it finds its way by itself
                await eventually(lambda: bool(Desk(app, pilot, storage, home).main))
            yield Desk(app, pilot, storage, home)

    return opened

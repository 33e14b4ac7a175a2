"""The way in: the ladder, the store on this machine, other endpoints, key files, switching."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import App

from app.screens.connect import ConnectScreen, WayIn
from app.screens.dialog import Label
from services.connection import ConnectionOptions
from services.localstore.launcher import stop
from services.localstore.server import StoreServer
from tests.flows.conftest import BUCKET, OpenDesk, eventually


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "REPL_ID"):
        monkeypatch.delenv(name, raising=False)


async def test_the_ladder_names_what_was_tried_and_copies_the_remedy(desk: OpenDesk) -> None:
    async with desk("", options=ConnectionOptions()) as d:
        await d.see("Pail found no way into Google Cloud Storage yet", "nobody is logged in with gcloud")
        await d.press("c")
        await eventually(lambda: d.app.clipboard == "gcloud auth application-default login")
        await d.press("R")
        await d.see("Pail found no way")
        await d.press("q")
        await eventually(lambda: d.app.return_value == 0)


async def test_enter_leads_to_the_store_on_this_machine(desk: OpenDesk, tmp_path: Path) -> None:
    try:
        async with desk("", options=ConnectionOptions()) as d:
            await d.see("Work in a store on this machine")
            await d.press("enter")
            await d.see("No bucket is open", "local store")
            await d.press("b")
            await d.see("Create new bucket")
    finally:
        stop(tmp_path / "data" / "pail" / "store")


async def test_another_endpoint_is_asked_for_and_checked(desk: OpenDesk, store: StoreServer) -> None:
    async with desk("", options=ConnectionOptions(project="flows")) as d:
        await d.see("Other endpoint")
        await d.press("down", "down", "down", "enter")
        await d.see("Other endpoint", "JSON API; no")
        await d.type("http://user:secret@host")
        await d.press("enter")
        await d.see("has a user name in it")
        await d.press("ctrl+u")
        await d.type(store.endpoint)
        await d.press("enter")
        await d.see("This bucket is empty", "emulator")


async def test_a_key_file_that_is_none_is_said_in_the_dialog(desk: OpenDesk) -> None:
    async with desk("", options=ConnectionOptions()) as d:
        await d.see("Use a key file")
        await d.press("down", "enter")
        await d.see("it is read,")
        await d.type("/no/such/key.json")
        await d.press("enter")
        await d.see("does not exist")
        await d.press("escape")
        await d.see("Pail found no way")


async def test_the_connection_is_switched_from_the_selector(desk: OpenDesk, tmp_path: Path) -> None:
    try:
        async with desk() as d:
            await d.see("This bucket is empty", "emulator")
            await d.press("b")
            await d.see("Switch the connection")
            await d.type("switch")
            await d.press("down", "down", "enter")
            await d.see("Where to?", "esc goes back")
            await d.press("escape")
            await d.see(BUCKET)
            d.main.action_command("switch_connection")
            await d.see("Where to?")
            await d.press("enter")
            await d.see("No bucket is open", "local store")
    finally:
        stop(tmp_path / "data" / "pail" / "store")


async def test_another_project_is_used_with_the_same_connection(desk: OpenDesk) -> None:
    async with desk() as d:
        await d.see("This bucket is empty", "emulator")
        before = d.main._way.connection
        d.main.action_command("switch_connection")
        await d.see("Where to?", "Another project")
        await d.press("down", "down", "down", "down", "enter")
        await d.see("The ID of the project")
        await d.press("ctrl+u")
        await d.press("enter")
        await d.see("type a project's ID")
        await d.type("other-project")
        await d.press("enter")
        await eventually(lambda: d.main._way.connection == before._replace(project="other-project"))


async def test_while_the_rest_is_made_ready_a_way_that_was_found_is_called_found(store: StoreServer) -> None:
    ready = asyncio.Event()
    screen = ConnectScreen(ConnectionOptions(endpoint=store.endpoint), prepare=ready.wait)
    ways: list[WayIn | None] = []
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen, ways.append)
        await eventually(lambda: "Found a way in" in str(screen.query_one("#connect-heading", Label).content))
        ready.set()
        await eventually(lambda: ways)
        await pilot.pause()
    (way,) = ways
    assert way is not None
    assert way.connection.endpoint == store.endpoint

"""The race between the addresses of a name, on lazy and on eager event loops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.gcs.lean.race import connected_socket

HANGS = "192.0.2.1"
"""An address that no machine may have (RFC 5737)."""


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Listen on 127.0.0.1."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(params=["lazy", "eager"])
def tasks(request: pytest.FixtureRequest) -> str:
    """Name how tasks start; the screen's loop starts them eagerly where Python can."""
    if request.param == "eager" and not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("this Python starts no task eagerly")
    return str(request.param)


def use_names(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> list[str]:
    """Make every name mean `hosts`, of which `HANGS` never answers; returns those that were tried."""
    loop = asyncio.get_running_loop()
    tried: list[str] = []
    connect = loop.sock_connect

    async def find(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in hosts]

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        tried.append(address[0])
        if address[0] == HANGS:
            await asyncio.Event().wait()
        await connect(sock, address)

    monkeypatch.setattr(loop, "getaddrinfo", find)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    return tried


def start_tasks(how: str) -> None:
    if how == "eager":
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]


async def test_one_address_is_connected_to(port: int, tasks: str) -> None:
    start_tasks(tasks)
    with await connected_socket("127.0.0.1", port) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)


@pytest.mark.parametrize("first", [HANGS, "127.0.0.2"])
async def test_an_address_that_hangs_or_refuses_does_not_hold_up_the_next(
    port: int, tasks: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_tasks(tasks)
    tried = use_names(monkeypatch, first, "127.0.0.1")
    before = asyncio.all_tasks()
    with await connected_socket("a.example", port, delay_s=0.001) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)
    assert tried == [first, "127.0.0.1"]
    assert asyncio.all_tasks() == before


async def test_the_next_address_waits_for_its_turn(port: int, tasks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start_tasks(tasks)
    tried = use_names(monkeypatch, "127.0.0.1", HANGS)
    (await connected_socket("a.example", port, delay_s=3600)).close()
    assert tried == ["127.0.0.1"]


async def test_the_first_failure_is_told_when_all_fail(tasks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        use_names(monkeypatch, "127.0.0.1", "127.0.0.1")
        start_tasks(tasks)
        with pytest.raises(ConnectionRefusedError):
            await connected_socket("a.example", closed.getsockname()[1], delay_s=3600)


async def test_cancelling_ends_every_attempt(tasks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start_tasks(tasks)
    tried = use_names(monkeypatch, HANGS, HANGS)
    before = asyncio.all_tasks()
    race = asyncio.create_task(connected_socket("a.example", 80, delay_s=0.001))
    while len(tried) < 2:  # noqa: ASYNC110 - the loop is what is tested: nothing else tells
        await asyncio.sleep(0)
    race.cancel()
    with pytest.raises(asyncio.CancelledError):
        await race
    assert asyncio.all_tasks() == before


async def test_an_address_is_not_looked_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_names(monkeypatch, HANGS)
    with await connected_socket("127.0.0.1", port) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)


async def test_an_address_of_the_other_family_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = use_names(monkeypatch, HANGS)
    with pytest.raises(OSError, match=r"\[Errno"):
        await connected_socket("::1", 1)
    assert HANGS not in tried


async def test_a_name_is_looked_up_in_bytes(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_names(monkeypatch, "127.0.0.1")
    asked: list[object] = []
    find = asyncio.get_running_loop().getaddrinfo

    async def note(host: object, *words: Any, **named: Any) -> Any:
        asked.append(host)
        return await find(host, *words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", note)
    for name in ("storage.example", "bücher.example"):
        (await connected_socket(name, port)).close()
    assert asked == [b"storage.example", "bücher.example"]

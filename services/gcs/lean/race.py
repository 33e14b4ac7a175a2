"""Connecting to whichever address of a name answers first (RFC 8305)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Final

EYEBALLS_S: Final = 0.25
"""Seconds after which the next address of a name is tried beside the first (RFC 8305, section 5)."""

Address = tuple[int, int, int, str, Any]
"""Family, type, protocol, canonical name and address, as `getaddrinfo` has them."""


async def connected_socket(host: str, port: int, *, delay_s: float = EYEBALLS_S) -> socket.socket:
    """Return a socket that is connected to `host`, the addresses tried in turn, each `delay_s` after the last one.

    The event loop's own race (`happy_eyeballs_delay`) fails in every Python before 3.12.8 and 3.13.1 on a loop whose
    tasks start eagerly, and the screen's is one (python/cpython#124309).  Raises `OSError`: the first address's.
    """
    loop = asyncio.get_running_loop()
    waiting = deque(_interleaved(_literal(host, port) or await _looked_up(host, port)))
    running: list[asyncio.Task[socket.socket]] = []
    failures: list[OSError] = []
    try:
        while waiting or running:
            if waiting:
                running.append(loop.create_task(_connect(waiting.popleft())))
            await asyncio.wait(running, timeout=delay_s if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                running.remove(task)
                try:
                    return task.result()
                except OSError as error:
                    failures.append(error)
    finally:
        await _drop(running)
    raise failures[0]


def _literal(host: str, port: int) -> list[Address]:
    """Return the address that `host` is; nothing where it is a name, which a thread has to look up."""
    for family, where in ((socket.AF_INET, (host, port)), (socket.AF_INET6, (host, port, 0, 0))):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]
    return []


async def _looked_up(host: str, port: int) -> Sequence[Address]:
    # As bytes: of a `str` the socket module makes bytes by the rules of IDNA, which it loads 1 ms of code for.
    name = host.encode("ascii") if host.isascii() else host
    return await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)


def _interleaved(found: Sequence[Address]) -> list[Address]:
    """Return the addresses with the two families taking turns, the one that the system prefers first."""
    first = [address for address in found if address[0] == found[0][0]]
    other = [address for address in found if address[0] != found[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, other)) if address is not None]


async def _connect(address: Address) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _drop(running: list[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that lost, those that connected at the same moment too."""
    for task in running:
        task.cancel()
    for task in running:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            (await task).close()

"""One connection to the worker: calls and their answers, and the facts that come in between."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from services import __version__
from services.errors import Rejected, Unsafe
from services.transfer import codec
from services.transfer.messages import Fact
from services.worker import protocol

Tell = Callable[[Fact], None]
"""Gets each fact that the worker reports."""


class Gone(Exception):
    """The connection to the worker was lost, or there is none."""


class Link:
    """One connection: calls and their answers, and the facts that come in between."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tell: Tell, worker: dict[str, Any]
    ) -> None:
        self.worker = worker
        """What the worker said of itself."""
        self.lost = asyncio.Event()
        """Set once the connection has ended."""
        self._reader = reader
        self._writer = writer
        self._tell = tell
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._task = asyncio.create_task(self._receive())

    @classmethod
    async def open(cls, socket: Path, tell: Tell) -> Self:
        """Connect and greet; raises `Gone` where nobody answers, `Unsafe` where it is not a process of this user."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket)
        except OSError as error:
            raise Gone from error
        try:
            protocol.check_peer(writer)
            hello = {"pail": "client", "protocol": protocol.PROTOCOL, "version": __version__}
            async with asyncio.timeout(protocol.HANDSHAKE_S):
                writer.write(protocol.to_frame(hello))
                await writer.drain()
                answer = await protocol.read_frame(reader)
            if not isinstance(answer, dict) or answer.get("pail") != "worker":
                raise Unsafe(f"what answers at {socket} is not a worker", remedy="Remove the socket.")
        except (EOFError, OSError, TimeoutError) as error:
            writer.close()
            raise Gone from error
        except BaseException:
            writer.close()
            raise
        return cls(reader, writer, tell, answer)

    async def call(self, name: str, value: Any = None) -> Any:
        """Return the worker's answer; raises the `PailError` it sends, `Gone` where the connection is lost."""
        if self.lost.is_set():
            raise Gone
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(protocol.to_frame({"id": number, "call": name, "value": value}))
            await self._writer.drain()
            return await future
        except OSError as error:
            # A write may learn of the end before the reader does; whoever asks next must not get this link again.
            self.lost.set()
            raise Gone from error
        finally:
            self._waiting.pop(number, None)

    def tell(self, name: str, value: Any = None) -> None:
        """Send a call at once, without waiting for what comes of it."""
        with contextlib.suppress(OSError):
            self._writer.write(protocol.to_frame({"id": 0, "call": name, "value": value}))

    async def _receive(self) -> None:
        try:
            while True:
                self._take(await protocol.read_frame(self._reader))
        except (EOFError, Rejected):
            pass
        finally:
            self.lost.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone())
            self._writer.close()

    def _take(self, frame: Any) -> None:
        if "fact" in frame:
            self._tell(codec.from_plain(frame["fact"]))
            return
        future = self._waiting.get(frame.get("id"))
        if future is None or future.done():
            return
        if "error" in frame:
            future.set_exception(codec.error_from_plain(frame["error"]))
        else:
            future.set_result(frame.get("value"))

    async def close(self) -> None:
        """Leave."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

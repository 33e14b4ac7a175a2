"""One connection of the engine: what is in use stays open while credentials are renewed."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from services.connection import Connection
from services.gcs.interface import Storage
from services.transfer.line import Line
from services.transfer.options import Options


class Double:
    """Storage that knows whether it was closed."""

    def __init__(self) -> None:
        self.data = object()
        self.operations = SimpleNamespace(counts=lambda: SimpleNamespace(by_operation=Counter[str]()))
        self.closed = False

    async def close(self) -> None:
        self.closed = True


async def test_storage_that_somebody_was_given_stays_open_while_it_is_opened_anew() -> None:
    opened: list[Double] = []

    async def open_storage(_: Connection) -> Storage:
        opened.append(Double())
        return cast("Storage", opened[-1])

    line = Line(Connection(), Options(open_storage=open_storage), cast("Any", lambda *_: None))
    await line.data()
    await line._reopen()
    await line.storage()
    assert line.opened is opened[1].data
    await line._reopen()
    await line.storage()
    await line._reopen()
    assert [one.closed for one in opened] == [False, False, True], "the last one was only asked how the line is"
    await line.close()
    assert [one.closed for one in opened] == [True, True, True]

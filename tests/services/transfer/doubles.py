"""Storage that is the real one but for what a test changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services.connection import Connection
from services.gcs.interface import ControlPlane, DataPlane, Storage
from services.operations import OperationCounter
from services.transfer.options import OpenStorage
from tests.services.transfer.conftest import open_impatient


class Changed:
    """A data plane with some methods replaced: each gets the real one first, then the arguments of the call."""

    def __init__(self, real: DataPlane, methods: dict[str, Callable[..., Any]]) -> None:
        self._real = real
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in self._methods:
            return real
        method = self._methods[name]
        return lambda *arguments, **options: method(real, *arguments, **options)


class ChangedStorage:
    def __init__(self, real: Storage, methods: dict[str, Callable[..., Any]]) -> None:
        self._real = real
        self.data = Changed(real.data, methods)

    @property
    def control(self) -> ControlPlane:
        return self._real.control

    @property
    def operations(self) -> OperationCounter:
        return self._real.operations

    async def close(self) -> None:
        await self._real.close()


def changed(**methods: Callable[..., Any]) -> OpenStorage:
    """Return an opener of storage in which these methods of the data plane are replaced."""

    async def opener(connection: Connection) -> Storage:
        return ChangedStorage(await open_impatient(connection), methods)  # type: ignore[return-value]

    return opener


Method = Callable[..., Awaitable[Any]]

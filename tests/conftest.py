"""Fixtures that every part's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.localstore.server import StoreServer


@pytest.fixture
def store_factory(tmp_path: Path) -> Iterator[Callable[..., StoreServer]]:
    """Start embedded stores: `store_factory(faults=…, options=…, open_access=False)`, each in a folder of its own.

    `directory=` runs one on a folder that exists; all are stopped at the end of the test.
    """
    with ExitStack() as running:
        count = 0

        def start(directory: Path | None = None, **settings: Any) -> StoreServer:
            nonlocal count
            count += 1
            settings.setdefault("open_access", True)
            server = StoreServer(directory or tmp_path / f"store-{count}", **settings)
            return running.enter_context(server)

        yield start


@pytest.fixture
def store(store_factory: Callable[..., StoreServer]) -> StoreServer:
    """Return a running embedded store that asks for no token."""
    return store_factory()

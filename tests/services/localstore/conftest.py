"""Fixtures of the store's own tests."""

from __future__ import annotations

import pytest

from services.localstore.server import StoreServer
from tests.services.localstore.raw import Raw


@pytest.fixture
def raw(store: StoreServer) -> Raw:
    """Return a raw client of a store that has the bucket `bucket`."""
    client = Raw(store)
    client.make_bucket()
    return client

"""The data plane on the event loop keeps the contract."""

from __future__ import annotations

import pytest

from services.connection import Connection
from services.gcs.exchange import Limits
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from tests.services.gcs.contract import Connect, DataPlaneContract


class TestLeanData(DataPlaneContract):
    @pytest.fixture
    def connect(self) -> Connect:
        async def connect(endpoint: str, limits: Limits) -> Storage:
            return await open_storage(Connection(endpoint=endpoint), limits=limits, road="lean")

        return connect

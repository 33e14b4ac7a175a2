"""Reaching the worker from the screen."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.transfer.messages import EngineClient


async def connect_worker() -> EngineClient:
    """Return a client of this user's worker; one is started where work is unfinished, or once there is some.

    What it needs is imported in a thread, after the first paint.  Raises `PailError`.
    """
    module: Any = await asyncio.to_thread(importlib.import_module, "services.worker.client")
    client: EngineClient = await module.connect()
    return client

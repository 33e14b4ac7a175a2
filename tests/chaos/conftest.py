"""Engines over a store that is reached through the proxy."""

from __future__ import annotations

from tests.services.transfer.conftest import lab, open_lab

__all__ = ["lab", "open_lab"]

"""The ladder of credentials."""

from __future__ import annotations

from typing import Final

SIDECAR_URL: Final = "http://127.0.0.1:1106"
"""Where Replit's sidecar listens."""

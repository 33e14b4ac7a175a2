"""The engine of Pail: storage, transfers and the worker, without any screen."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # 10 ms for a process that does only one thing
    from typing import Final

__version__: Final = "0.1.0"
"""Version of the distribution, of the worker's handshake and of the User-Agent header."""

"""The worker's log: bounded, private, and written on a thread of its own so that no disk ever holds the event loop."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
from pathlib import Path
from typing import IO, Final

from services.paths import PRIVATE_FILE_MODE

LOG_NAME: Final = "worker.log"
"""Name of the log in the state folder."""

LOG_BYTES: Final = 1024 * 1024
"""Bytes after which a new file is begun."""

LOG_FILES: Final = 2
"""Older files that are kept."""


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating log that nobody else may read, whatever the umask is (hazard 59)."""

    def _open(self) -> IO[str]:  # type: ignore[override]  # a wider type than the library's annotation
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.baseFilename, flags, PRIVATE_FILE_MODE)
        os.fchmod(handle, PRIVATE_FILE_MODE)
        return os.fdopen(handle, "a", encoding="utf-8")


def start_log(state_dir: Path) -> logging.handlers.QueueListener:
    """Send the messages of `pail.*` to the log in the state folder; the caller stops the listener at the end."""
    file = PrivateRotatingFile(state_dir / LOG_NAME, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    logger = logging.getLogger("pail")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(logging.handlers.QueueHandler(lines))
    listener = logging.handlers.QueueListener(lines, file)
    listener.start()
    return listener


def stop_log(listener: logging.handlers.QueueListener) -> None:
    """Write what waits and close the log."""
    listener.stop()
    logger = logging.getLogger("pail")
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
    for handler in listener.handlers:
        handler.close()

"""What an uploaded object gets besides its bytes: its type, the file's time, and our mark."""

from __future__ import annotations

from services.model import WriteAttributes
from services.transfer.metadata import MTIME_KEY, NONCE_KEY, content_type
from services.transfer.run import Run


def attributes_of(run: Run) -> WriteAttributes:
    """Return what the new object gets besides its bytes."""
    metadata = {NONCE_KEY: run.record.nonce}
    if run.record.mtime is not None and run.record.mtime >= 0:
        metadata[MTIME_KEY] = str(int(run.record.mtime))
    return WriteAttributes(content_type=content_type(run.record.target), metadata=metadata)

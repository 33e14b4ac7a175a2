"""Folders of buckets with a hierarchical namespace: their rows."""

from __future__ import annotations

from services.localstore.database import Transaction


def parents(name: bytes) -> list[bytes]:
    """Return every folder that a name lies in, the outermost first."""
    found = []
    index = name.find(b"/")
    while index >= 0:
        found.append(name[: index + 1])
        index = name.find(b"/", index + 1)
    return found


def ensure_parents(transaction: Transaction, bucket: int, name: bytes) -> None:
    """Create the folders that a new name lies in, as Google does."""
    now = transaction.now
    for folder in reversed(parents(name)):
        found = transaction.one("SELECT 1 FROM folders WHERE bucket = ? AND name = ?", (bucket, folder))
        if found:
            return
        transaction.execute(
            "INSERT INTO folders (bucket, name, metageneration, created, updated) VALUES (?, ?, 1, ?, ?)",
            (bucket, folder, now, now),
        )

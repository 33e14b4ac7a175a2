"""Whether a pair waits for a worker, told from files alone."""

from __future__ import annotations

from pathlib import Path

from services.errors import PailError
from services.file_lock import FileLock
from services.sync.pair import FOLDER
from services.sync.pairs import PairList
from services.sync.proposals import is_still_named


def wants_worker(state_dir: Path) -> bool:
    """Tell whether a pair is switched on that no process has; blocks."""
    try:
        kept = [one for one in PairList.of(state_dir).load() if one.on]
    except PailError:
        return False
    return any(is_still_named(one) and not is_claimed(one.id, state_dir) for one in kept)


def is_claimed(identifier: str, state_dir: Path) -> bool:
    """Tell whether some process has a pair; blocks for a moment."""
    folder = state_dir / FOLDER
    path = folder / f"{identifier}.lock"
    if not path.exists():
        return False
    # Whoever claims a pair holds the door, so nobody is turned away because of this look.
    door = FileLock(folder / "door.lock")
    door.acquire(wait=True)
    try:
        lock = FileLock(path)
        if not lock.acquire():
            return True
        lock.release(remove=True)
        return False
    finally:
        door.release()

"""After a crash: what was begun may have been done without having been noted (hazard 30).

An upload is known by its mark, a download by its unfinished file having gone, a move by its bytes.  What turns out to
be done counts as agreed on, so that an edit made since is one side's edit and no conflict.
"""

from __future__ import annotations

from services.errors import ObjectNotFound, PailError
from services.sync.disk import Disk
from services.sync.entries import BaseEntry, Remote
from services.sync.notes import Notes, OnDisk
from services.sync.remote import Prefix
from services.sync.state import Intent, State
from services.transfer.metadata import NONCE_KEY
from services.transfer.partial import remove_partial


async def restore(state: State, disk: Disk, on_disk: OnDisk) -> None:
    """Bring back what was on its way to the trash: before the folder is scanned, so that it is no delete of a person's.

    Raises `PailError`.
    """
    intents: list[Intent] = await on_disk(state.intents)
    for intent in intents:
        if intent.kind == "remove":
            await on_disk(disk.restore, intent.key, intent.nonce)


async def recover(
    state: State, notes: Notes, disk: Disk, prefix: Prefix, remote: Remote, on_disk: OnDisk
) -> dict[str, Intent]:
    """Bring the base up to date, and return the downloads that can be gone on with, by key.  Raises `PailError`."""
    intents: list[Intent] = await on_disk(state.intents)
    if not intents:
        return {}
    found: list[tuple[str, BaseEntry]] = []
    resumable: dict[str, Intent] = {}
    ended: list[Intent] = []
    for intent in intents:
        there = remote.get(intent.key)
        known = notes.base.get(intent.key)
        entry: BaseEntry | None = None
        if intent.kind == "upload":
            if there is not None and (known is None or known.generation != there.generation):
                entry = await _uploaded(prefix, intent)
        elif intent.kind == "remove":
            await on_disk(disk.flush, intent.key)
            ended.append(intent)
        elif intent.kind == "move":
            if there is not None and known is None and (there.crc32c, there.size) == (intent.crc32c, intent.size):
                entry = BaseEntry(None, there.size, there.crc32c, there.generation)
        elif intent.kind == "place":
            if await on_disk(_is_waiting, disk, intent):
                # Noted before the file goes: else whoever comes after another crash takes it for placed.
                await on_disk(state.withdraw, [(intent.key, intent.nonce)])
                await on_disk(forget_partial, disk, intent)
            else:
                entry = await on_disk(_placed, disk, intent)
        elif there is not None and there.generation == intent.generation:
            if intent.key in resumable:
                await on_disk(forget_partial, disk, resumable[intent.key])
                ended.append(resumable[intent.key])
            resumable[intent.key] = intent
        else:
            await on_disk(forget_partial, disk, intent)
            ended.append(intent)
        if entry is not None:
            found.append((intent.key, entry))
    # A change that is not to be seen yet may be under way still and arrive later, until its key is agreed on anew.
    ended += [intent for intent in intents if intent.kind == "place"]
    await on_disk(state.save, found, [key for key, _ in found])
    await on_disk(state.withdraw, [(intent.key, intent.nonce) for intent in ended])
    notes.base.update(found)
    return resumable


async def _uploaded(prefix: Prefix, intent: Intent) -> BaseEntry | None:
    """Return what the object is where it carries our mark."""
    try:
        info = await prefix.data.stat(prefix.bucket, prefix.name(intent.key))
    except ObjectNotFound:
        return None
    if info.metadata.get(NONCE_KEY) != intent.nonce:
        return None
    return BaseEntry(None, info.size, info.crc32c, info.generation)


def _is_waiting(disk: Disk, intent: Intent) -> bool:
    """Tell whether a download that was about to take its name did not.

    Without the system's help it takes the new name before it gives up the old one.
    """
    if disk.partial_inode(intent.key, intent.nonce, intent.generation) != intent.inode:
        return False
    there = disk.look(intent.key)
    return there is None or there.inode != intent.inode


def _placed(disk: Disk, intent: Intent) -> BaseEntry:
    """Return what was agreed on by a download that has taken its name."""
    inode = disk.partial_inode(intent.key, intent.nonce, intent.generation)
    if inode == intent.inode:
        forget_partial(disk, intent)
    elif inode:
        # The old file was swapped out, and the process ended before it was in the trash.
        disk.discard(intent.key, intent.nonce)
    disk.flush(intent.key)
    return BaseEntry(None, intent.size, intent.crc32c, intent.generation)


def forget_partial(disk: Disk, intent: Intent) -> None:
    """Delete an unfinished download that nobody goes on with."""
    try:
        path = disk.path(intent.key)
    except PailError:
        return
    remove_partial(path, len(disk.root), intent.nonce)

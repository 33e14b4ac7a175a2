"""Undoing: what a job has done with each object, turned round; from its journal, so of any number and at any time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.names import is_gs_url
from services.transfer.messages import Action, JobItem
from services.transfer.record import Record

UNDOABLE: Final[frozenset[Action]] = frozenset({"upload", "copy", "move", "delete", "make-folder", "restore"})
"""Jobs that can be taken back as far as they worked in a bucket; what came to this machine stays here."""

REMOVES: Final[frozenset[Action]] = frozenset({"upload", "copy", "restore", "make-folder"})
"""Those whose undoing deletes something: a person is asked first."""

REPLACE: Final = "replace"
"""Decision of a restoration that puts back what the undone transfer had replaced."""


def taken_back(job: int, done: Record) -> Record | None:
    """Return the transfer that takes back one that is done; None where there is nothing to take back.

    Each names the generation that was written, so that what somebody changed since is left alone.
    """
    if done.state != "done" or done.skipped:
        return None
    match done.action:
        case "delete":
            return _restore(job, done, done.source, done.generation)
        case "move" if is_gs_url(done.source) and is_gs_url(done.target):
            back = Record(job, 0, "move", done.target, done.source, size=done.size)
            return replace(back, generation=done.written, crc32c=done.crc32c, mtime=done.mtime, encoding=done.encoding)
        case "move-folder":
            return Record(job, 0, "move-folder", done.target, done.source)
        case "make-folder" if not done.written:
            return Record(job, 0, "delete-folder", done.target)
        case "upload" | "copy" | "restore" | "make-folder" if is_gs_url(done.target) and done.written:
            if done.replaced:
                # Over exactly what was written: an object that came since is asked about.
                back = _restore(job, done, done.target, done.replaced)
                return replace(back, decision=REPLACE, seen=str(done.written))
            return Record(job, 0, "delete", done.target, size=done.size, generation=done.written)
        case _:
            return None


def put_back(job: int, done: Record, *, moved: bool) -> Record | None:
    """Return the transfer that brings back what a move had replaced, once that has moved back; None for nothing.

    Of a job that `moved` a tree its empty folders come back as well.
    """
    if done.action == "make-folder" and moved and done.source and done.state == "done":
        return Record(job, 0, "make-folder", done.source, done.source)
    if done.action != "move" or not done.replaced:
        return None
    return _restore(job, done, done.target, done.replaced)


def _restore(job: int, done: Record, url: str, generation: int) -> Record:
    return Record(job, 0, "restore", url, url, size=done.size, generation=generation)


def turned_round(items: tuple[JobItem, ...]) -> tuple[JobItem, ...]:
    """Return what an undo works on, for those who look at it: where things went, and where they go back to."""
    return tuple(
        JobItem(item.target or item.source, item.source if item.target else "", tree=item.tree) for item in items
    )

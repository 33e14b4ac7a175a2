"""Actions in words: the stable ones of records, and why each is planned."""

from __future__ import annotations

import re
import time
from typing import Final

from services.errors import PailError
from services.sync.apply import Item
from services.sync.conflicts import MARK
from services.sync.entries import Action, LocalEntry, Problem
from services.sync.status import ConflictView, LineView, TroubleView

_WORDS: Final = {"move-remote": "move", "delete-remote": "delete"}
"""Stable words of actions that are called differently inside."""

_COPY: Final = re.compile(rf"(.*){MARK}([A-Za-z0-9_-]+)-([0-9a-f]{{8}})(\.[^./]{{1,16}})?", re.DOTALL)
"""The key of a conflict copy: stem, machine, CRC32C, suffix."""


def word_of(action: Action) -> str:
    """Return the stable word of an action."""
    return _WORDS.get(action.kind, action.kind)


def why_of(action: Action) -> str:
    """Return why an action is planned, in a few words."""
    new_here = action.base is None
    match action.kind:
        case "upload":
            if action.is_folder:
                return "an empty folder"
            return "new here" if new_here and action.remote is None else "edited here"
        case "download":
            return "new in the bucket" if new_here and action.local is None else "edited in the bucket"
        case "conflict":
            return "edited on both sides" if not new_here else "differs on both sides"
        case "move-remote":
            return "renamed here"
        case "delete-remote":
            return "deleted here" if not new_here else "is not here"
        case "delete-local":
            return "deleted in the bucket" if not new_here else "is not in the bucket"
    return ""


def line_of(action: Action, *, ticked: bool = True) -> LineView:
    """Return a planned action as a line."""
    entry = action.remote
    return LineView(
        word_of(action),
        action.key,
        source=action.source,
        copy=action.copy,
        size=action.size,
        why=why_of(action),
        generation=str(entry.generation) if entry else "",
        crc32c=entry.crc32c if entry else "",
        ticked=ticked,
    )


def line_of_item(item: Item) -> LineView:
    """Return an action that has ended as a line."""
    action, error = item.action, item.error
    entry = action.remote
    return LineView(
        word_of(action),
        action.key,
        source=action.source,
        copy=item.kept or action.copy,
        size=action.size,
        why=why_of(action),
        generation=str(entry.generation) if entry else "",
        crc32c=entry.crc32c if entry else "",
        state=item.state,
        reason=error.message if error is not None else "",
        remedy=error.remedy if error is not None else "",
        fault=error.reason if error is not None else "",
        at=time.time(),
    )


def trouble_of(problem: Problem) -> TroubleView:
    """Return a problem with what can be done about it."""
    return TroubleView(problem.key, problem.message, remedy_of(problem))


def trouble_of_item(item: Item) -> TroubleView:
    """Return a failure with what can be done about it."""
    error = item.error or PailError("it failed")
    return TroubleView(item.action.key, error.message, error.remedy or "It is tried again once it changes.")


def remedy_of(problem: Problem) -> str:
    """Return what can be done about a path that is left alone."""
    if problem.remedy:
        return problem.remedy
    if "left alone" in problem.message:
        return "Replace it by a file, or name it in .pailignore."
    return "Rename it, or name it in .pailignore."


def conflicts_in(entries: dict[str, LocalEntry], settled: dict[str, str]) -> tuple[ConflictView, ...]:
    """Return the conflict copies among the files of a folder whose file is there as well, in byte order.

    Whatever machine made them, and whenever: their names say it.  `settled` are copies that a person keeps as they are.
    """
    found = []
    for key, entry in entries.items():
        if MARK not in key or entry.signature is None or key in settled:
            continue
        match = _COPY.fullmatch(key)
        if match is None:
            continue
        original = f"{match[1]}{match[4] or ''}"
        there = entries.get(original)
        if there is not None and there.signature is not None:
            found.append(ConflictView(original, key, match[2], there.signature.size, entry.signature.size))
    return tuple(sorted(found, key=lambda one: one.copy))

"""One registry of everything a person can do: bindings, key line, palette, help panel and README come from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from textual.binding import Binding

from app.commands import Command, Owner
from app.context import Context
from app.registry import buckets, finding, moving, objects, program, transfers

COMMANDS: Final[tuple[Command, ...]] = (
    *moving.COMMANDS,
    *objects.COMMANDS,
    *transfers.COMMANDS,
    *finding.COMMANDS,
    *buckets.COMMANDS,
    *program.COMMANDS,
)
"""Every command, in the order of the help."""


def command(identifier: str) -> Command:
    """Return the command with this id; raises `KeyError`."""
    return _BY_ID[identifier]


_BY_ID: Final = {entry.id: entry for entry in COMMANDS}


def applying(context: Context) -> Iterator[Command]:
    """Yield the commands that make sense now, in the order of the registry."""
    return (entry for entry in COMMANDS if entry.applies(context))


def key_line(context: Context) -> list[Command]:
    """Return the commands of the key line, the most useful first."""
    shown = (entry for entry in applying(context) if entry.priority and entry.keys)
    return sorted(shown, key=lambda entry: -entry.priority)


def bindings(owner: Owner, entries: Iterable[Command] = COMMANDS) -> list[Binding]:
    """Return Textual's bindings for the commands that `owner` binds; each runs the action `command(id)`."""
    return [
        Binding(key, f"command('{entry.id}')", entry.title, show=False, id=f"{entry.id}.{key}")
        for entry in entries
        if entry.owner == owner
        for key in entry.keys
    ]

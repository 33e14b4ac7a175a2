"""One registry of everything a person can do: bindings, key line, palette, help panel and README come from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from textual.binding import Binding

from app.commands import Command, Owner
from app.context import Context
from app.permissions import refusal
from app.registry import buckets, finding, moving, objects, program, syncing, transfers, usage

UNBOUND: Final = "f99"
"""Stands for no key where Textual asks for one; no terminal sends it."""

COMMANDS: Final[tuple[Command, ...]] = (
    *moving.COMMANDS,
    *objects.COMMANDS,
    *transfers.COMMANDS,
    *syncing.COMMANDS,
    *finding.COMMANDS,
    *usage.COMMANDS,
    *buckets.COMMANDS,
    *program.COMMANDS,
)
"""Every command, in the order of the help."""


def command(identifier: str) -> Command:
    """Return the command with this id; raises `KeyError`."""
    return _BY_ID[identifier]


_BY_ID: Final = {entry.id: entry for entry in COMMANDS}


def applying(context: Context, entries: Iterable[Command] = COMMANDS) -> Iterator[Command]:
    """Yield the commands that make sense now, in the order of the registry."""
    return (entry for entry in entries if entry.applies(context))


def key_line(context: Context, entries: Iterable[Command] = COMMANDS) -> list[Command]:
    """Return the commands of the key line, the most useful first, those that credentials refuse last."""
    shown = (entry for entry in applying(context, entries) if entry.priority and entry.keys)
    return sorted(shown, key=lambda entry: (bool(refusal(entry.id, context.refused)), -entry.priority))


def bindings(owner: Owner, entries: Iterable[Command] = COMMANDS) -> list[Binding]:
    """Return Textual's bindings for the commands that `owner` binds; each runs the action `command(id)`."""
    return [
        Binding(",".join(entry.keys) or UNBOUND, f"command('{entry.id}')", entry.title, show=False, id=entry.id)
        for entry in entries
        if entry.owner == owner
    ]

"""Puts the children of folders in order off the event loop, from what was there at the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.model import ObjectRow
from widgets.object_rows import Folder, Order, arrange_folders, arrange_objects


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A folder's children in their new order, made off the event loop from what was there at the time."""

    folder: Folder
    """The folder."""
    folders: list[Folder]
    """Its child folders, arranged."""
    objects: list[ObjectRow]
    """Its objects, arranged."""
    taken: int
    """How many objects there were then: those after them came later."""
    taken_folders: int
    """How many child folders there were then."""
    source: list[ObjectRow]
    """The list they were taken from; another one has replaced it where the folder was refreshed since."""


def arrange(
    jobs: Iterable[tuple[Folder, list[Folder], list[ObjectRow], int]], order: Order, needle: str
) -> list[Arrangement]:
    """Arrange the children of folders; safe in a thread: lists only grow, and are read up to a fixed length."""
    return [
        Arrangement(
            folder=folder,
            folders=arrange_folders(folders, order, needle),
            objects=arrange_objects(objects[:taken], order, needle),
            taken=taken,
            taken_folders=len(folders),
            source=objects,
        )
        for folder, folders, objects, taken in jobs
    ]

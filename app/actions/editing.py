"""What can be done with what Google keeps about objects: edit it, for one object or for many."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from app.desk import Desk
from app.screens.dialog import shown
from app.screens.edit import EditScreen
from services.errors import PreconditionFailed
from services.model import ObjectInfo
from services.names import parent_prefix
from services.object_change import send_edit
from services.object_fields import changes
from widgets import formats

EDIT_LIMIT: Final = 500
"""Objects that are edited at once at the most: each is read first."""

IN_FLIGHT: Final = 16
"""Requests side by side."""


class EditActions:
    """Edits the metadata of what is marked, or of the cursor's row."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do_edit(self) -> None:
        """Edit what is kept about the chosen objects."""
        desk = self._desk
        bucket, data = desk.place.bucket, desk.session.storage.data
        names = [entry.name for entry in desk.rows.selection if entry.kind == "object"]
        if not names or len(names) > EDIT_LIMIT:
            desk.tell(f"Choose objects to edit, {EDIT_LIMIT} at the most; folders have nothing to edit.")
            return
        limit = asyncio.Semaphore(IN_FLIGHT)

        async def read(name: str) -> ObjectInfo:
            async with limit:
                return await data.stat(bucket, name)

        infos = await asyncio.gather(*(read(name) for name in names))
        changed = await desk.ask(EditScreen(infos, self._apply, desk.symbols))
        if changed:
            desk.tell(f"Changed {formats.count(changed, 'object')}")
            for prefix in {parent_prefix(name) for name in names}:
                if desk.tree.is_listed(prefix):
                    desk.tree.refresh_folder(prefix)

    async def _apply(self, infos: Sequence[ObjectInfo], edits: Mapping[str, str]) -> int:
        """Send the edits; those that somebody else changed meanwhile stay as they are, and are named."""
        wanted = [(info, edit) for info in infos if (edit := changes(info, edits))]
        limit = asyncio.Semaphore(IN_FLIGHT)
        data = self._desk.session.storage.data

        async def send(index: int) -> None:
            async with limit:
                await send_edit(data, *wanted[index])

        answers = await asyncio.gather(*(send(index) for index in range(len(wanted))), return_exceptions=True)
        failed = [(info, error) for (info, _), error in zip(wanted, answers, strict=True) if error is not None]
        if not failed:
            return len(wanted)
        info, error = failed[0]
        if isinstance(error, PreconditionFailed):
            raise PreconditionFailed(
                f"somebody changed {shown(info.name, 60)} meanwhile"
                + (f", and {len(failed) - 1:,} more failed" if len(failed) > 1 else ""),
                remedy="Theirs was not overwritten. Close this, and edit it again.",
            ) from error
        raise error

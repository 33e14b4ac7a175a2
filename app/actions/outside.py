"""Objects in a person's own programs: looked at in the pager, edited in the editor, and sent back."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from typing import Final

from app.desk import Desk
from app.lending import LendingApp
from app.screens.changed import ChangedDialog
from app.screens.dialog import shown
from services.errors import PreconditionFailed, UsageError
from services.model import Precondition
from services.names import GsUrl, base_name, display_name, parent_prefix
from services.opened import Opened, is_changed, open_copy, send_back
from services.programs import EDITORS, FALLBACK_EDITOR, FALLBACK_PAGER, PAGERS, command_line, program
from services.transfer.local import free_name

BESIDE_TRIES: Final = 100
"""Names that are tried for a copy beside the object."""


class OutsideActions:
    """Lends the terminal to another program."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do_view_content(self) -> None:
        """Show the object under the cursor in the pager."""
        opened = await self._open(to_edit=False)
        if opened is None:
            return
        try:
            await self._run(program(PAGERS, FALLBACK_PAGER, os.environ), opened)
        finally:
            await asyncio.to_thread(opened.forget)

    async def do_edit_content(self) -> None:
        """Edit the object under the cursor in the editor, and upload what was changed."""
        opened = await self._open(to_edit=True)
        if opened is None:
            return
        name = shown(base_name(opened.url.name), 60)
        try:
            await self._run(program(EDITORS, FALLBACK_EDITOR, os.environ), opened)
            if not await is_changed(opened):
                self._desk.tell(f"{name} was not changed")
                await asyncio.to_thread(opened.forget)
                return
            await self._send(opened, opened.url, Precondition(generation=opened.info.generation))
        except BaseException:
            # What was typed is worth more than a tidy folder.
            self._desk.tell(f"Your copy of {name} is kept: {display_name(str(opened.path))}", bad=True)
            raise

    async def _open(self, *, to_edit: bool) -> Opened | None:
        desk = self._desk
        entry = desk.rows.cursor_entry
        if entry is None or entry.kind != "object":
            desk.tell("Put the cursor on an object.")
            return None
        url = GsUrl(desk.place.bucket, entry.name)
        return await open_copy(desk.session.storage.data, url, generation=entry.generation, to_edit=to_edit)

    async def _send(self, opened: Opened, url: GsUrl, precondition: Precondition) -> None:
        """Upload the copy; where somebody else was faster, ask what happens."""
        desk = self._desk
        data = desk.session.storage.data
        try:
            await send_back(data, opened, url, precondition)
        except PreconditionFailed:
            kept = display_name(str(opened.path))
            answer = await desk.ask(ChangedDialog(shown(opened.url.name, 60), kept))
            if answer == "beside":
                url = await self._send_beside(opened)
            elif answer == "replace":
                theirs = await data.stat(url.bucket, url.name)
                await self._send(opened, url, Precondition(generation=theirs.generation))
                return
            else:
                desk.tell(f"Nothing was uploaded; your copy is kept: {kept}")
                return
        await asyncio.to_thread(opened.forget)
        desk.tell(f"Uploaded {shown(base_name(url.name), 60)}")
        prefix = parent_prefix(url.name)
        if desk.tree.is_listed(prefix):
            desk.tree.refresh_folder(prefix)

    async def _send_beside(self, opened: Opened) -> GsUrl:
        """Upload the copy under the first free name beside the object and return that."""
        number = 1
        while True:
            url = GsUrl(opened.url.bucket, free_name(opened.url.name, number))
            try:
                await send_back(self._desk.session.storage.data, opened, url, Precondition(generation=0))
            except PreconditionFailed:
                number += 1
                if number > BESIDE_TRIES:
                    raise
            else:
                return url

    async def _run(self, words: Sequence[str], opened: Opened) -> None:
        """Lend the terminal to a program until it ends; raises `UsageError` where it cannot be started."""
        command = command_line(words, opened.path)
        app = self._desk.screen.app
        assert isinstance(app, LendingApp)
        with app.lend_terminal():
            try:
                # In a thread: what moves and what changes goes on being followed meanwhile.
                await asyncio.to_thread(subprocess.run, command, check=False)
            except OSError as error:
                raise UsageError(
                    f"cannot run {display_name(words[0])}: {error.strerror}",
                    remedy="Set EDITOR or PAGER to a program that is installed.",
                ) from error

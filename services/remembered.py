"""A few things that the screen keeps from one start to the next: folders used last, and the look."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from services.errors import PailError
from services.paths import ensure_private_dir, state_dir, write_private

FILE_NAME: Final = "screen.json"
"""Name of the file in the state folder."""

SIZE_LIMIT: Final = 64 * 1024
"""Bytes of the file that are read; a larger one is not ours."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered."""

    download_folder: str = ""
    """Absolute path of the folder that was downloaded to last; empty before the first time."""
    upload_folder: str = ""
    """Absolute path of the folder that files were chosen from last."""
    theme: str = ""
    """Name of the theme; empty for the default."""
    greeted: str = ""
    """`yes` once the line for newcomers was put away."""


class Remembered:
    """Reads and writes the file off the event loop; what cannot be read or written is forgotten, not an error."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep the file in `folder` (None: the state folder)."""
        self._folder = folder
        self._kept: Kept | None = None

    async def download_folder(self) -> str:
        """Return the folder that was downloaded to last, if it is still there, else an empty string."""
        folder = (await self._load()).download_folder
        return folder if folder and await _is_folder(folder) else ""

    async def set_download_folder(self, folder: str) -> None:
        """Remember a folder."""
        await self._change(download_folder=folder)

    async def upload_folder(self) -> str:
        """Return the folder that files were chosen from last, if it is still there, else the current one."""
        folder = (await self._load()).upload_folder
        if folder and await _is_folder(folder):
            return folder
        return await asyncio.to_thread(_here)

    async def set_upload_folder(self, folder: str) -> None:
        """Remember a folder."""
        await self._change(upload_folder=folder)

    async def theme(self) -> str:
        """Return the name of the theme."""
        return (await self._load()).theme

    async def set_theme(self, theme: str) -> None:
        """Remember a theme."""
        await self._change(theme=theme)

    async def greeted(self) -> bool:
        """Tell whether the line for newcomers was put away."""
        return (await self._load()).greeted == "yes"

    async def set_greeted(self) -> None:
        """Remember that the line for newcomers was put away."""
        await self._change(greeted="yes")

    async def _load(self) -> Kept:
        if self._kept is None:
            self._kept = await asyncio.to_thread(self.read)
        return self._kept

    async def _change(self, **changes: Any) -> None:
        kept = replace(await self._load(), **changes)
        if kept != self._kept:
            self._kept = kept
            await asyncio.to_thread(self._write, kept)

    def read(self) -> Kept:
        """Return what is kept, read anew.  Blocks on the disk."""
        path = (self._folder or state_dir()) / FILE_NAME
        try:
            with path.open("rb") as file:
                data = json.loads(file.read(SIZE_LIMIT))
            known = {field.name for field in fields(Kept)}
            return Kept(**{key: value for key, value in data.items() if key in known and isinstance(value, str)})
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError, AttributeError) as error:
            _log.warning("what the screen remembered cannot be read: %s", error)
            return Kept()

    def _write(self, kept: Kept) -> None:
        try:
            folder = ensure_private_dir(self._folder or state_dir())
            write_private(folder / FILE_NAME, json.dumps(asdict(kept)).encode())
        except (OSError, PailError) as error:
            _log.warning("what the screen remembers cannot be kept: %s", error)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # the folder is gone
        return str(Path("/"))


async def _is_folder(path: str) -> bool:
    found: bool = await asyncio.to_thread(Path(path).is_dir)
    return found

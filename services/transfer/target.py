"""Targets that may exist: which precondition a write carries, and what becomes of a conflict."""

from __future__ import annotations

import os
import stat
from typing import Final

from services.errors import LocalFileError, ObjectNotFound, PreconditionFailed
from services.model import CREATE_ONLY, ObjectInfo, Precondition
from services.names import display_name, parse_gs_url
from services.transfer import local
from services.transfer.metadata import NONCE_KEY
from services.transfer.partial import local_checksum
from services.transfer.present import UNCHANGED, WHY_UNCHANGED, same_time
from services.transfer.run import Asking, Run, Skipped

MAX_COPIES: Final = 1000
"""Names that are tried for a `keep-both`."""

_RACES: Final = 5
"""Times that a target may come and go under a write before it counts as someone else's."""


class ObjectTarget:
    """An object that is to be written: every attempt is pinned to what was seen of it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        url = parse_gs_url(run.record.target)
        self.bucket = url.bucket
        """Bucket of the target."""
        self.name = url.name
        """Name of the target; a `keep-both` changes it."""
        self.precondition = CREATE_ONLY
        """What the next write has to carry."""
        self._wanted = url.name
        self._number = 0
        self._pinned = False
        self._refusals = 0

    def pin(self, generation: int) -> None:
        """Go on with what an earlier process saw at the target: a generation, or nothing (0)."""
        self.precondition = Precondition(generation=generation)
        self._pinned = generation > 0

    async def look(self) -> ObjectInfo | None:
        """Look what is there, and decide; returns the object where it turns out to be what this transfer wrote."""
        live = await self._stat()
        if live is None:
            self.precondition = CREATE_ONLY
            return None
        if self.is_ours(live):
            return live
        await self._conflict(live)
        return None

    async def refused(self) -> ObjectInfo | None:
        """Go on after a 412: returns the object if it is ours after all, else there is a new precondition.

        Raises `PreconditionFailed` where somebody changed what had been seen; `Skipped` and `Asking` as decided.
        """
        self._run.flags.look_first = True
        self._refusals += 1
        live = await self._stat()
        if live is not None and self.is_ours(live):
            return live
        if self._refusals > _RACES + (MAX_COPIES if self._number else 0):
            raise self._changed()
        if live is None:
            if self._pinned:
                raise self._changed()
            self.precondition = CREATE_ONLY
            return None
        if self._pinned:
            if self._run.spec.conflict == "ask" and self._run.flags.answer is None:
                raise Asking(str(live.generation))
            raise self._changed()
        await self._conflict(live)
        return None

    async def read_back(self) -> ObjectInfo | None:
        """After a lost answer: return the object if it was written after all."""
        live = await self._stat()
        return live if live is not None and self.is_ours(live) else None

    def is_ours(self, live: ObjectInfo) -> bool:
        """Tell whether an object is what this transfer was to write: our mark, or the same bytes after a doubt."""
        record = self._run.record
        if record.crc32c == "" or live.crc32c != record.crc32c or live.size != record.size:
            return False
        if live.metadata.get(NONCE_KEY) == record.nonce:
            return True
        # A copy on the server keeps the source's metadata, so only the bytes tell; equal bytes are no loss.
        return self._run.doubtful and record.generation > 0

    async def _stat(self) -> ObjectInfo | None:
        try:
            return await (await self._run.data()).stat(self.bucket, self.name)
        except ObjectNotFound:
            return None

    async def _conflict(self, live: ObjectInfo) -> None:
        run = self._run
        self._run.flags.look_first = True
        policy = run.policy
        if policy == "skip":
            raise Skipped("it exists already")
        if await self._unchanged(live):
            raise Skipped(WHY_UNCHANGED, UNCHANGED)
        if policy == "ask":
            raise Asking(str(live.generation))
        if policy == "keep-both":
            await self._other_name()
            return
        if run.record.seen and run.record.decision and run.record.seen != str(live.generation):
            # The answer was about another generation than the one that is there now.
            raise Asking(str(live.generation))
        self.precondition = Precondition(generation=live.generation)
        self._pinned = True
        run.record.seen = str(live.generation)  # what an undo brings back

    async def _unchanged(self, live: ObjectInfo) -> bool:
        """Tell whether an upload would change nothing: of a tree the bytes and the time are there already.

        Of what was named itself, equal bytes are only a reason not to ask: who said to replace it has it replaced.
        """
        run, record = self._run, self._run.record
        if run.spec.action != "upload" or record.decision or live.size != record.size:
            return False
        if run.policy != "ask" and not (run.listed and same_time(record.mtime, live.mtime)):
            return False
        known = record.crc32c or await run.in_bulk(
            local_checksum, record.source, record.base, record.size, lambda: not run.intent
        )
        return known == live.crc32c

    async def _other_name(self) -> None:
        self._number += 1
        self.name = local.free_name(self._wanted, self._number)
        self.precondition = CREATE_ONLY
        self._run.record.target, self._run.record.seen = f"gs://{self.bucket}/{self.name}", ""
        await self._run.save()

    def _changed(self) -> PreconditionFailed:
        url = self._run.record.target
        return PreconditionFailed(f"{display_name(url)} was changed by someone else meanwhile", url=url)


class FileTarget:
    """A local file that is to be written."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._wanted = run.record.target
        self._number = 0
        self.replace = run.policy == "replace"
        """Whether what is there when the download ends may be replaced."""
        self.looked = False
        """Whether what is there was looked at."""

    async def look(self) -> None:
        """Look what is there, and decide; raises `Skipped`, `Asking`, `LocalFileError`."""
        self.looked = True
        found = await self._lstat()
        if found is not None:
            await self.taken(found)

    async def taken(self, found: os.stat_result | None = None) -> None:
        """Decide what to do about an existing file, which may have come while the download ran."""
        run = self._run
        run.flags.look_first = self.looked = True
        if found is None:
            found = await self._lstat()
            if found is None:
                return
        if stat.S_ISDIR(found.st_mode):
            shown = display_name(run.record.target)
            raise LocalFileError(
                f"{shown} is a folder, where a file should go", remedy="Rename one of them.", url=run.record.target
            )
        if not stat.S_ISREG(found.st_mode):
            await run.disk(local.refuse_special, run.record.target, found)
        policy = run.policy
        if policy == "skip":
            raise Skipped("it exists already")
        if policy == "ask":
            if await self._holds_it(found):
                raise Skipped(WHY_UNCHANGED, UNCHANGED)
            raise Asking(local.fingerprint(found))
        if policy == "keep-both":
            await self._other_name()
            return
        seen = run.record.seen
        if seen and run.record.decision and seen != local.fingerprint(found):
            raise Asking(local.fingerprint(found))

    async def _holds_it(self, found: os.stat_result) -> bool:
        """Tell whether a file has the bytes that would be downloaded: then there is nothing to ask about."""
        run, record = self._run, self._run.record
        if run.spec.action != "download" or run.spec.decompress or record.decision or not record.crc32c:
            return False
        if found.st_size != record.size:
            return False
        what = record.target, record.base, record.size
        return record.crc32c == await run.in_bulk(local_checksum, *what, lambda: not run.intent)

    async def recheck(self) -> None:
        """Just before it is replaced: ask again where the file is not the one that was decided about."""
        if self._run.record.seen and self._run.record.decision:
            found = await self._lstat()
            if found is not None:
                await self.taken(found)

    async def _lstat(self) -> os.stat_result | None:
        return await self._run.brief(local.look, self._run.record.target, self._run.record.base)

    async def _other_name(self) -> None:
        run = self._run
        while self._number < MAX_COPIES:
            self._number += 1
            run.record.target = local.free_name(self._wanted, self._number)
            if await self._lstat() is None:
                await run.save()
                return
        raise LocalFileError(f"there are {MAX_COPIES} copies of it already", remedy="Remove some.", url=self._wanted)

"""From a request to transfers: batches that are in the journal, and moving, before the scan or the list has ended."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from services import names
from services.errors import BucketNotFound, LocalFileError, PailError, UnmappableName, UsageError
from services.gcs.interface import DataPlane, ListQuery
from services.lookup import pages
from services.model import ObjectInfo, ObjectRow
from services.names import GsUrl, display_name, is_gs_url, parse_gs_url
from services.transfer.folders import real_folder
from services.transfer.hollow import HollowFolders
from services.transfer.local import explained
from services.transfer.messages import ItemAction, JobItem, JobSpec
from services.transfer.present import Present
from services.transfer.record import Record
from services.transfer.scan import Excludes, Found, scan_tree, take

STATS_AT_ONCE: Final = 32
"""Named objects that are looked up side by side."""

LIST_PAGE: Final = 1000
"""Rows asked for in a page of a listing."""

OnDisk = Callable[..., Awaitable[Any]]
"""Runs a blocking function with its arguments on a disk thread."""


class Planner:
    """Makes the transfers of one job; the memory it needs does not grow with their number."""

    def __init__(self, job: int, spec: JobSpec, data: DataPlane, on_disk: OnDisk, *, again: bool = False) -> None:
        """Plan for `job`; `again` after an earlier try, whose transfers may have left nothing to be found."""
        self._job = job
        self._spec = spec
        self._data = data
        self._disk = on_disk
        self._again = again
        self._excludes = Excludes(spec.excludes)
        self.folders = False
        """Whether there are real folders in the trees that go away: some may be empty in the end."""
        self.doubtful = False
        """Whether a listing was not in the order of names: a wrong bit may have made one object's name another's."""

    async def batches(self) -> AsyncIterator[list[Record]]:
        """Yield the transfers in batches; their numbers are given by whoever journals them.

        Items that cannot be transferred are in it as failed or skipped ones.  Raises `PailError` where nothing of the
        job can be done: the bucket or the prefix does not exist.
        """
        singles: list[JobItem] = []
        for item in self._spec.items:
            if not item.tree:
                singles.append(item)
                if len(singles) == STATS_AT_ONCE:
                    yield await self._singles(singles)
                    singles = []
                continue
            if singles:
                yield await self._singles(singles)
                singles = []
            async for batch in self._tree(item):
                yield batch
        if singles:
            yield await self._singles(singles)

    async def _singles(self, items: list[JobItem]) -> list[Record]:
        return list(await asyncio.gather(*(self._single(item) for item in items)))

    async def _single(self, item: JobItem) -> Record:
        record = Record(self._job, 0, self._action, item.source, item.target)
        try:
            if self._spec.action == "make-folder":
                names.check_object_name(parse_gs_url(item.target).name)
            elif not is_gs_url(item.source):
                await self._named_file(record)
            else:
                await self._named_object(record, item)
        except PailError as error:
            if isinstance(error, BucketNotFound) and len(self._spec.items) == 1:
                raise
            record.fail(error)
        return record

    @property
    def _action(self) -> ItemAction:
        action = self._spec.action
        assert action != "undo"  # planned from the journal
        return action

    async def _named_file(self, record: Record) -> None:
        path = record.source

        def look() -> os.stat_result:
            with explained(path, "read"):
                return Path(path).stat()

        names.check_object_name(parse_gs_url(record.target).name)
        found = await self._disk(look)
        if stat.S_ISDIR(found.st_mode):
            raise LocalFileError(f"{display_name(path)} is a folder", remedy="Use -r for folders.", url=path)
        record.size, record.mtime = found.st_size, found.st_mtime_ns / 1e9

    async def _named_object(self, record: Record, item: JobItem) -> None:
        url = parse_gs_url(item.source)
        if self._spec.action == "restore":
            await self._named_past(record, url, item.generation)
            return
        if self._spec.action in ("copy", "move") and is_gs_url(item.target):
            names.check_object_name(parse_gs_url(item.target).name)
        if self._spec.action == "delete" and item.generation is not None:
            # What was seen is all that a delete needs: no look-up for each of many marked objects.
            record.generation = item.generation
            record.decision = "replace" if item.exact else ""
            return
        _describe(record, (await self._data.stat(url.bucket, url.name, generation=item.generation)).row())

    async def _named_past(self, record: Record, url: GsUrl, generation: int | None) -> None:
        """Say which generation is restored: the one that was seen, else the newest that is left."""
        from services.history import restore_plan, versions  # only what is restored has one

        if generation is not None:
            record.generation = generation
        else:
            _describe(record, restore_plan(await versions(self._data, url.bucket, url.name), url.name).row)

    async def _bucket(self, item: JobItem) -> AsyncIterator[list[Record]]:
        """Yield every generation in a bucket, then the bucket itself."""
        bucket = parse_gs_url(item.source).bucket
        query = ListQuery(versions=True, page_size=LIST_PAGE)
        async for page in pages(self._data, bucket, query):
            batch = []
            for row in page.objects:
                # Each generation is named, so that none is kept as an older version.
                record = Record(self._job, 0, "delete", f"gs://{bucket}/{row.name}", decision="replace")
                _describe(record, row)
                batch.append(record)
            if batch:
                yield batch
        yield [Record(self._job, 0, "delete-bucket", f"gs://{bucket}/")]

    def _tree(self, item: JobItem) -> AsyncIterator[list[Record]]:
        if self._spec.action == "delete-bucket":
            return self._bucket(item)
        if self._spec.action == "restore":
            return self._past_tree(item)
        if is_gs_url(item.source):
            check_no_loop(item)
            return self._remote_tree(item)
        return self._local_tree(item)

    async def _local_tree(self, item: JobItem) -> AsyncIterator[list[Record]]:
        root = item.source.rstrip("/") or "/"

        def look() -> os.stat_result:
            with explained(root, "read"):
                return Path(root).stat()

        if not stat.S_ISDIR((await self._disk(look)).st_mode):
            raise LocalFileError(f"{display_name(root)} is not a folder", remedy="Name a folder.", url=root)
        target = _as_prefix(parse_gs_url(item.target))
        batches = self._scan(root, target)
        # Of what moves, the file has to go whatever is there; and where nothing was, nothing need be compared.
        if self._action == "upload" and (self._again or not item.fresh):
            batches = Present(self._data, target, self._disk, skip_all=self._spec.conflict == "skip").sift(batches)
        async for batch in batches:
            yield batch

    async def _scan(self, root: str, target: GsUrl) -> AsyncIterator[list[Record]]:
        scan = scan_tree(root, self._excludes)
        while batch := await self._disk(take, scan):
            yield [self._scanned(found, root, target) for found in batch]

    def _scanned(self, found: Found, root: str, target: GsUrl) -> Record:
        record = Record(
            self._job, 0, self._action, found.path, base=max(1, len(root)), size=found.size, mtime=found.mtime or None
        )
        if found.skipped:
            record.state, record.skipped, record.reason, record.code = "done", 1, found.skipped, "not-a-file"
            return record
        try:
            if found.error is not None:
                raise found.error
            name = target.name + names.object_name(found.relative)
            names.check_object_name(name)
            record.target = f"gs://{target.bucket}/{name}"
        except PailError as error:
            record.fail(error)
        return record

    async def _past_tree(self, item: JobItem) -> AsyncIterator[list[Record]]:
        """Yield what was deleted below a prefix and has no live object under its name."""
        from services.history import deleted_below  # only what is restored has one

        source = _as_prefix(parse_gs_url(item.source))
        batch: list[Record] = []
        seen = False
        async with aclosing(deleted_below(self._data, source.bucket, source.name)) as plans:
            async for plan in plans:
                if plan.row.deleted is not None and plan.row.deleted < item.deleted_from:
                    continue
                seen = True
                url = f"gs://{source.bucket}/{plan.row.name}"
                batch.append(Record(self._job, 0, self._action, url, url))
                _describe(batch[-1], plan.row)
                if len(batch) == LIST_PAGE:
                    yield batch
                    batch = []
        if batch:
            yield batch
        if not seen:
            raise BucketNotFound(
                f"nothing below {display_name(str(source))} is deleted",
                remedy="'pail versions' lists what is left.",
                url=str(source),
            )

    async def _renamed(self, item: JobItem, source: GsUrl) -> Record | None:
        """Return the rename of a real folder to where there is none; None where its objects have to move."""
        if self._spec.action != "move" or not is_gs_url(item.target) or not source.name or self._spec.excludes:
            return None
        target = _as_prefix(parse_gs_url(item.target))
        if target.bucket != source.bucket or not target.name:
            return None
        seen, taken = await asyncio.gather(real_folder(self._data, source), real_folder(self._data, target))
        if not seen or taken:
            return None
        names.check_object_name(target.name)
        return Record(self._job, 0, "move-folder", str(source), str(target), generation=seen)

    async def _remote_tree(self, item: JobItem) -> AsyncIterator[list[Record]]:
        source = _as_prefix(parse_gs_url(item.source))
        renamed = await self._renamed(item, source)
        if renamed is not None:
            yield [renamed]
            return
        collisions = _Ancestors()
        into = _as_prefix(parse_gs_url(item.target)) if is_gs_url(item.target) else None
        seen = False
        hollow = HollowFolders(self._data, source) if self._spec.action in ("copy", "move", "delete") else None
        made = hollow if into is not None else None
        query = ListQuery(prefix=source.name, page_size=LIST_PAGE, slim=True)
        last = ""
        try:
            async for page in pages(self._data, source.bucket, query):
                listed = [row.name for row in page.objects]
                self.doubtful = self.doubtful or not names.ascending([last, *listed])
                last = listed[-1] if listed else last
                folders = await made.among(listed) if made is not None else []
                batch = self._hollow(folders, source, item)
                for row in page.objects:
                    seen = True
                    relative = row.name[len(source.name) :]
                    if relative and self._excludes.match(relative, folder=relative.endswith("/")):
                        continue
                    batch.append(self._listed(row, relative, source, into, item.target, collisions))
                if batch:
                    yield batch
            if made is not None and (batch := self._hollow(await made.rest(), source, item)):
                seen = True
                yield batch
            self.folders = self.folders or (hollow is not None and await hollow.any())
        finally:
            if hollow is not None:
                await hollow.close()
        if not seen and source.name and not self._again and not await real_folder(self._data, source):
            raise BucketNotFound(f"there is nothing below {display_name(str(source))}", url=str(source))

    def _hollow(self, folders: list[str], source: GsUrl, item: JobItem) -> list[Record]:
        """Return what makes the empty folders of a tree in its copy; those of a download come with their files."""
        if not is_gs_url(item.target):
            return []
        target, made = _as_prefix(parse_gs_url(item.target)), []
        for name in folders:
            relative = name[len(source.name) :]
            if (target.name + relative) and not (relative and self._excludes.match(relative, folder=True)):
                url = f"gs://{target.bucket}/{target.name}{relative}"
                made.append(Record(self._job, 0, "make-folder", f"gs://{source.bucket}/{name}", url))
        return made

    def _listed(
        self, row: ObjectRow, relative: str, source: GsUrl, into: GsUrl | None, root: str, above: _Ancestors
    ) -> Record:
        """Return the transfer of an object of a tree, which goes `into` a prefix, or else below `root` on disk."""
        record = Record(self._job, 0, self._action, f"gs://{source.bucket}/{row.name}")
        _describe(record, row)
        if self._spec.action == "delete":
            return record
        try:
            if into is not None:
                names.check_object_name(into.name + relative)
                record.target = f"gs://{into.bucket}/{into.name}{relative}"
            else:
                self._placed(record, relative, root, above)
        except PailError as error:
            record.fail(error)
        return record

    def _placed(self, record: Record, relative: str, root: str, above: _Ancestors) -> None:
        """Say where an object of a tree goes on disk."""
        root = root.rstrip("/") or "/"
        if relative.endswith("/") and record.size:
            raise UnmappableName(
                f"'{display_name(relative)}' is an object with bytes whose name is a folder's", url=record.source
            )
        clash = above.above(relative)
        if clash:
            raise UnmappableName(
                f"'{display_name(relative)}' cannot be a file here: '{display_name(clash)}' is an object too, and a "
                "file cannot hold files",
                url=record.source,
            )
        target = root
        if relative:
            below = names.local_path(relative.removesuffix("/"))
            tail = "/" if relative.endswith("/") else ""
            target = f"{root.rstrip('/')}/{below}{tail}"
        record.base, record.target = max(1, len(root)), target


class _Ancestors:
    """Finds objects that lie "below" another object, in a listing that comes in byte order.

    Between `a` and `a/b` only names that begin with `a` can come, so the chain of names that begin one another is all
    that has to be remembered.
    """

    def __init__(self) -> None:
        self._chain: list[str] = []

    def above(self, name: str) -> str:
        """Return the object that would have to be a folder to hold `name`, or an empty text."""
        while self._chain and not name.startswith(self._chain[-1]):
            self._chain.pop()
        clash = next((upper for upper in self._chain if name[len(upper) : len(upper) + 1] == "/"), "")
        # The placeholder `a/` beside an object `a` is such a clash too; one of a folder (`a/`, then `a/b`) is not.
        if name and not name.endswith("/") and not clash:
            self._chain.append(name)
        return clash


def check_no_loop(item: JobItem) -> None:
    """Raise `UsageError` where a tree would be copied into itself."""
    if not is_gs_url(item.source) or not is_gs_url(item.target):
        return
    source, target = _as_prefix(parse_gs_url(item.source)), _as_prefix(parse_gs_url(item.target))
    if source.bucket == target.bucket and target.name.startswith(source.name):
        raise UsageError(
            f"{display_name(item.source)} cannot go into itself",
            remedy="Choose a target outside of it.",
            url=item.target,
        )


def _as_prefix(url: GsUrl) -> GsUrl:
    return url if url.is_prefix else GsUrl(url.bucket, url.name + "/")


def _describe(record: Record, row: ObjectRow) -> None:
    record.size, record.generation, record.crc32c = row.size, row.generation, row.crc32c
    record.mtime, record.encoding = row.mtime, row.content_encoding


def describe(record: Record, info: ObjectInfo) -> None:
    """Note what is known of a transfer's source object."""
    _describe(record, info.row())

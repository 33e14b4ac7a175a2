"""What a person wrote, as items of a job: exact names before globs, and targets as gcloud understands them.

A target is a folder where it is written with a trailing `/`, is a whole bucket, or exists as a folder; then a source
keeps its name in it.  Else the target is the new name itself.
"""
# Paths are made absolute by their text alone: links in them are the person's own.
# ruff: noqa: PTH100, PTH119

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from services import names
from services.errors import BucketNotFound, LocalFileError, ObjectNotFound, UsageError
from services.gcs.interface import DataPlane, ListQuery, Storage
from services.globs import has_glob
from services.lookup import matches
from services.model import ObjectRow
from services.names import GsUrl, display_name, is_gs_url, parse_gs_url
from services.transfer.folders import real_folder
from services.transfer.messages import Action, JobItem

Verb = Literal["copy", "move", "delete"]
"""What a person wants done; where the sources and the target are decides which action that is."""

MOST_ITEMS: Final = 1_000_000
"""Objects that a glob may mean."""


class Source(NamedTuple):
    """One source that exists."""

    where: str
    """Absolute path or raw URL; of a prefix with its trailing `/`, of a whole bucket without a name."""
    name: str
    """Its own name, under which it lies in a folder; empty where only its content is meant (`dir/.`)."""
    tree: bool = False
    """It is a folder or a prefix."""
    generation: int | None = None
    """Generation that was seen, of an object."""
    exact: bool = False
    """Exactly this generation was asked for."""


def action_for(verb: Verb, sources: Sequence[str], target: str = "") -> Action:
    """Return the action that a verb means between these places; raises `UsageError` where it means none."""
    if not sources:
        raise UsageError("nothing was named", remedy="Name at least one source.")
    remote = {is_gs_url(source) for source in sources}
    if len(remote) > 1:
        raise UsageError(
            "the sources are partly local and partly in a bucket", remedy="Use one command for each kind of source."
        )
    from_storage, to_storage = remote.pop(), is_gs_url(target)
    if verb == "delete":
        if not from_storage:
            raise UsageError(
                f"'{display_name(sources[0])}' is a local path",
                remedy="Only objects are deleted: write gs://BUCKET/NAME.",
            )
        return "delete"
    if not from_storage and not to_storage:
        raise UsageError("neither the source nor the target is in a bucket", remedy="Use cp or mv of the system.")
    if verb == "move":
        return "move"
    if from_storage:
        return "copy" if to_storage else "download"
    return "upload"


async def resolve(
    action: Action,
    sources: Sequence[str],
    target: str = "",
    *,
    storage: Storage,
    recursive: bool = False,
    literal: bool = False,
    generation: int | None = None,
) -> tuple[JobItem, ...]:
    """Find the sources and say where each goes.

    `literal` takes wildcards as ordinary characters; `generation` names one version of the only source.  Raises
    `UsageError`, `ObjectNotFound`, `BucketNotFound`, `LocalFileError`.
    """
    if not sources:
        raise UsageError("nothing was named", remedy="Name at least one source.")
    if generation is not None and (len(sources) != 1 or recursive or not is_gs_url(sources[0])):
        raise UsageError("a generation belongs to exactly one object", remedy="Name that object alone, without -r.")
    finder = _Objects(storage.data, recursive=recursive, literal=literal)
    if action != "delete" and is_gs_url(target):
        url = parse_gs_url(target)
        if not url.bucket:
            raise UsageError(f"'{display_name(target)}' names no bucket", remedy="Write it as gs://BUCKET/NAME.")
        # The sources are looked for meanwhile: on a distant service each question in turn is time that passes unused.
        target_filled = asyncio.ensure_future(_nothing_there() if url.is_prefix else _has_below(storage.data, url))
        try:
            found = await _find(finder, sources, generation)
            filled = await target_filled
            folder = url.is_prefix or (
                filled and await _is_folder(storage.data, url, tree=any(source.tree for source in found))
            )
        finally:
            if not target_filled.cancel() and not target_filled.cancelled():
                target_filled.exception()  # where the sources are wrong nobody asks about the target
        items = place_in_bucket(found, url, folder=folder, several=len(found) > 1)
        fresh = action == "upload" and not (filled or url.is_prefix)
        return tuple(item._replace(fresh=fresh and item.tree) for item in items)
    found = await _find(finder, sources, generation)
    if action == "delete":
        return tuple(_item(source, "") for source in found)
    exists = await asyncio.to_thread(os.path.isdir, target)
    return place_on_disk(found, target, folder=exists or target.endswith(os.sep), several=len(found) > 1)


async def _find(finder: _Objects, sources: Sequence[str], generation: int | None) -> list[Source]:
    """Find all sources, one after the other."""
    found: list[Source] = []
    for source in sources:
        if is_gs_url(source):
            found += await finder.find(parse_gs_url(source), generation)
        else:
            found += await asyncio.to_thread(find_local, source, recursive=finder.recursive, literal=finder.literal)
    return found


async def _nothing_there() -> bool:
    return False


def place_in_bucket(found: Sequence[Source], target: GsUrl, *, folder: bool, several: bool) -> tuple[JobItem, ...]:
    """Say where each source goes in a bucket; raises `UsageError` for several sources without a folder."""
    _check_several(target.name, folder=folder, several=several)
    base = target.name if not target.name or target.name.endswith("/") else target.name + "/"
    items = []
    for source in found:
        own = source.name if is_gs_url(source.where) else names.object_name(source.name)
        single = base + own if folder else target.name
        tree = base + own + "/" if folder and own else base
        name = tree if source.tree else single
        items.append(_item(source, str(GsUrl(target.bucket, name))))
    return tuple(items)


def place_on_disk(found: Sequence[Source], target: str, *, folder: bool, several: bool) -> tuple[JobItem, ...]:
    """Say where each source goes on disk; raises `UsageError` for several sources without a folder."""
    _check_several(target, folder=folder, several=several)
    base = os.path.abspath(target)
    items = []
    for source in found:
        path = base
        if folder and source.name:
            # A placeholder (`dir/`) that was named itself stays a folder.
            tail = "/" if source.name.endswith("/") else ""
            path = f"{base.rstrip('/')}/{names.local_path(source.name.removesuffix('/'))}{tail}"
        items.append(_item(source, path))
    return tuple(items)


def find_local(source: str, *, recursive: bool, literal: bool) -> list[Source]:
    """Find local files and folders: the exact path first, then a glob.

    Blocks; raises `LocalFileError`, `UsageError`.
    """
    if os.path.lexists(source):
        return [_local(source, recursive=recursive)]
    globbed = [] if literal or not has_glob(source) else _globbed(source)
    if not globbed:
        raise LocalFileError(
            f"there is no file {display_name(source)}", remedy="Check the path.", url=os.path.abspath(source)
        )
    return [_local(match, recursive=recursive) for match in globbed if recursive or not Path(match).is_dir()]


def _globbed(pattern: str) -> list[str]:
    import glob  # shells expand most patterns before we see them

    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - also absolute ones


def _local(source: str, *, recursive: bool) -> Source:
    path = os.path.abspath(source)
    if not Path(path).is_dir():
        return Source(path, os.path.basename(path))
    if not recursive:
        raise UsageError(f"'{display_name(source)}' is a folder", remedy="Use -r for folders.", url=path)
    inside = os.path.basename(source.rstrip("/")) in (".", "..")
    return Source(path, "" if inside else os.path.basename(path), tree=True)


class _Objects:
    """Finds what a `gs://` URL means."""

    def __init__(self, data: DataPlane, *, recursive: bool, literal: bool) -> None:
        self._data = data
        self.recursive = recursive
        """Whether folders are meant with all that is below them."""
        self.literal = literal
        """Whether wildcards are ordinary characters."""

    async def find(self, url: GsUrl, generation: int | None) -> list[Source]:
        """Return the object of that very name, the prefix, or what the glob means."""
        if not url.bucket:
            raise UsageError("'gs://' names no bucket", remedy="Write it as gs://BUCKET/NAME.")
        if generation is not None:
            info = await self._data.stat(url.bucket, url.name, generation=generation)
            return [Source(str(url), names.base_name(url.name), generation=info.generation, exact=True)]
        if not url.name:
            return [self._whole_bucket(url)]
        found = await self._exact(url)
        if not found and not self.literal and has_glob(url.name):
            found = await self._glob(url)
        if found:
            return found
        if await self._below(url):
            raise UsageError(f"{display_name(str(url))} is a folder", remedy="Use -r for folders.", url=str(url))
        if self.recursive:
            raise BucketNotFound(
                f"there is nothing at or below {display_name(str(url))}",
                remedy="Check the name; 'pail ls' lists what is there.",
                url=str(url),
            )
        raise ObjectNotFound(f"there is no object {display_name(str(url))}", url=str(url))

    def _whole_bucket(self, url: GsUrl) -> Source:
        if not self.recursive:
            raise UsageError(f"{url} is a whole bucket", remedy="Use -r to mean everything in it.", url=str(url))
        return Source(str(url), url.bucket, tree=True)

    async def _exact(self, url: GsUrl) -> list[Source]:
        if not self.recursive:
            return await self._object(url)
        if url.name.endswith("/"):
            folder = await self._below(url)
            found = [] if folder else await self._object(url)
        else:
            folder, found = await asyncio.gather(self._below(url), self._object(url))
        if folder:
            prefix = url.name if url.name.endswith("/") else url.name + "/"
            found.append(Source(f"gs://{url.bucket}/{prefix}", names.base_name(prefix).removesuffix("/"), tree=True))
        return found

    async def _object(self, url: GsUrl) -> list[Source]:
        try:
            info = await self._data.stat(url.bucket, url.name)
        except ObjectNotFound:
            return []
        return [Source(str(url), names.base_name(url.name), generation=info.generation)]

    async def _glob(self, url: GsUrl) -> list[Source]:
        found: list[Source] = []
        async for match in matches(self._data, url.bucket, url.name):
            if isinstance(match, ObjectRow):
                name = names.base_name(match.name)
                found.append(Source(f"gs://{url.bucket}/{match.name}", name, generation=match.generation))
            elif self.recursive:
                name = names.base_name(match).removesuffix("/")
                found.append(Source(f"gs://{url.bucket}/{match}", name, tree=True))
            if len(found) > MOST_ITEMS:
                raise UsageError(
                    f"{display_name(str(url))} means more than {MOST_ITEMS:,} objects", remedy="Use -r on a folder."
                )
        return found

    async def _below(self, url: GsUrl) -> bool:
        return await _has_below(self._data, url)


async def _has_below(data: DataPlane, url: GsUrl) -> bool:
    prefix = url.name if url.name.endswith("/") else url.name + "/"
    # Side by side: on a distant line one after the other is a round trip more before anything moves.
    page, folder = await asyncio.gather(
        data.list_page(url.bucket, ListQuery(prefix=prefix, page_size=1)),
        real_folder(data, GsUrl(url.bucket, prefix)),
    )
    return bool(page.objects or page.prefixes or folder)


async def _is_folder(data: DataPlane, url: GsUrl, *, tree: bool) -> bool:
    """Tell whether a target with something below it stands for the folder: for a single file an object of it wins."""
    if tree:
        return True
    try:
        await data.stat(url.bucket, url.name)
    except ObjectNotFound:
        return True
    return False


def _check_several(target: str, *, folder: bool, several: bool) -> None:
    if several and not folder:
        raise UsageError(
            f"'{display_name(target)}' is not a folder, and there are several sources",
            remedy="End the target with '/' to have them put into a folder of that name.",
        )


def _item(source: Source, target: str) -> JobItem:
    return JobItem(source.where, target, tree=source.tree, generation=source.generation, exact=source.exact)

"""One connection to storage while the screen lasts: its buckets, the workspace, what may be done."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.access import Access, probe, probe_quietly
from services.connection import Connection
from services.credentials import default_bucket
from services.errors import BucketNotFound, Forbidden, PailError
from services.gcs.interface import Storage
from services.model import Ability, BucketInfo, BucketSpec
from services.names import display_name
from services.permissions import SETTINGS
from services.workspace import Workspace

CHOICES_LIMIT: Final = 5_000
"""Buckets that are listed for the selector at the most."""

RECENT: Final = 5
"""Recent buckets that are offered besides those of the workspace."""

PROBED: Final = 48
"""Buckets that are asked what may be done with them when the selector opens, the first ones of its list."""

PROBES: Final = 8
"""Buckets that are asked side by side."""

FRESH_S: Final = 60.0
"""Seconds for which an answer to that is believed."""


@dataclass(frozen=True, slots=True)
class BucketChoice:
    """A bucket as the selector offers it."""

    name: str
    """Its name."""
    alias: str = ""
    """What the workspace calls it; empty where that is its name."""
    attached: bool = False
    """Whether the workspace has it."""
    ability: Ability = "unknown"
    """What may be done with it, where that was found out."""
    reason: str = ""
    """Why not more."""
    recent: bool = False
    """Whether it was open lately."""


class Session:
    """Storage over one connection, with the workspace's buckets and what may be done with each."""

    def __init__(
        self, connection: Connection, storage: Storage, workspace: Workspace, folder: Path | None = None
    ) -> None:
        """Work in `workspace`, which was looked for in `folder` where that was said."""
        self._folder = folder
        self.connection = connection
        self.storage = storage
        self.notice = ""
        """Why buckets cannot be listed, if they cannot."""
        self._workspace = workspace
        self._access: dict[str, Access] = {}
        self._asked: dict[str, float] = {}
        self._names: list[str] = []

    @classmethod
    async def open(cls, connection: Connection, workspace_folder: str | None = None) -> Session:
        """Open the connection; Google's libraries are imported in a thread.

        Raises what `open_storage` and `Workspace.load` raise.
        """
        explicit = None if workspace_folder is None else Path(workspace_folder)
        default = await default_bucket(connection)
        workspace = await asyncio.to_thread(lambda: Workspace.load(Path.cwd(), explicit, default_bucket=default))
        module: Any = await asyncio.to_thread(importlib.import_module, "services.gcs.open")
        return cls(connection, await module.open_storage(connection), workspace, explicit)

    async def close(self) -> None:
        """Close the connection."""
        await self.storage.close()

    @property
    def where(self) -> str:
        """The connection in a few words, safe for a terminal."""
        return describe(self.connection)

    @property
    def detail(self) -> str:
        """Who asks, or where the store lies (raw)."""
        return self.connection.local_dir or self.connection.credentials.detail

    @property
    def problems(self) -> list[str]:
        """What could not be used of the workspace's files, one line each."""
        return self._workspace.problems

    @property
    def project(self) -> Path | None:
        """Folder of the project; None for the user's own list of buckets."""
        return self._workspace.folder

    @property
    def workspace(self) -> str:
        """What to call the workspace, safe for a terminal."""
        return display_name(self._workspace.label)

    def alias(self, bucket: str) -> str:
        """Return what the workspace calls a bucket, its name where it has no alias (raw)."""
        attached = self._workspace.attached(self.connection)
        return next((one.alias for one in attached if one.name == bucket and one.alias), bucket)

    def is_attached(self, bucket: str) -> bool:
        """Tell whether the workspace has a bucket."""
        return any(one.name == bucket for one in self._workspace.attached(self.connection))

    async def first_bucket(self) -> str:
        """Return the bucket to open without being told one: the current one, else the only one; else ""."""
        current = self._workspace.current(self.connection)
        if current:
            return current
        choices = await self.choices()
        return choices[0].name if len(choices) == 1 else ""

    async def choices(self) -> list[BucketChoice]:
        """Return the buckets to choose from: attached ones first, then those that can be listed, then recent ones.

        Credentials that may not list buckets are normal: `notice` says so, and the others are left.
        """
        self.notice = ""
        self._names = await self._listed()
        return self.known_choices()

    def known_choices(self) -> list[BucketChoice]:
        """Return the buckets to choose from as they are known without asking anybody."""
        attached = self._workspace.attached(self.connection)
        found = {bucket.name: self._choice(bucket.name, bucket.alias, attached=True) for bucket in attached}
        recent = [name for name in self._workspace.recent(self.connection) if name not in found][:RECENT]
        for name in recent:
            found[name] = self._choice(name, recent=True)
        for name in self._names:
            if name not in found:
                found[name] = self._choice(name)
        return list(found.values())

    def _choice(self, name: str, alias: str = "", *, attached: bool = False, recent: bool = False) -> BucketChoice:
        access = self._access.get(name, Access("unknown"))
        return BucketChoice(name, alias, attached, access.ability, access.reason, recent)

    async def learn(self, names: Sequence[str], told: Callable[[], None]) -> None:
        """Find out what may be done with buckets, several at once; `told` is called after each."""
        turns = asyncio.Semaphore(PROBES)
        since = time.monotonic() - FRESH_S

        async def one(name: str) -> None:
            async with turns:
                self._keep(name, await probe_quietly(self.storage, name))
                told()

        stale = [name for name in names[:PROBED] if self._asked.get(name, since) <= since]
        await asyncio.gather(*(one(name) for name in stale))

    def _keep(self, bucket: str, access: Access) -> None:
        self._access[bucket] = access
        self._asked[bucket] = time.monotonic()

    async def deleted(self) -> list[BucketInfo]:
        """Return buckets that were deleted and can be restored; none where they may not be listed."""
        found: list[BucketInfo] = []
        token = ""
        with contextlib.suppress(PailError):
            while len(found) < CHOICES_LIMIT:
                page = await self.storage.control.list_buckets(token=token, soft_deleted=True)
                found += page.buckets
                token = page.next_token
                if not token:
                    break
        return found

    async def restore(self, bucket: str, generation: int) -> None:
        """Bring a deleted bucket back; raises `PailError`."""
        await self.storage.control.restore_bucket(bucket, generation)
        self._asked.pop(bucket, None)

    async def is_taken(self, name: str) -> bool | None:
        """Tell whether a bucket of that name exists, whoever has it; None where nobody says."""
        try:
            await self.storage.control.test_permissions(name, [SETTINGS])
        except BucketNotFound:
            return False
        except Forbidden:
            return True
        except PailError:
            return None
        return True

    async def others(self) -> tuple[tuple[str, ...], str]:
        """Return buckets that can be listed and are not the workspace's, and why there may be none."""
        choices = await self.choices()
        return tuple(choice.name for choice in choices if not choice.attached), self.notice

    async def appeared(self, known: frozenset[str]) -> str:
        """Return a bucket that was given to this workspace and is not among `known`; "" for none.

        Replit's sidecar, its environment and the project's files are asked again.  Raises what `Workspace.load` raises.
        """
        default = await default_bucket(self.connection)
        workspace = await asyncio.to_thread(lambda: Workspace.load(Path.cwd(), self._folder, default_bucket=default))
        new = [bucket.name for bucket in workspace.attached(self.connection) if bucket.name not in known]
        if new:
            self._workspace = workspace
        return new[0] if new else ""

    @property
    def is_replit(self) -> bool:
        """Whether Replit's sidecar gave the credentials: buckets are made in Replit's own tool then."""
        return self.connection.credentials.kind == "replit"

    async def rename(self, bucket: str, alias: str) -> None:
        """Give a bucket another display name in the workspace, which has it from then on; raises `LocalFileError`."""
        await asyncio.to_thread(self._workspace.attach, self.connection, bucket, alias)

    async def _listed(self) -> list[str]:
        names: list[str] = []
        token = ""
        try:
            while len(names) < CHOICES_LIMIT:
                page = await self.storage.control.list_buckets(token=token)
                names += [bucket.name for bucket in page.buckets]
                token = page.next_token
                if not token:
                    break
        except Forbidden:
            self.notice = "These credentials may not list buckets; open one by its name."
        except PailError as error:
            self.notice = f"{error.message} {error.remedy}".strip()
        return names

    def known_ability(self, bucket: str) -> Ability:
        """Return what may be done with a bucket, as far as that was found out."""
        access = self._access.get(bucket)
        return access.ability if access is not None else "unknown"

    async def access(self, bucket: str) -> Access:
        """Find out what may be done with a bucket; raises `BucketNotFound`, `Transient`."""
        access = await probe(self.storage, bucket)
        self._keep(bucket, access)
        return access

    async def select(self, bucket: str) -> None:
        """Remember a bucket as the current one; raises `LocalFileError`."""
        await asyncio.to_thread(self._workspace.select, self.connection, bucket)

    async def attach(self, bucket: str) -> None:
        """Add a bucket to the workspace once it is known to be there; raises `PailError`."""
        access = await self.access(bucket)
        if access.ability == "no access":
            raise Forbidden(f"{display_name(bucket)} cannot be opened: {access.reason}", url=f"gs://{bucket}")
        await asyncio.to_thread(self._workspace.attach, self.connection, bucket)

    async def detach(self, bucket: str) -> None:
        """Take a bucket out of the workspace; raises `LocalFileError`."""
        await asyncio.to_thread(self._workspace.detach, self.connection, bucket)

    async def create(self, spec: BucketSpec) -> BucketInfo:
        """Create a bucket and attach it; raises `PailError`."""
        made = await self.storage.control.create_bucket(spec)
        await asyncio.to_thread(self._workspace.attach, self.connection, made.name)
        return made

    async def forget(self, bucket: str) -> None:
        """Take a bucket that is deleted off every list; raises `LocalFileError`."""
        self._access.pop(bucket, None)
        self._names = [name for name in self._names if name != bucket]
        await self.detach(bucket)


def describe(connection: Connection) -> str:
    """Return a connection in a few words, safe for a terminal."""
    return "local store" if connection.is_local else display_name(connection.label)

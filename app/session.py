"""One connection to storage while the screen lasts: opened off the event loop, closed with the screen."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import Any, Final

from services.connection import Connection
from services.errors import Forbidden, PailError
from services.gcs.interface import Storage
from services.model import Ability, BucketInfo, BucketSpec
from services.names import display_name

CHOICES_LIMIT: Final = 5_000
"""Buckets that are listed for the selector at the most."""


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

    @property
    def title(self) -> str:
        """What a person reads."""
        return display_name(self.alias or self.name)


class Session:
    """Storage over one connection, with what is known of its buckets."""

    def __init__(self, connection: Connection, storage: Storage) -> None:
        self.connection = connection
        self.storage = storage
        self.notice = ""
        """Why buckets cannot be listed, if they cannot."""
        self._abilities: dict[str, Ability] = {}

    @classmethod
    async def open(cls, connection: Connection) -> Session:
        """Open the connection; Google's libraries are imported in a thread.  Raises what `open_storage` raises."""
        module: Any = await asyncio.to_thread(importlib.import_module, "services.gcs.open")
        return cls(connection, await module.open_storage(connection))

    async def close(self) -> None:
        """Close the connection."""
        await self.storage.close()

    @property
    def where(self) -> str:
        """The connection in a few words, safe for a terminal."""
        return "local store" if self.connection.is_local else display_name(self.connection.label)

    async def choices(self) -> list[BucketChoice]:
        """Return the buckets to choose from: attached ones first, then those that can be listed.

        Credentials that may not list buckets are normal: `notice` says so, and the attached ones are left.
        """
        self.notice = ""
        found: dict[str, BucketChoice] = {}
        token = ""
        try:
            while len(found) < CHOICES_LIMIT:
                page = await self.storage.control.list_buckets(token=token)
                for bucket in page.buckets:
                    ability = self._abilities.get(bucket.name, "unknown")
                    found.setdefault(bucket.name, BucketChoice(bucket.name, ability=ability))
                token = page.next_token
                if not token:
                    break
        except Forbidden:
            self.notice = "These credentials may not list buckets; add one by its name."
        except PailError as error:
            self.notice = f"{error.message} {error.remedy}".strip()
        return list(found.values())

    async def ability(self, bucket: str) -> Ability:
        """Return what these credentials may do with a bucket; raises `PailError`."""
        if bucket not in self._abilities:
            self._abilities[bucket] = "unknown"
        return self._abilities[bucket]

    async def select(self, bucket: str) -> None:
        """Remember a bucket as the current one."""

    async def create(self, spec: BucketSpec) -> BucketInfo:
        """Create a bucket and attach it; raises `PailError`."""
        return await self.storage.control.create_bucket(spec)

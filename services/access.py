"""What these credentials may do with a bucket: asked, never assumed, and tolerant of not being told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from services.errors import BucketNotFound, Forbidden, NotAuthenticated, PailError, Rejected
from services.gcs.interface import ListQuery, Storage
from services.model import Ability
from services.names import display_name
from services.permissions import ASKED, CREATE, DELETE, GET, LIST
from services.words import joined

IN_WORDS: Final = {LIST: "list", GET: "read", CREATE: "create", DELETE: "delete"}
"""What a person may do with objects, by the permission it needs."""


@dataclass(frozen=True, slots=True)
class Access:
    """What may be done with a bucket, and why not more."""

    ability: Ability
    """In a person's words, for the badge."""
    reason: str = ""
    """Why not more; empty where everything is allowed."""
    permissions: frozenset[str] = field(default_factory=frozenset)
    """Those of `ASKED` that are allowed, as far as it is known."""

    @property
    def told(self) -> bool:
        """Whether the service said what is allowed: then what is not in `permissions` is refused."""
        return self.ability != "unknown"

    def refuses(self, permission: str) -> str:
        """Return why something that needs a permission cannot work, in one line; empty where it may."""
        if not self.told or permission in self.permissions:
            return ""
        return f"needs {permission}, which these credentials do not have"


async def probe(storage: Storage, bucket: str) -> Access:
    """Find out what may be done with a bucket.

    The service is asked; where it will not say, one row is listed, which proves reading and leaves writing open.
    Raises `BucketNotFound`, and `Transient` where nobody answers.
    """
    try:
        return judge(await storage.control.test_permissions(bucket, ASKED))
    except BucketNotFound:
        raise
    except (Forbidden, NotAuthenticated, Rejected) as refusal:
        return await _try_list(storage, bucket, refusal)


async def probe_opening(storage: Storage, bucket: str) -> Access:
    """Find out what may be done with a bucket that somebody wants to open, and that it can be opened at all.

    Where listing is said to be allowed, one row is listed.  Raises `Forbidden` where nothing is allowed,
    `BucketNotFound`, `Transient`.
    """
    found = await probe(storage, bucket)
    if found.ability == "no access":
        raise Forbidden(f"cannot open gs://{display_name(bucket)}: {found.reason}", url=f"gs://{bucket}")
    if LIST in found.permissions and found.ability != "unknown":
        await storage.data.list_page(bucket, ListQuery(page_size=1))
    return found


def judge(allowed: frozenset[str]) -> Access:
    """Return what a set of permissions amounts to."""
    reads = LIST in allowed or GET in allowed
    writes = CREATE in allowed
    missing = [word for permission, word in IN_WORDS.items() if permission not in allowed]
    reason = f"may not {joined(missing, 'or')} objects" if missing else ""
    if not allowed & IN_WORDS.keys():
        reason = "nothing is allowed in it"
    ability: Ability = "no access"
    if reads and writes:
        ability = "read/write"
    elif reads:
        ability = "read only"
    elif writes:
        ability = "write only"
    return Access(ability, reason, allowed)


async def _try_list(storage: Storage, bucket: str, refusal: PailError) -> Access:
    try:
        await storage.data.list_page(bucket, ListQuery(page_size=1))
    except BucketNotFound:
        raise
    except (Forbidden, NotAuthenticated) as error:
        return Access("no access", error.message)
    return Access("unknown", f"reading works; more is not told: {refusal.message}", frozenset({LIST}))


async def probe_all(storage: Storage, buckets: list[str]) -> dict[str, Access]:
    """Probe several buckets side by side; what fails is `unknown`, with the reason."""
    found = await asyncio.gather(*(probe_quietly(storage, bucket) for bucket in buckets))
    return dict(zip(buckets, found, strict=True))


async def probe_quietly(storage: Storage, bucket: str) -> Access:
    """Probe a bucket; where that fails it is `unknown`, or not there, with the reason."""
    try:
        return await probe(storage, bucket)
    except PailError as error:
        return Access("no access" if isinstance(error, BucketNotFound) else "unknown", error.message)

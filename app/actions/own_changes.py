"""Own changes put into the list where they belong: a few looks at single objects instead of a listing of a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.errors import ObjectNotFound
from services.gcs.interface import DataPlane
from services.model import ObjectRow
from services.names import GsUrl, is_gs_url, parent_prefix, parse_gs_url
from services.transfer.messages import TransferView
from widgets.listing_tree import ListingTree

LOOKED_AT: Final = 16
"""Objects of one folder that are looked at one by one; where more have changed, a listing costs less."""

MOST: Final = 256
"""Transfers that are looked through for single changes; more end in a listing anyway, mostly."""

NEWEST: Final = 1 << 63
"""Above every generation: whatever is listed of the name is gone."""

_WRITE: Final = frozenset({"upload", "copy", "move", "restore"})
"""What leaves an object at its target."""


@dataclass(slots=True)
class Changes:
    """What has changed of the objects right in one folder."""

    written: set[str] = field(default_factory=set)
    """Names of objects that were written."""
    gone: dict[str, int] = field(default_factory=dict)
    """Names of objects that were deleted or moved away, with a generation that is no older than theirs was."""


def single_changes(bucket: str, transfers: Sequence[TransferView]) -> dict[str, Changes] | None:
    """Return what has changed in a bucket, by folder; None where only a listing tells, as of a renamed folder."""
    if len(transfers) > MOST:
        return None
    found: dict[str, Changes] = {}
    for transfer in transfers:
        if transfer.state != "done" or transfer.action == "skip":
            continue
        touched = list(_touched(transfer))
        if any(url.bucket == bucket for url, _ in touched) and transfer.action not in (*_WRITE, "delete"):
            return None
        for url, written in touched:
            if url.bucket != bucket:
                continue
            if url.name.endswith("/"):
                return None
            changes = found.setdefault(parent_prefix(url.name), Changes())
            if written:
                changes.written.add(url.name)
                changes.gone.pop(url.name, None)
            else:
                changes.gone[url.name] = transfer.generation
                changes.written.discard(url.name)
    few = all(len(changes.written) <= LOOKED_AT for changes in found.values())
    return found if few else None


def _touched(transfer: TransferView) -> Iterator[tuple[GsUrl, bool]]:
    """Yield what a transfer has touched in storage, and whether it is there now."""
    if transfer.action in ("move", "delete") and is_gs_url(transfer.source):
        yield parse_gs_url(transfer.source), False
    if transfer.action not in ("delete", "download") and is_gs_url(transfer.target):
        yield parse_gs_url(transfer.target), True
    if transfer.action not in (*_WRITE, "delete", "download") and is_gs_url(transfer.source):
        yield parse_gs_url(transfer.source), False


async def put_in(tree: ListingTree, data: DataPlane, bucket: str, prefix: str, changes: Changes) -> bool:
    """Show the changes of one folder, and the folders around it; False where something has to be listed.

    Raises `PailError`.
    """
    rows: list[ObjectRow] = []
    if tree.can_update(prefix):

        async def look(name: str) -> None:
            try:
                rows.append((await data.stat(bucket, name)).row())
            except ObjectNotFound:
                changes.gone[name] = NEWEST

        await asyncio.gather(*map(look, sorted(changes.written)))
        if not tree.update_folder(prefix, rows, changes.gone):
            return False
    elif tree.is_listed(prefix) or changes.gone:
        return False
    # The last object of a folder takes the folder along, and perhaps the one around it.
    if changes.gone and not tree.has_rows(prefix):
        return not prefix
    inner = prefix
    while inner and changes.written:
        outer = parent_prefix(inner)
        if tree.is_listed(outer) and not tree.update_folder(outer, (), {}, (inner,)):
            return False
        inner = outer
    return True

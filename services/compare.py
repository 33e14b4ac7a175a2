"""Two generations side by side: what is kept about them, and for texts of moderate size what stands in them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from typing import Final

from services.gcs.interface import DataPlane
from services.model import ObjectInfo
from services.object_details import details

TEXT_LIMIT: Final = 256 * 1024
"""Bytes up to which two objects are read to be compared, each."""

LINE_LIMIT: Final = 4_000
"""Lines up to which two texts are compared, each: the time grows with their product."""

SHOWN_LINES: Final = 2_000
"""Lines of a comparison that are returned at the most."""

CONTEXT_LINES: Final = 3
"""Lines around a difference that are the same."""

_OWN: Final = frozenset({"Generation", "Metageneration", "ETag", "Media link", "URL"})
"""Details that differ between any two generations, and say nothing by that."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is kept about two objects, and differs."""

    label: str
    """What it is, safe on a terminal."""
    before: str
    """In the first one, safe; empty where it has no such thing."""
    after: str
    """In the second one, safe."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two objects differ."""

    kept: tuple[Difference, ...]
    """What differs of what is kept about them."""
    lines: tuple[str, ...] = ()
    """Lines of both, raw, each with `+`, `-`, ` ` or `@` before it; empty where the bytes were not compared."""
    note: str = ""
    """What is to be said of the bytes, in one sentence."""


async def compare(
    data: DataPlane,
    before: ObjectInfo,
    after: ObjectInfo,
    *,
    unreadable: frozenset[tuple[str, int]] = frozenset(),
    zone: tzinfo | None = None,
) -> Comparison:
    """Compare two generations; `unreadable` are those that soft delete keeps, by name and generation.

    Raises `PailError` where bytes cannot be read that should.
    """
    kept = differences(before, after, zone)
    if before.size == after.size and before.crc32c and before.crc32c == after.crc32c:
        return Comparison(kept, note="The bytes are the same.")
    for one in (before, after):
        if (one.name, one.generation) in unreadable:
            return Comparison(kept, note="The bytes differ. Those of a deleted object can be read once it is restored.")
        if one.size > TEXT_LIMIT:
            return Comparison(kept, note="The bytes differ; they are too many to be compared here.")
        if one.content_encoding:
            return Comparison(kept, note="The bytes differ; they are stored encoded.")
    texts = await asyncio.gather(_text(data, before), _text(data, after))
    if texts[0] is None or texts[1] is None:
        return Comparison(kept, note="The bytes differ, and are no text.")
    if max(map(len, texts)) > LINE_LIMIT:  # type: ignore[arg-type]  # neither is None, as was just seen
        return Comparison(kept, note="The texts differ; they have too many lines to be compared here.")
    lines = await asyncio.to_thread(diff, texts[0], texts[1])
    return Comparison(kept, tuple(lines), "" if lines else "The texts differ only in how their lines end.")


def differences(before: ObjectInfo, after: ObjectInfo, zone: tzinfo | None = None) -> tuple[Difference, ...]:
    """Return what differs of what is kept about two objects, in the order of the details."""
    first = {detail.label: detail.value for detail in details(before, zone)}
    second = {detail.label: detail.value for detail in details(after, zone)}
    labels = [label for label in dict.fromkeys([*first, *second]) if label not in _OWN]
    return tuple(
        Difference(label, first.get(label, ""), second.get(label, ""))
        for label in labels
        if first.get(label) != second.get(label)
    )


def diff(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the lines of a unified comparison without its head; at most `SHOWN_LINES`, and a last one that says so."""
    lines = difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm="")
    body = list(islice((line for number, line in enumerate(lines) if number > 1), SHOWN_LINES + 1))
    if len(body) > SHOWN_LINES:
        body[-1] = "@@ and more differences @@"
    return body


async def _text(data: DataPlane, info: ObjectInfo) -> list[str] | None:
    """Return the lines of an object; None where it is no text."""
    async with data.read(info.bucket, info.name, generation=info.generation) as stream:
        body = b"".join([chunk async for chunk in stream])
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.splitlines()

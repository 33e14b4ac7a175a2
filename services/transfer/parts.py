"""The plan of an upload in parallel parts: which bytes go into which temporary object, and how far each is.

A part is an object of its own until the parts are composed.  Its name begins with `PREFIX`, which no synced folder and
no upload of a person's files uses, and its metadata name what it is a part of, so that whoever finds one that was left
behind knows what it is.  The plan is kept in the journal where a plain upload keeps its session.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services import checksum
from services.checksum import Crc32c
from services.model import BucketInfo, WriteAttributes
from services.transfer.metadata import NONCE_KEY

PREFIX: Final = ".pail/parts/"
"""How the names of all parts begin, in their bucket."""

PART_KEY: Final = "pail-part-of"
"""Metadata key of a part: the name of the object that it is a part of."""

COMPOSE_LIMIT: Final = 32
"""Objects that one compose joins (cloud.google.com/storage/docs/composite-objects)."""

MIB: Final = 1 << 20
"""Bytes of a MiB."""

SMALLEST: Final = 32 * MIB
"""Bytes of a part at least: a part costs an operation to begin and one to delete."""

LARGEST: Final = 4096 * MIB
"""Bytes of a part at most: what is lost where a session is lost.  Beyond 128 GiB they are composed in steps."""

_MARK: Final = "parts:"


def is_plan(session: str) -> bool:
    """Tell whether what the journal keeps as a session is the plan of an upload in parts."""
    return session.startswith(_MARK)


def part_bytes(size: int, smallest: int = SMALLEST) -> int:
    """Return the bytes of each part but the last of an object of `size` bytes: as many parts as one compose joins."""
    each = -(-size // COMPOSE_LIMIT)
    each = -(-each // MIB) * MIB if each > MIB else each
    return min(max(smallest, each), max(smallest, LARGEST))


@dataclass(slots=True, eq=False, repr=False)
class Part:
    """A range of the file, and the temporary object that it becomes."""

    index: int
    """Which one."""
    start: int
    """Its first byte."""
    end: int
    """The byte behind its last."""
    session: str = ""
    """Resumable session, once begun: a secret."""
    generation: int = 0
    """Generation of the finished part; 0 before."""
    crc: Crc32c = field(default_factory=Crc32c)
    """Checksum of the bytes that were read so far; of all of them once it is finished."""
    received: int = 0
    """Bytes that the service has."""
    flying: int = 0
    """Bytes on their way."""
    asked: bool = False
    """Whether `received` is what the session says; not so after a restart or a fault."""

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.end - self.start

    @property
    def done(self) -> bool:
        """Whether it is finished."""
        return self.generation > 0

    def finish(self, generation: int, crc: int) -> None:
        """Note that it is finished."""
        self.generation, self.session, self.crc = generation, "", Crc32c(crc)
        self.received, self.flying = self.size, 0

    def reset(self) -> None:
        """Begin anew."""
        self.session, self.generation, self.crc = "", 0, Crc32c()
        self.received = self.flying = 0
        self.asked = False


@dataclass(slots=True, eq=False, repr=False)
class Plan:
    """All parts of one upload."""

    size: int
    """Bytes of the file."""
    each: int
    """Bytes of each part but the last."""
    seen: int = 0
    """Generation of the target that was seen before the first byte was sent; 0 where there was none."""
    tag: str = field(default_factory=lambda: os.urandom(8).hex())
    """What the names of these parts have in common and those of no others."""
    spare: str = ""
    """Session of the upload in one stream, until it is clear that parts are faster: a secret."""
    parts: list[Part] = field(init=False)
    """In order."""

    def __post_init__(self) -> None:
        self.parts = [
            Part(index, start, min(start + self.each, self.size))
            for index, start in enumerate(range(0, self.size, self.each))
        ]

    @property
    def prefix(self) -> str:
        """How the names of its parts begin."""
        return f"{PREFIX}{self.tag}/"

    def name(self, part: Part) -> str:
        """Return the name of a part."""
        return f"{self.prefix}{part.index:05}"

    @property
    def moved(self) -> int:
        """Bytes that have moved."""
        return sum(part.received + part.flying for part in self.parts)

    @property
    def crc(self) -> int:
        """Checksum of the whole, joined from those of the parts."""
        return joined_crc([(part.crc.value, part.size) for part in self.parts])

    def text(self) -> str:
        """Return what the journal keeps: sessions are in it, so it is a secret."""
        rows = [[part.session, part.generation, part.crc.value if part.done else 0] for part in self.parts]
        plain = {
            "size": self.size,
            "each": self.each,
            "seen": self.seen,
            "tag": self.tag,
            "spare": self.spare,
            "parts": rows,
        }
        return _MARK + json.dumps(plain, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """Rebuild what `text` wrote; raises `ValueError`, `KeyError`, `TypeError` for anything else."""
        plain = json.loads(text.removeprefix(_MARK))
        size, each, seen = (int(plain[key]) for key in ("size", "each", "seen"))
        plan = cls(size, each, seen, str(plain["tag"]), str(plain["spare"]))
        for part, (session, generation, crc) in zip(plan.parts, plain["parts"], strict=True):
            part.session = str(session)
            if generation:
                part.finish(int(generation), int(crc))
        return plan


def joined_crc(pieces: Sequence[tuple[int, int]]) -> int:
    """Return the CRC32C of byte strings joined, from the checksum and the length of each."""
    value = 0
    for crc, length in pieces:
        value = checksum.combine(value, crc, length)
    return value


def part_attributes(target: str, nonce: str) -> WriteAttributes:
    """Return what marks a part of the object `target`."""
    return WriteAttributes(content_type="application/octet-stream", metadata={PART_KEY: target, NONCE_KEY: nonce})


def forbids(info: BucketInfo) -> str:
    """Return why parts could not be removed from a bucket, in words; empty where they can."""
    if info.hierarchical_namespace:
        return "it has real folders, and the parts' would stay"
    if "retentionPolicy" in info.resource:
        return "its retention policy would keep the parts"
    if info.resource.get("defaultEventBasedHold"):
        return "its default hold would keep the parts"
    return ""


def advises_against(info: BucketInfo) -> str:
    """Return why parts would cost more than they should in a bucket, in words; empty where they don't."""
    if info.versioning:
        return "it keeps older versions, and so the parts"
    if info.storage_class not in ("", "STANDARD"):
        return f"parts of class {info.storage_class} are billed for longer than they exist"
    return forbids(info)

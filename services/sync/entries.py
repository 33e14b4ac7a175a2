"""What sync knows of one path on either side, and what it does about it.

A key is an object's name below the pair's prefix.  Keys that end in `/` are folders: an empty local folder stands for
the placeholder object `dir/`, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from services.model import parse_mtime

EMPTY_CRC32C: Final = "AAAAAA=="
"""CRC32C of no bytes, as Google writes it."""

Mode = Literal["push", "pull", "two-way"]
"""Which way changes go: to the bucket, from the bucket, or both."""

MODES: Final[tuple[Mode, ...]] = ("push", "pull", "two-way")
"""Every mode."""

ActionKind = Literal[
    "upload", "download", "conflict", "move-remote", "delete-remote", "delete-local", "adopt", "forget"
]
"""What is done with a key.

`conflict` puts the local file under another name and the object in its place; `adopt` notes that both sides are the
same; `forget` drops what is gone from both sides.
"""

DELETES: Final[tuple[ActionKind, ...]] = ("delete-remote", "delete-local")
"""Kinds of actions that remove something."""


class Signature(NamedTuple):
    """What tells without reading whether a local file is still the same."""

    inode: int
    """Inode number."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Modification time, nanoseconds since the epoch."""
    ctime_ns: int
    """Change time, which no program can set back, nanoseconds since the epoch."""


class LocalEntry(NamedTuple):
    """A local file, or a folder."""

    signature: Signature | None
    """Signature of a file; None for a folder."""
    crc32c: str = ""
    """CRC32C of its content; empty where it was not read."""
    empty: bool = False
    """Whether a folder has nothing in it that could be synced."""
    fresh: bool = False
    """Whether it was read so soon after a change that another one would not show: its signature proves nothing."""

    @property
    def lasting(self) -> Signature | None:
        """The signature where it can be relied on later."""
        return None if self.fresh else self.signature


class RemoteEntry(NamedTuple):
    """A live object."""

    generation: int
    """Version of its content."""
    size: int
    """Bytes as stored."""
    crc32c: str
    """CRC32C of the stored bytes."""
    stamp: str = ""
    """Modification time of its source as its metadata says it, which may be anything."""

    @property
    def mtime(self) -> float | None:
        """Modification time of its source, seconds since the epoch; None where none was kept that makes sense."""
        return parse_mtime(self.stamp)


class BaseEntry(NamedTuple):
    """What both sides agreed on when a key was last synced."""

    signature: Signature | None
    """Signature of the local file; None where it was never seen at rest, so that it is read again."""
    size: int
    """Bytes."""
    crc32c: str
    """CRC32C."""
    generation: int
    """Generation of the object."""


class Action(NamedTuple):
    """One thing to do with one key."""

    kind: ActionKind
    """What."""
    key: str
    """The key it is about; of a move the new one."""
    local: LocalEntry | None = None
    """The local side as it was planned on; what is found to differ is not touched."""
    remote: RemoteEntry | None = None
    """The object as it was planned on (of a move: the source)."""
    base: BaseEntry | None = None
    """What was agreed before."""
    source: str = ""
    """Key that a move takes the object from."""
    copy: str = ""
    """Key under which a conflict keeps the local file."""

    @property
    def is_folder(self) -> bool:
        """Whether it is about a folder."""
        return self.key.endswith("/")

    @property
    def size(self) -> int:
        """Bytes that it moves or removes."""
        if self.kind in ("download", "conflict", "delete-remote", "move-remote"):
            return self.remote.size if self.remote else 0
        if self.local is not None and self.local.signature is not None:
            return self.local.signature.size
        return 0


class Problem(NamedTuple):
    """A path that is left alone, and why."""

    key: str
    """Key or local path, raw."""
    message: str
    """One sentence; names in it have passed `display_name`."""
    remedy: str = ""
    """What to do about it; empty where there is nothing better than to leave it out."""


class Plan(NamedTuple):
    """Everything that is to be done, deletes last."""

    actions: tuple[Action, ...] = ()
    """What to do."""
    problems: tuple[Problem, ...] = ()
    """What is left alone because it cannot be mapped."""
    tracked: int = 0
    """Files that were in step before, which a mass delete is measured against."""

    @property
    def work(self) -> tuple[Action, ...]:
        """Return the actions that change something outside of our own notes."""
        return tuple(action for action in self.actions if action.kind not in ("adopt", "forget"))

    @property
    def deletes(self) -> tuple[Action, ...]:
        """Return the deletes of files, on either side."""
        return tuple(a for a in self.actions if a.kind in DELETES and not a.is_folder)

    def without(self, keys: frozenset[str]) -> Plan:
        """Return the plan without what a person has unticked."""
        return self._replace(actions=tuple(action for action in self.actions if action.key not in keys))


@dataclass(slots=True)
class LocalTree:
    """What a scan of the local folder found."""

    entries: dict[str, LocalEntry] = field(default_factory=dict)
    """Files and folders by key."""
    ignored: int = 0
    """Files and folders that a rule leaves out (what lies below a folder is not counted)."""
    problems: list[Problem] = field(default_factory=list)
    """Links, devices, names that have no counterpart, folders that cannot be read."""
    partials: list[str] = field(default_factory=list)
    """Unfinished downloads of sync: paths below the root."""
    unknown: set[str] = field(default_factory=set)
    """Keys about which nothing is known: nothing at or below (`…/`) them is touched."""

    def covers(self, key: str) -> bool:
        """Tell whether the scan can say what lies at `key`."""
        if not self.unknown:
            return True
        if key in self.unknown:
            return False
        parts = key.split("/")
        return not any("/".join(parts[:n]) + "/" in self.unknown for n in range(len(parts)))


Base = Mapping[str, BaseEntry]
"""The last agreed state, by key."""
Local = Mapping[str, LocalEntry]
"""The local side, by key."""
Remote = Mapping[str, RemoteEntry]
"""The bucket's side, by key."""

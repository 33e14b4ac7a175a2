"""Those who edit on both sides, what they have seen and left, and what therefore must never be lost."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from services.model import Precondition
from tests.simulation.bucket import Objects
from tests.simulation.kernel import Inode, Kernel

NAMES: Final = ("a", "b", "c", "d/a", "d/b", "d/e/c", "f/a", "f/b.txt")
"""Names that are edited most; no one of them is the folder of another."""

FRESH_NS: Final = 50_000_000
"""Nanoseconds after a change within which nobody puts a time back."""

NOBODY: Final = "?"
"""Marks a key as edited by one more hand than is known: what is to be there cannot be said of it."""


def is_ours(path: str) -> bool:
    """Tell whether a path is Pail's own."""
    return path.split("/", 1)[0] == ".pail" or "/.pail-part-" in f"/{path}"


@dataclass
class Ledger:
    """Which versions there were, and who put them aside."""

    required: dict[bytes, str] = field(default_factory=dict)
    """Versions that nobody has put aside, with the key they were written under."""
    hidden: set[bytes] = field(default_factory=set)
    """Of those the ones that may lie in the trash only: written into a file that had been replaced."""
    edited: dict[str, dict[str, bytes | None]] = field(default_factory=lambda: defaultdict(dict))
    """What each who edited a key since all was in step left there (None: nothing)."""
    _movers: dict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))
    _number: int = 0

    def moved(self, who: str, data: bytes) -> None:
        """Somebody has given a version another name.

        Where two have done so at once, and each then finds the other's old name gone, both names can be deleted as
        each of them left it; what becomes of it is in the trash.
        """
        self._movers[data].add(who)
        if len(self._movers[data]) > 1 and data in self.required:
            self.hidden.add(data)

    def saved_again(self, who: str, key: str) -> None:
        """Somebody saves under a name that is free only because the engine has just taken their last version away.

        They replace that one as far as they know; it may be in the trash.
        """
        last = self.edited[key].get(who)
        if last is not None and self.required.get(last) == key:
            self.hidden.add(last)

    def fresh(self, like: bytes = b"") -> bytes:
        """Return a content that never was, of the length of another where one is given."""
        self._number += 1
        return f"v{self._number:x}".ljust(max(8, len(like)), ".").encode()

    def wrote(self, who: str, key: str, data: bytes) -> None:
        self.edited[key][who] = data
        if data:
            self.required[data] = key

    def removed(self, who: str, key: str, data: bytes) -> None:
        """Somebody replaced or removed what they saw."""
        self.edited[key][who] = None
        self.set_aside(data)

    def set_aside(self, data: bytes) -> None:
        self.required.pop(data, None)
        self.hidden.discard(data)

    def doubt(self, key: str) -> None:
        self.edited[key][NOBODY] = None

    def in_step(self) -> None:
        self.edited.clear()
        self._movers.clear()


class Person:
    """Somebody who edits files on one machine."""

    def __init__(self, name: str, kernel: Kernel, ledger: Ledger, chance: random.Random) -> None:
        self.name = name
        self._kernel = kernel
        self._ledger = ledger
        self._chance = chance
        self._writing: list[tuple[str, Inode]] = []
        self.away = False
        """Whether this person's files are out of reach."""

    def act(self, *, inside: bool = False) -> str:
        """Do something and return it in words; `inside` of a single piece of the engine's work on the disk.

        Nobody is so quick that a time is put back within the microseconds between a look at a file and its rename.
        """
        if self.away:
            return f"{self.name} is away"
        acts = (
            (self._write, 6), (self._save, 6), (self._delete, 3), (self._rename, 3), (self._copy, 1), (self._touch, 1),
            (self._write if inside else self._put_time_back, 2), (self._begin_writing, 2), (self._go_on_writing, 4),
            (self._make_folder, 1), (self._remove_folder, 1), (self._rewrite_same, 1),
        )  # fmt: skip
        act = self._chance.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
        return f"{self.name} {act()}"

    def files(self) -> dict[str, Inode]:
        return {path: node for path, node in self._kernel.walk() if not node.is_folder and not is_ours(path)}

    def _path(self, *, new: bool = False) -> str:
        """Return a path at which a file is or could be."""
        there = list(self.files())
        if there and not new and self._chance.random() < 0.5:
            return self._chance.choice(there)
        return self._chance.choice(NAMES)

    def _folder(self, path: str) -> tuple[Inode, str] | None:
        """Return the folder of a path, made where it is missing; None where a file is in the way."""
        folder, parts = self._kernel.root, path.split("/")
        for part in parts[:-1]:
            inner = folder.entries.get(part)
            if inner is None:
                inner = self._kernel.make(is_folder=True)
                self._kernel.link(inner, folder, part)
            if not inner.is_folder:
                return None
            folder = inner
        found = folder.entries.get(parts[-1])
        return None if found is not None and found.is_folder else (folder, parts[-1])

    def _write(self) -> str:
        """Write a file in place, or a new one."""
        path = self._path()
        place = self._folder(path)
        if place is None:
            return "finds a folder"
        folder, name = place
        node = folder.entries.get(name)
        data = self._ledger.fresh()
        if node is None:
            node = self._kernel.make(is_folder=False)
            self._kernel.link(node, folder, name)
            self._ledger.saved_again(self.name, path)
        else:
            data = self._ledger.fresh(node.data if self._chance.random() < 0.5 else b"")
            self._ledger.removed(self.name, path, node.data)
        node.data = data
        self._kernel.touch(node)
        self._ledger.wrote(self.name, path, data)
        return f"writes {path} = {data!r}"

    def _save(self) -> str:
        """Save a file as editors do: another one that takes its name."""
        path = self._path()
        place = self._folder(path)
        if place is None:
            return "finds a folder"
        folder, name = place
        old = folder.entries.get(name)
        data = self._ledger.fresh(old.data if old is not None and self._chance.random() < 0.5 else b"")
        if old is not None:
            self._ledger.removed(self.name, path, old.data)
        else:
            self._ledger.saved_again(self.name, path)
        self._replace(folder, name, data)
        self._ledger.wrote(self.name, path, data)
        return f"saves {path} = {data!r}"

    def _replace(self, folder: Inode, name: str, data: bytes) -> None:
        node = self._kernel.make(is_folder=False)
        self._kernel.link(node, folder, ".tmp~")
        node.data = data
        self._kernel.touch(node)
        self._kernel.rename(folder, ".tmp~", folder, name)

    def _delete(self) -> str:
        files = self.files()
        if len(files) < 3:
            return "leaves what is there"
        path = self._chance.choice(list(files))
        folder, name = self._kernel.place(path, self._kernel.root)
        self._ledger.removed(self.name, path, files[path].data)
        self._kernel.unlink(folder, name)
        return f"deletes {path}"

    def _rename(self) -> str:
        files = self.files()
        if not files:
            return "finds nothing"
        path, target = self._chance.choice(list(files)), self._path(new=True)
        place = self._folder(target)
        if place is None or target == path or target.startswith(f"{path}/"):
            return "finds no place"
        node = files[path]
        old = place[0].entries.get(place[1])
        if old is not None:
            self._ledger.removed(self.name, target, old.data)
        folder, name = self._kernel.place(path, self._kernel.root)
        self._kernel.rename(folder, name, *place)
        self._ledger.edited[path][self.name] = None
        self._ledger.edited[target][self.name] = node.data
        self._ledger.moved(self.name, node.data)
        return f"renames {path} to {target}"

    def _copy(self) -> str:
        files = self.files()
        if not files:
            return "finds nothing"
        path, target = self._chance.choice(list(files)), self._path(new=True)
        place = self._folder(target)
        if place is None or target in files:
            return "finds no place"
        data = files[path].data
        self._replace(*place, data)
        self._ledger.edited[target][self.name] = data
        return f"copies {path} to {target}"

    def _touch(self) -> str:
        files = self.files()
        if not files:
            return "finds nothing"
        path = self._chance.choice(list(files))
        self._kernel.touch(files[path])
        return f"touches {path}"

    def _rewrite_same(self) -> str:
        """Save a file with the bytes it had."""
        files = self.files()
        if not files:
            return "finds nothing"
        path = self._chance.choice(list(files))
        folder, name = self._kernel.place(path, self._kernel.root)
        self._replace(folder, name, files[path].data)
        return f"saves {path} as it was"

    def _put_time_back(self) -> str:
        """Write as many other bytes, and put the modification time back (hazard 36), or far off."""
        files = {path: node for path, node in self.files().items() if node.data}
        if not files:
            return "finds nothing"
        path = self._chance.choice(list(files))
        node = files[path]
        # In the instant of an earlier change no trace of the second is left at all, and nobody is that quick.
        if 0 <= self._kernel.now_ns() - node.ctime_ns < max(FRESH_NS, self._kernel.grain_ns):
            return "is too quick"
        before = node.mtime_ns if self._chance.random() < 0.7 else self._kernel.stamp() + 86_400 * 10**9
        self._ledger.removed(self.name, path, node.data)
        node.data = self._ledger.fresh(node.data)
        self._ledger.wrote(self.name, path, node.data)
        self._kernel.touch(node)
        node.mtime_ns = before
        return f"writes {path} = {node.data!r} and sets its time"

    def _begin_writing(self) -> str:
        files = self.files()
        if not files or len(self._writing) > 2:
            return "finds nothing"
        path = self._chance.choice(list(files))
        files[path].opened += 1
        self._writing.append((path, files[path]))
        return f"opens {path}"

    def _go_on_writing(self) -> str:
        """Write into a file that was opened before, wherever it lies by now."""
        if not self._writing:
            return "has nothing open"
        path, node = self._writing[-1]
        files = self.files()
        self._ledger.set_aside(node.data)
        node.data = self._ledger.fresh()
        self._kernel.touch(node)
        at = [place for place, there in files.items() if there is node]
        for place in at:
            self._ledger.wrote(self.name, place, node.data)
        if at != [path]:
            self._ledger.doubt(path)
        if node.links:
            self._ledger.required[node.data] = path
            self._ledger.hidden.add(node.data)
        if self._chance.random() < 0.5:
            self.close()
        return f"writes {node.data!r} into what was {path}, now at {at}"

    def close(self) -> None:
        """Close the file that was opened last."""
        _, node = self._writing.pop()
        node.opened -= 1
        self._kernel.drop(node)

    def rest(self) -> None:
        """Close everything."""
        while self._writing:
            self.close()

    def _make_folder(self) -> str:
        name = self._chance.choice(("g", "d/h"))
        place = self._folder(name)
        if place is None or place[1] in place[0].entries:
            return "finds a folder"
        self._kernel.link(self._kernel.make(is_folder=True), *place)
        return f"makes the folder {name}"

    def _remove_folder(self) -> str:
        empty = [
            path for path, node in self._kernel.walk() if node.is_folder and not node.entries and not is_ours(path)
        ]
        if not empty:
            return "finds no empty folder"
        path = self._chance.choice(empty)
        self._kernel.unlink(*self._kernel.place(path, self._kernel.root))
        return f"removes the folder {path}"


class Stranger:
    """Another program that changes the bucket."""

    def __init__(self, name: str, objects: Objects, prefix: str, ledger: Ledger, chance: random.Random) -> None:
        self.name = name
        self._objects = objects
        self._prefix = prefix
        self._ledger = ledger
        self._chance = chance

    def _keys(self) -> dict[str, bytes]:
        start = len(self._prefix)
        return {
            name[start:]: self._objects.bodies[info.generation]
            for name, info in self._objects.live.items()
            if not name.endswith("/")
        }

    def act(self, *, inside: bool = False) -> str:
        """Do something and return it in words."""
        keys = self._keys()
        kind = self._chance.choices(("put", "delete", "move", "same"), (6, 2, 2, 1))[0]
        if kind == "put" or len(keys) < 3:
            key = (
                self._chance.choice(list(keys)) if keys and self._chance.random() < 0.5 else self._chance.choice(NAMES)
            )
            old = keys.get(key)
            data = self._ledger.fresh(old or b"")
            if old is not None:
                self._ledger.removed(self.name, key, old)
            self._put(key, data)
            self._ledger.wrote(self.name, key, data)
            return f"{self.name} puts {key} = {data!r}"
        key = self._chance.choice(list(keys))
        if kind == "same":
            metadata = dict(self._objects.live[self._prefix + key].metadata)
            self._objects.put(self._prefix + key, keys[key], metadata, Precondition())
            return f"{self.name} puts {key} as it was"
        if kind == "delete":
            self._ledger.removed(self.name, key, keys[key])
            self._objects.delete(self._prefix + key, Precondition())
            return f"{self.name} deletes {key}"
        target = self._chance.choice(NAMES)
        if target in keys:
            return f"{self.name} finds no place"
        generation = self._objects.live[self._prefix + key].generation
        self._objects.move(self._prefix + key, generation, self._prefix + target, Precondition(generation=0))
        self._ledger.edited[key][self.name] = None
        self._ledger.edited[target][self.name] = keys[key]
        self._ledger.moved(self.name, keys[key])
        return f"{self.name} moves {key} to {target}"

    def _put(self, key: str, data: bytes) -> None:
        self._objects.put(self._prefix + key, data, {}, Precondition())

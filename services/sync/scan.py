"""The local side: one walk over the folder, by descriptors, that follows no link and reads no file."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from services import names
from services.errors import LocalFileError, PailError, UnmappableName
from services.names import display_name
from services.sync import aside
from services.sync.aside import Listed, Row, Waiting
from services.sync.entries import LocalEntry, LocalTree, Problem, Signature
from services.sync.ignore import IGNORE_FILE, Rules
from services.sync.state import NONCE_START
from services.transfer.local import PARTIAL_PREFIX, explained, kind_of, local_error, opened_place

_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_PARTIAL: Final = PARTIAL_PREFIX + NONCE_START

_plain: Final = re.compile(r"(?!4913\Z)[0-9A-Za-z(](?:[ -}]*[!-\"$-\^`-}])?\Z").match
"""Matches names that stand for themselves and that no rule of Pail's own leaves out."""

_new: Final = tuple.__new__
"""Makes a named tuple from a plain one, in half the time."""

_KIND: Final = 0o170000
_FILE: Final = stat.S_IFREG

_RULES_LIMIT: Final = 1 << 20
"""Bytes that an ignore file may have."""


def signature_of(found: os.stat_result) -> Signature:
    """Return the signature of a file."""
    return Signature(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def scan(root: str, rules: Rules, *, prefix: str = "", alone: bool = False) -> LocalTree:
    """Return what lies below `root`; `prefix` is the pair's, as it counts for the length of names.

    A large tree is listed by two processes, unless `alone`.  Links, devices and names that no object can have are
    reported as problems, and so is what cannot be read; nothing at or below them is known.  Raises `PailError` where
    the root itself cannot be read, or an ignore file: to sync what was to be left out cannot be undone.
    """
    tree = LocalTree()
    with explained(root, "read the folder"):
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        waiting = [("", "")]
        room = names.NAME_LIMIT_BYTES - len(prefix.encode())
        look = _Look(tree, rules, root, top, room)
        while waiting and (alone or len(tree.entries) < aside.FROM):
            look.at(waiting)
        if waiting:
            _share(look, waiting)
    finally:
        os.close(top)
    return tree


def _share(look: _Look, waiting: list[Waiting]) -> None:
    """Look at folders and those below them in two processes; this one does all where there cannot be another."""
    try:
        other = aside.Aside(look.top)
    except (OSError, ValueError):
        other = None
    try:
        while waiting or (other is not None and other.busy):
            if other is not None:
                try:
                    other.share(waiting)
                    heard = other.answers(wait=not waiting)
                except (OSError, EOFError, ValueError):
                    waiting += other.close()
                    other = None
                    continue
                for (folder, path), listed in heard:
                    waiting += look.take(folder, path, listed)
            if waiting:
                look.at(waiting)
    finally:
        if other is not None:
            other.close()


def rescan(root: str, rules: Rules, tree: LocalTree, folders: Collection[str], *, prefix: str = "") -> set[str]:
    """Look again at some folders (keys that end in `/`, or empty for the root), and return the keys that changed.

    What is new in them is walked; folders below that were known before are not looked into.  Raises as `scan` does.
    """
    fresh = LocalTree()
    with explained(root, "read the folder"):
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        room = names.NAME_LIMIT_BYTES - len(prefix.encode())
        waiting = [(folder, names.local_path(folder[:-1]) + "/" if folder else "") for folder in folders]
        look = _Look(fresh, rules, root, top, room)
        while waiting:
            inner = look.folder(*waiting.pop())
            waiting += [(key, place) for key, place in inner if key not in tree.entries and key not in folders]
            for key, _ in inner:
                fresh.entries.setdefault(key, tree.entries.get(key, LocalEntry(None)))
    finally:
        os.close(top)
    return _merge(tree, fresh, set(folders))


def _merge(tree: LocalTree, fresh: LocalTree, folders: set[str]) -> set[str]:
    """Put what was found into what was known, and return the keys that differ."""
    gone = {key for key in tree.entries if key not in fresh.entries and (key in folders or _folder(key) in folders)}
    lost = tuple(key for key in gone if key.endswith("/"))
    if lost:
        gone |= {key for key in tree.entries if key.startswith(lost)} - set(fresh.entries)
    changed = {key for key, entry in fresh.entries.items() if tree.entries.get(key) != entry} | gone
    tree.entries.update(fresh.entries)
    for key in gone:
        tree.entries.pop(key, None)
    tree.unknown = {key for key in tree.unknown if _folder(key) not in folders} | fresh.unknown
    tree.problems += [problem for problem in fresh.problems if problem not in tree.problems]
    return changed


def _folder(key: str) -> str:
    parent = key.rstrip("/").rpartition("/")[0]
    return f"{parent}/" if parent else ""


class _Look(NamedTuple):
    """A walk over a folder, one folder in it at a time."""

    tree: LocalTree
    rules: Rules
    root: str
    top: int
    """Descriptor of the root."""
    room: int
    """Bytes that a key may have."""

    def at(self, waiting: list[Waiting]) -> None:
        """Take in the last folder that waits; those in it wait then."""
        waiting += self.folder(*waiting.pop())

    def folder(self, folder: str, path: str) -> list[Waiting]:
        """Take in one folder and return those in it: each its key and its path below the root, both with a `/`."""
        try:
            # With its slash a link that was put in its place would be followed all the same.
            handle = os.open(path.rstrip("/"), _FLAGS, dir_fd=self.top) if path else os.dup(self.top)
        except OSError as error:
            return self._failed(folder, path, error)
        try:
            with os.scandir(handle) as found:
                entries = list(found)
            if any(entry.name == IGNORE_FILE for entry in entries):
                _read_rules(self.rules, self.root, path, folder)
            return self._take_in(folder, path, entries)
        except OSError as error:
            if not path:
                raise local_error(error, self.root, "read the folder") from error
            return self._failed(folder, path, error)
        finally:
            os.close(handle)

    def take(self, folder: str, path: str, listed: Listed) -> list[Waiting]:
        """Take in one folder as the other process has listed it, and return those in it."""
        code, rows = listed
        if code:
            return self._failed(folder, path, OSError(code, os.strerror(code)))
        if any(row[0] == IGNORE_FILE for row in rows):
            _read_rules(self.rules, self.root, path, folder)
        if not self._is_quick(folder):
            return self._take_rest(folder, path, rows, empty=True)
        found_files, rest = self.tree.entries, []
        for row in rows:
            name, mode, signature = row
            if mode & _KIND == _FILE and _plain(name):
                found_files[folder + name] = _new(LocalEntry, (_new(Signature, signature), "", False, False))
            else:
                rest.append(row)
        return self._take_rest(folder, path, rest, empty=len(rest) == len(rows))

    def _failed(self, folder: str, path: str, error: OSError) -> list[Waiting]:
        if error.errno == errno.ENOENT:
            return []
        why = local_error(error, f"{self.root}/{path}", "read the folder")
        self.tree.unknown.add(folder)
        self.tree.problems.append(Problem(path or folder, why.message, why.remedy))
        return []

    def _is_quick(self, folder: str) -> bool:
        """Tell whether plain names in a folder need no further look: most are plain, and most are files."""
        return self.rules.is_plain and folder.isascii() and len(folder) + names.SEGMENT_LIMIT_BYTES <= self.room

    def _take_in(self, folder: str, path: str, entries: list[os.DirEntry[str]]) -> list[Waiting]:
        empty, quick, rest = True, self._is_quick(folder), []
        found_files = self.tree.entries
        for entry in entries:
            name = entry.name
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            signature = _new(Signature, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
            if quick and found.st_mode & _KIND == _FILE and _plain(name):
                empty = False
                found_files[folder + name] = _new(LocalEntry, (signature, "", False, False))
            else:
                rest.append((name, found.st_mode, signature))
        return self._take_rest(folder, path, rest, empty=empty)

    def _take_rest(self, folder: str, path: str, rows: Sequence[Row], *, empty: bool) -> list[Waiting]:
        """Take in what rules, names or kinds have a say in; `empty` tells whether nothing else is in the folder."""
        tree, inner = self.tree, []
        for name, mode, signature in rows:
            is_folder = stat.S_ISDIR(mode)
            try:
                key = folder + _segment(name)
                if self.rules.ignores(f"{key}/" if is_folder else key):
                    tree.ignored += 1
                    if name.startswith(_PARTIAL):
                        tree.partials.append(path + name)
                    continue
                _check(key, self.room)
            except PailError as error:
                empty = False
                tree.problems.append(Problem(path + name, error.message, error.remedy))
                continue
            empty = False
            if is_folder:
                inner.append((f"{key}/", f"{path}{name}/"))
            elif stat.S_ISREG(mode):
                tree.entries[key] = LocalEntry(Signature(*signature))
            else:
                # Neither the name nor what an object below it would be is ours to touch.
                tree.unknown |= {key, f"{key}/"}
                shown = display_name(path + name)
                tree.problems.append(Problem(path + name, f"{shown} is {kind_of(mode)}, which is left alone"))
        if folder:
            tree.entries[folder] = LocalEntry(None, empty=empty)
        return inner


def _segment(name: str) -> str:
    """Return the segment of an object's name for a file's name; raises `UnmappableName`."""
    if name.isascii() and name[0] != "%":
        return name
    segment = names.object_name(name)
    if segment != name and names.local_path(segment) != name:
        raise UnmappableName(f"{display_name(name)} stands for a name that is written differently", url=name)
    return segment


def _check(key: str, room: int) -> None:
    if "\n" in key or "\r" in key:
        raise UnmappableName(f"{display_name(key)} has a line break in its name, which objects cannot have", url=key)
    if len(key) * 4 > room and len(key.encode()) > room:
        raise UnmappableName(f"{display_name(key)[:80]}… is longer than the name of an object may be", url=key)


def _read_rules(rules: Rules, root: str, path: str, folder: str) -> None:
    """Take in the ignore file of a folder; raises `PailError`."""
    full = f"{root}/{path}{IGNORE_FILE}"
    with explained(full, "read"), opened_place(full, len(root)) as place:
        handle = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place.folder)
        with open(handle, "rb") as file:
            data = file.read(_RULES_LIMIT + 1)
    if len(data) > _RULES_LIMIT:
        raise LocalFileError(f"{display_name(full)} is too large for a list of rules", url=full)
    try:
        rules.add(folder, data.decode("utf-8", "surrogateescape").splitlines())
    except ValueError as error:
        raise LocalFileError(f"{display_name(full)} has a line that is no pattern: {error}", url=full) from error

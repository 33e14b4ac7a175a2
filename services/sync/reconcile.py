"""What to do, as a pure function of what was agreed and what is there: `(base, local, remote, mode) → plan`.

Invariants, whatever comes in:
- a file is deleted on one side only if the other side's was deleted and it is itself as it was agreed on;
- where both sides changed differently both contents are kept;
- what the scan could not see, and what the rules leave out, is in none of the three and so in no action.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from services.names import display_name
from services.sync.conflicts import conflict_key
from services.sync.entries import (
    DELETES,
    Action,
    Base,
    BaseEntry,
    Local,
    LocalEntry,
    Mode,
    Plan,
    Problem,
    Remote,
    RemoteEntry,
)


def reconcile(
    base: Base,
    local: Local,
    remote: Remote,
    mode: Mode = "two-way",
    *,
    delete: bool = False,
    machine: str = "this-machine",
    folding: bool = False,
    keys: Collection[str] | None = None,
) -> Plan:
    """Return what brings both sides in step, in byte order of the keys, deletes last.

    `delete` lets `push` and `pull` remove what the other side does not have (`two-way` always carries deletes);
    `folding` says that the local disk does not tell names apart that differ in case or composition only; `keys`
    restricts it to some keys.  Files whose content has to be known (`needs_reading`) must carry their CRC32C.
    """
    wanted = sorted({*base, *local, *remote} if keys is None else keys)
    actions: list[Action] = []
    for key in wanted:
        kind = _decide(key, base.get(key), local.get(key), remote.get(key), mode, delete=delete)
        if kind is not None:
            actions.append(kind)
    actions = [_with_copy(action, machine) for action in actions]
    actions = _find_moves(actions)
    actions, problems = _drop_clashes(actions, local, remote, folding=folding)
    tracked = sum(1 for key in base if not key.endswith("/"))
    if not tracked:
        tracked = sum(1 for key in (local if mode == "pull" else remote) if not key.endswith("/"))
    return Plan(_in_order(actions), tuple(problems), tracked)


def needs_reading(
    base: Base, local: Local, remote: Remote, mode: Mode = "two-way", *, keys: Collection[str] | None = None
) -> Iterator[str]:
    """Yield the local files (of `keys`) whose CRC32C decides something: what cannot matter is not read."""
    vanished = {
        base[key].size for key in (base if keys is None else keys) if key in base and key not in local and key in remote
    } - {0}
    for key in local if keys is None else keys:
        entry = local.get(key)
        if entry is None or entry.signature is None or entry.crc32c:
            continue
        known, there = base.get(key), remote.get(key)
        size = entry.signature.size
        if known is not None and (known.size == size or (there is not None and there.generation != known.generation)):
            yield key
        elif known is None and there is not None:
            if there.size == size or mode == "two-way":
                yield key
        elif known is None and there is None and mode != "pull" and size in vanished:
            yield key


def unchanged(base: Base, local: Local, remote: Remote) -> set[str]:
    """Return the files that are on both sides just as they were agreed on: `reconcile` has nothing to say of them."""
    here, there = local.get, remote.get
    found = set()
    for key, agreed in base.items():
        signature = agreed[0]
        if signature is None:
            continue
        file, known = here(key), there(key)
        if file is None or known is None:
            continue
        if file[0] != signature or known[0] != agreed[3] or known[2] != agreed[2] or known[1] != agreed[1]:
            continue
        if not file[1] or file[1] == agreed[2]:  # one that was read says more than its signature
            found.add(key)
    return found


def take_known(base: Base, local: Local) -> dict[str, LocalEntry]:
    """Return the local side with the CRC32C of every file that has the signature which was agreed on."""
    return {key: with_known(base.get(key), entry) for key, entry in local.items()}


def with_known(agreed: BaseEntry | None, entry: LocalEntry) -> LocalEntry:
    """Return a local entry with the CRC32C that was agreed on, where its signature says that it still holds."""
    if agreed is None or agreed.signature is None or agreed.signature != entry.signature:
        return entry
    return LocalEntry(entry.signature, agreed.crc32c, entry.empty)


def _decide(
    key: str,
    base: BaseEntry | None,
    local: LocalEntry | None,
    remote: RemoteEntry | None,
    mode: Mode,
    *,
    delete: bool,
) -> Action | None:
    if key.endswith("/"):
        return _decide_folder(key, base, local, remote, mode, delete=delete)
    action = Action("adopt", key, local, remote, base)
    if local is None and remote is None:
        return action._replace(kind="forget") if base is not None else None
    if local is not None and remote is not None:
        return _both(action, base, local, remote, mode)
    if mode == "push":
        if local is not None:
            return action._replace(kind="upload")
        return action._replace(kind="delete-remote") if delete else _forgotten(action)
    if mode == "pull":
        if remote is not None:
            return action._replace(kind="download")
        return action._replace(kind="delete-local") if delete else _forgotten(action)
    if local is not None:
        gone = base is not None and _same_as_base(local, base)
        return action._replace(kind="delete-local" if gone else "upload")
    assert remote is not None
    gone = base is not None and _same_object(remote, base)
    return action._replace(kind="delete-remote" if gone else "download")


def _both(action: Action, base: BaseEntry | None, local: LocalEntry, remote: RemoteEntry, mode: Mode) -> Action | None:
    """Decide about a file that is on both sides."""
    if _same_content(local, remote):
        noted = (
            base is not None
            and base.generation == remote.generation
            and base.signature == local.signature
            and base.crc32c == remote.crc32c
        )
        return None if noted else action
    if mode == "push":
        return action._replace(kind="upload")
    if mode == "pull":
        return action._replace(kind="download")
    if base is not None and _same_as_base(local, base):
        return action._replace(kind="download")
    if base is not None and _same_object(remote, base):
        return action._replace(kind="upload")
    return action._replace(kind="conflict")


def _decide_folder(
    key: str,
    base: BaseEntry | None,
    local: LocalEntry | None,
    remote: RemoteEntry | None,
    mode: Mode,
    *,
    delete: bool,
) -> Action | None:
    """Decide about a folder: its placeholder says that it is to be there even while nothing is in it."""
    action = Action("adopt", key, local, remote, base)
    if remote is not None and remote.size:
        # An object with bytes in it cannot be a folder on a disk; it is reported with the names that clash.
        return action._replace(kind="download") if base is None and local is None and mode != "push" else None
    if local is not None and remote is not None:
        return None if base is not None and base.generation == remote.generation else action
    if local is None and remote is None:
        return action._replace(kind="forget") if base is not None else None
    if local is not None:
        if base is not None and mode != "push":
            if local.empty and (mode == "two-way" or delete):
                return action._replace(kind="delete-local")
            return action._replace(kind="forget")
        return action._replace(kind="upload") if local.empty and mode != "pull" else None
    gone = base is not None if mode == "two-way" else mode == "push"
    if not gone:
        return action._replace(kind="download")
    if mode == "two-way" or delete:
        return action._replace(kind="delete-remote")
    return _forgotten(action)


def _forgotten(action: Action) -> Action | None:
    return action._replace(kind="forget") if action.base is not None else None


def _same_content(local: LocalEntry, remote: RemoteEntry) -> bool:
    size = local.signature.size if local.signature else 0
    return bool(local.crc32c) and local.crc32c == remote.crc32c and size == remote.size


def _same_as_base(local: LocalEntry, base: BaseEntry) -> bool:
    if local.signature is not None and local.signature == base.signature:
        return True
    size = local.signature.size if local.signature else 0
    return bool(local.crc32c) and local.crc32c == base.crc32c and size == base.size


def _same_object(remote: RemoteEntry, base: BaseEntry) -> bool:
    """Tell whether the object's content is what was agreed on, be it by another upload of the same bytes."""
    if remote.generation == base.generation:
        return True
    return bool(remote.crc32c) and remote.crc32c == base.crc32c and remote.size == base.size


def _with_copy(action: Action, machine: str) -> Action:
    # A download needs the name as well: for what is edited in the very moment in which it is replaced (hazard 29).
    if action.kind not in ("conflict", "download") or action.local is None or action.is_folder:
        return action
    return action._replace(copy=conflict_key(action.key, action.local.crc32c, machine))


def _find_moves(actions: list[Action]) -> list[Action]:
    """Turn a delete and an upload of the same content into a move on the server (hazard 42)."""
    gone: dict[tuple[str, int], list[Action]] = defaultdict(list)
    for action in actions:
        if action.kind == "delete-remote" and action.remote is not None and action.remote.size:
            gone[(action.remote.crc32c, action.remote.size)].append(action)
    if not gone:
        return actions
    moved: set[str] = set()
    found: list[Action] = []
    for action in actions:
        local = action.local
        if action.kind == "upload" and action.remote is None and local is not None and local.signature is not None:
            sources = gone.get((local.crc32c, local.signature.size)) if local.crc32c else None
            if sources:
                source = sources.pop(0)
                moved.add(source.key)
                found.append(action._replace(kind="move-remote", source=source.key, remote=source.remote))
                continue
        found.append(action)
    return [action for action in found if not (action.kind == "delete-remote" and action.key in moved)]


def _drop_clashes(
    actions: list[Action], local: Local, remote: Remote, *, folding: bool
) -> tuple[list[Action], list[Problem]]:
    """Leave out downloads that have no place on the disk, and report them (hazards 43 and 44)."""
    downloads = [action for action in actions if action.kind == "download"]
    if not downloads:
        return actions, []
    wanted = {action.key for action in downloads}
    files = {key for key in local if not key.endswith("/")}
    folders = _parents(local)
    coming = _parents(wanted)
    folded = _folded([*local, *remote]) if folding else {}
    dropped: dict[str, str] = {}
    for key in sorted(wanted):
        shown = display_name(key)
        other = _rival(key, folded, local) if folding else ""
        above = next((parent for parent in _above(key) if parent in files), "")
        if key.endswith("/"):
            entry = remote.get(key)
            if entry is not None and entry.size:
                dropped[key] = f"{shown} has bytes in it and the name of a folder: it stays in the bucket only"
            elif key[:-1] in files:
                above = key[:-1]
        elif key in folders or (key in coming and key not in files):
            dropped[key] = f"{shown} is an object and a folder at once: the object stays in the bucket only"
        if above:
            dropped[key] = (
                f"{shown} would lie in {display_name(above)}, which is a file here: it stays in the bucket only"
            )
        if other:
            dropped[key] = (
                f"{shown} and {display_name(other)} are the same name on this disk: the first stays in the bucket"
            )
    return [a for a in actions if a.key not in dropped or a.kind != "download"], [
        Problem(key, message) for key, message in sorted(dropped.items())
    ]


def _parents(keys: Iterable[str]) -> set[str]:
    """Return every folder that some key lies in or is, without its `/`."""
    found: set[str] = set()
    for key in keys:
        parent = key.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def _above(key: str) -> Iterator[str]:
    parent = key.rstrip("/").rpartition("/")[0]
    while parent:
        yield parent
        parent = parent.rpartition("/")[0]


def fold(name: str) -> str:
    """Return what a disk that folds names makes of one (HFS+, APFS, NTFS, as closely as one rule can)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _folded(keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys that a folding disk takes for the same name, together, folders of theirs included."""
    groups: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        groups[fold(key.rstrip("/"))].add(key.rstrip("/"))
        for parent in _above(key):
            groups[fold(parent)].add(parent)
    return {name: sorted(group) for name, group in groups.items() if len(group) > 1}


def _rival(key: str, folded: dict[str, list[str]], local: Local) -> str:
    """Return a name that has the place of `key`, or of a folder it lies in, on a folding disk."""
    for name in (key.rstrip("/"), *_above(key)):
        group = folded.get(fold(name))
        if group is None:
            continue
        taken = _parents(local) | {known.rstrip("/") for known in local}
        first = next((other for other in group if other in taken), group[0])
        if first != name:
            return first
    return ""


def _in_order(actions: list[Action]) -> tuple[Action, ...]:
    """Return what creates in order of the keys, then the deletes, what lies in a folder before the folder itself."""
    deletes = sorted((a for a in actions if a.kind in DELETES), key=lambda a: (a.kind, a.key), reverse=True)
    return (*(action for action in actions if action.kind not in DELETES), *deletes)

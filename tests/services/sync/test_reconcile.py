"""What is decided for every combination of what was agreed and what is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import checksum
from services.sync.entries import Action, BaseEntry, LocalEntry, Mode, Plan, RemoteEntry, Signature
from services.sync.reconcile import needs_reading, reconcile, take_known

A, B, C = b"aaaa", b"bbbb", b"cc"


def on_disk(data: bytes, inode: int = 1) -> LocalEntry:
    return LocalEntry(Signature(inode, len(data), 7, 7), checksum.of(data))


def live(data: bytes, generation: int = 1) -> RemoteEntry:
    return RemoteEntry(generation, len(data), checksum.of(data))


def agreed(data: bytes, generation: int = 1, inode: int = 1) -> BaseEntry:
    return BaseEntry(Signature(inode, len(data), 7, 7), len(data), checksum.of(data), generation)


FOLDER = LocalEntry(None, empty=True)
FULL = LocalEntry(None)
PLACEHOLDER = live(b"")


def kinds(plan: Plan) -> list[tuple[str, str]]:
    return [(action.kind, action.key) for action in plan.actions]


TABLE: list[tuple[str, Mode, bool, BaseEntry | None, LocalEntry | None, RemoteEntry | None, str | None]] = [
    ("a new file goes up", "two-way", False, None, on_disk(A), None, "upload"),
    ("a new object comes down", "two-way", False, None, None, live(A), "download"),
    ("equal content is adopted at first (28)", "two-way", False, None, on_disk(A), live(A), "adopt"),
    ("different content is kept twice at first", "two-way", False, None, on_disk(A), live(B), "conflict"),
    ("nothing changed", "two-way", False, agreed(A), on_disk(A), live(A), None),
    ("a local edit goes up", "two-way", False, agreed(A), on_disk(B, 2), live(A), "upload"),
    ("a remote edit comes down", "two-way", False, agreed(A), on_disk(A), live(B, 2), "download"),
    ("two edits are kept twice (26)", "two-way", False, agreed(A), on_disk(B, 2), live(C, 2), "conflict"),
    ("two equal edits are adopted (28)", "two-way", False, agreed(A), on_disk(B, 2), live(B, 2), "adopt"),
    ("a touched file is only noted", "two-way", False, agreed(A), on_disk(A, 2), live(A), "adopt"),
    ("a rewrite of the same bytes is only noted", "two-way", False, agreed(A), on_disk(A), live(A, 2), "adopt"),
    ("a local delete goes up", "two-way", False, agreed(A), None, live(A), "delete-remote"),
    ("a remote delete comes down", "two-way", False, agreed(A), on_disk(A), None, "delete-local"),
    ("a remote edit beats a local delete (27)", "two-way", False, agreed(A), None, live(B, 2), "download"),
    ("a local edit beats a remote delete (27)", "two-way", False, agreed(A), on_disk(B, 2), None, "upload"),
    ("gone from both sides", "two-way", False, agreed(A), None, None, "forget"),
    ("push overwrites what is different", "push", False, agreed(A), on_disk(A), live(B, 2), "upload"),
    ("push leaves extra objects alone", "push", False, None, None, live(A), None),
    ("push forgets what was deleted here", "push", False, agreed(A), None, live(A), "forget"),
    ("push deletes where asked to", "push", True, agreed(A), None, live(A), "delete-remote"),
    ("push deletes extra objects where asked to", "push", True, None, None, live(A), "delete-remote"),
    ("push puts back what is gone", "push", False, agreed(A), on_disk(A), None, "upload"),
    ("push adopts equal content", "push", False, None, on_disk(A), live(A), "adopt"),
    ("pull overwrites what is different", "pull", False, agreed(A), on_disk(B, 2), live(A), "download"),
    ("pull leaves extra files alone", "pull", False, None, on_disk(A), None, None),
    ("pull deletes where asked to", "pull", True, agreed(A), on_disk(A), None, "delete-local"),
    ("pull brings back what is gone", "pull", False, agreed(A), None, live(A), "download"),
]


@pytest.mark.parametrize(
    ("mode", "delete", "base", "local", "remote", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_file_meets_its_decision(
    mode: Mode,
    delete: bool,
    base: BaseEntry | None,
    local: LocalEntry | None,
    remote: RemoteEntry | None,
    expected: str | None,
) -> None:
    plan = reconcile(
        {"k": base} if base else {}, {"k": local} if local else {}, {"k": remote} if remote else {}, mode, delete=delete
    )
    assert kinds(plan) == ([(expected, "k")] if expected else [])


FOLDERS: list[tuple[str, BaseEntry | None, LocalEntry | None, RemoteEntry | None, str | None]] = [
    ("an empty folder gets a placeholder (45)", None, FOLDER, None, "upload"),
    ("a folder with files needs none", None, FULL, None, None),
    ("a placeholder makes a folder (45)", None, None, PLACEHOLDER, "download"),
    ("both are there", None, FULL, PLACEHOLDER, "adopt"),
    ("the folder was removed here", agreed(b""), None, PLACEHOLDER, "delete-remote"),
    ("the placeholder was removed there", agreed(b""), FOLDER, None, "delete-local"),
    ("the placeholder was removed, but files are in the folder", agreed(b""), FULL, None, "forget"),
]


@pytest.mark.parametrize(
    ("base", "local", "remote", "expected"), [row[1:] for row in FOLDERS], ids=[row[0] for row in FOLDERS]
)
def test_a_folder_meets_its_decision(
    base: BaseEntry | None, local: LocalEntry | None, remote: RemoteEntry | None, expected: str | None
) -> None:
    plan = reconcile(
        {"d/": base} if base else {}, {"d/": local} if local else {}, {"d/": remote} if remote else {}, "two-way"
    )
    assert kinds(plan) == ([(expected, "d/")] if expected else [])


def test_a_rename_is_a_move_on_the_server() -> None:
    plan = reconcile({"old": agreed(A)}, {"new": on_disk(A)}, {"old": live(A)})
    assert [(a.kind, a.source, a.key) for a in plan.actions] == [("move-remote", "old", "new")]
    assert not plan.deletes


def test_a_rename_of_an_empty_file_is_no_move_as_every_empty_file_looks_the_same() -> None:
    plan = reconcile({"old": agreed(b"")}, {"new": on_disk(b"")}, {"old": live(b"")})
    assert kinds(plan) == [("upload", "new"), ("delete-remote", "old")]


def test_two_files_of_the_same_content_take_two_sources() -> None:
    plan = reconcile(
        {"x": agreed(A), "y": agreed(A)},
        {"1": on_disk(A), "2": on_disk(A), "3": on_disk(A)},
        {"x": live(A), "y": live(A)},
    )
    assert kinds(plan) == [("move-remote", "1"), ("move-remote", "2"), ("upload", "3")]


def test_deletes_come_last_and_what_is_in_a_folder_before_the_folder() -> None:
    base = {"d/": agreed(b""), "d/a": agreed(A), "d/e/": agreed(b""), "z": agreed(B)}
    remote = {"d/": live(b""), "d/a": live(A), "d/e/": live(b""), "z": live(B)}
    plan = reconcile(base, {"zz": on_disk(C)}, remote)
    assert [key for _, key in kinds(plan)] == ["zz", "z", "d/e/", "d/a", "d/"]


def test_an_object_below_a_file_is_reported_and_never_deleted() -> None:
    plan = reconcile({"a": agreed(A)}, {"a": on_disk(A)}, {"a": live(A), "a/b": live(B)})
    assert kinds(plan) == []
    assert [problem.key for problem in plan.problems] == ["a/b"]


def test_of_an_object_and_a_folder_of_one_name_the_folder_comes_down() -> None:
    plan = reconcile({}, {}, {"a": live(A), "a/b": live(B)})
    assert kinds(plan) == [("download", "a/b")]
    assert [problem.key for problem in plan.problems] == ["a"]


def test_names_that_a_folding_disk_takes_for_one_are_reported() -> None:
    remote = {"README": live(A), "Readme": live(B), "e\u0301": live(A), "\u00e9": live(B)}
    plan = reconcile({}, {}, remote, folding=True)
    assert len(plan.actions) == 2
    assert len(plan.problems) == 2
    kept = reconcile({"Readme": agreed(B)}, {"Readme": on_disk(B)}, remote, folding=True)
    assert ("download", "README") not in kinds(kept)
    assert not kept.deletes


def test_a_file_replaced_by_a_folder_is_carried() -> None:
    plan = reconcile({"a": agreed(A)}, {"a/b": on_disk(B), "a/": FULL}, {"a": live(A)})
    assert kinds(plan) == [("upload", "a/b"), ("delete-remote", "a")]


def test_only_files_whose_content_decides_something_are_read() -> None:
    unread = {key: LocalEntry(entry.signature) for key, entry in {"same": on_disk(A, 2), "new": on_disk(C)}.items()}
    assert set(needs_reading({"same": agreed(A)}, unread, {"same": live(A)})) == {"same"}
    assert set(needs_reading({}, unread, {"same": live(A)})) == {"same"}
    assert not set(needs_reading({}, unread, {}))
    assert set(needs_reading({"gone": agreed(C)}, unread, {"gone": live(C)})) == {"new"}


def test_a_known_signature_saves_the_reading() -> None:
    unread = {"k": LocalEntry(on_disk(A).signature)}
    assert take_known({"k": agreed(A)}, unread) == {"k": on_disk(A)}
    assert take_known({"k": agreed(A, inode=2)}, unread) == unread


contents = st.sampled_from([b"", A, B, C])
names = st.sampled_from(["a", "b", "a/b", "A", "c/d"])
bases = st.dictionaries(names, st.builds(agreed, contents, st.integers(1, 2), st.integers(1, 2)))
locals_ = st.dictionaries(names, st.builds(on_disk, contents, st.integers(1, 2)))
remotes = st.dictionaries(names, st.builds(live, contents, st.integers(1, 3)))


@given(bases, locals_, remotes)
def test_two_way_never_removes_what_was_not_agreed_on(
    base: dict[str, BaseEntry], local: dict[str, LocalEntry], remote: dict[str, RemoteEntry]
) -> None:
    plan = reconcile(base, local, remote)
    for action in plan.actions:
        agreed_on = base.get(action.source or action.key)
        if action.kind in ("delete-remote", "move-remote"):
            assert agreed_on is not None
            assert action.remote is not None
            assert action.remote.generation == agreed_on.generation or action.remote.crc32c == agreed_on.crc32c
        if action.kind == "delete-local":
            assert agreed_on is not None
            assert action.local is not None
            assert action.local.crc32c == agreed_on.crc32c or action.local.signature == agreed_on.signature


@given(bases, locals_, remotes)
def test_carrying_out_a_two_way_plan_leaves_nothing_to_do(
    base: dict[str, BaseEntry], local: dict[str, LocalEntry], remote: dict[str, RemoteEntry]
) -> None:
    local, remote = dict(local), dict(remote)
    state = (dict(base), local, remote)
    for _ in range(4):
        plan = reconcile(*state)
        if not plan.actions:
            break
        for action in plan.actions:
            carry_out(action, *state)
    assert not reconcile(*state).actions


def carry_out(
    action: Action, base: dict[str, BaseEntry], local: dict[str, LocalEntry], remote: dict[str, RemoteEntry]
) -> None:
    """Do on three dictionaries what an action says."""
    key = action.key
    if action.kind == "conflict":
        local[action.copy] = local.pop(key)
    if action.kind in ("download", "conflict"):
        local[key] = LocalEntry(Signature(9, remote[key].size, 9, 9), remote[key].crc32c)
    elif action.kind == "move-remote":
        remote[key] = remote.pop(action.source)
        base.pop(action.source, None)
    elif action.kind == "upload":
        found = local[key]
        assert found.signature is not None
        remote[key] = RemoteEntry(99, found.signature.size, found.crc32c)
    elif action.kind == "delete-remote":
        del remote[key]
    elif action.kind == "delete-local":
        del local[key]
    if key in local and key in remote:
        base[key] = BaseEntry(local[key].signature, remote[key].size, remote[key].crc32c, remote[key].generation)
    else:
        base.pop(key, None)

"""The workspace: where it is found, what counts as attached, and that files of people keep their shape."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from services.connection import Connection
from services.errors import LocalFileError, Rejected, Unsafe, UsageError
from services.workspace import AttachedBucket, Workspace, find_folder

GOOGLE = Connection()
ENDPOINT = Connection(endpoint="http://127.0.0.1:9000")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("DEFAULT_OBJECT_STORAGE_BUCKET_ID", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "deep" / "er").mkdir(parents=True)
    return folder


def names(workspace: Workspace, connection: Connection = GOOGLE) -> list[str]:
    return [bucket.name for bucket in workspace.attached(connection)]


@pytest.mark.parametrize("marker", ["pail.toml", ".replit"])
def test_the_nearest_folder_above_with_a_marker_is_the_workspace(project: Path, marker: str) -> None:
    (project / marker).write_text("")
    (project.parent / "pail.toml").write_text("")
    assert find_folder(project / "deep" / "er") == project


def test_a_folder_that_is_named_beats_the_nearest_and_must_exist(project: Path) -> None:
    (project / "pail.toml").write_text("")
    assert find_folder(project, project / "deep") == project / "deep"
    with pytest.raises(UsageError, match="no folder"):
        find_folder(project, project / "missing")


def test_without_a_project_the_users_own_list_is_used_wherever_one_is(tmp_path: Path) -> None:
    Workspace.load(tmp_path).attach(GOOGLE, "mine", "my things")
    again = Workspace.load(tmp_path)
    assert again.folder is None
    assert again.attached(GOOGLE) == (AttachedBucket("mine", "my things"),)
    again.detach(GOOGLE, "mine")
    assert names(Workspace.load(tmp_path)) == []


def test_each_connection_has_its_own_buckets_and_its_own_current_one(tmp_path: Path) -> None:
    workspace = Workspace.load(tmp_path)
    workspace.attach(GOOGLE, "in-google")
    workspace.attach(ENDPOINT, "in-emulator")
    workspace.attach(Connection(local_dir="/a"), "in-a")
    assert names(workspace) == ["in-google"]
    assert names(workspace, ENDPOINT) == ["in-emulator"]
    assert names(workspace, Connection(local_dir="/b")) == []
    workspace.select(ENDPOINT, "in-emulator")
    assert (workspace.current(GOOGLE), workspace.current(ENDPOINT)) == ("in-google", "in-emulator")


def test_replits_files_and_variables_count_as_attached_to_google_only(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".replit").write_text('run = "x"\n[objectStorage]\ndefaultBucketID = "replit-objstore-1"\n')
    monkeypatch.setenv("DEFAULT_OBJECT_STORAGE_BUCKET_ID", "from-environment")
    workspace = Workspace.load(project, default_bucket="from-sidecar")
    assert names(workspace) == ["replit-objstore-1", "from-sidecar", "from-environment"]
    assert workspace.current(GOOGLE) == "replit-objstore-1"
    assert names(workspace, ENDPOINT) == []


def test_a_bucket_that_replit_names_can_be_detached_and_attached_again(project: Path) -> None:
    before = '[objectStorage]\ndefaultBucketID = "replit-objstore-1"\n'
    (project / ".replit").write_text(before)
    Workspace.load(project).detach(GOOGLE, "replit-objstore-1")
    assert names(Workspace.load(project)) == []
    Workspace.load(project).attach(GOOGLE, "replit-objstore-1")
    assert names(Workspace.load(project)) == ["replit-objstore-1"]
    assert (project / ".replit").read_text() == before
    assert not (project / "pail.toml").exists()


def test_attaching_keeps_every_other_line_of_the_project_file(project: Path) -> None:
    before = '# ours\nname   =  "x"   # odd spaces\n\n[[buckets]]\nname = "one" # first\n\n[sync]\nmode = "push"\n'
    (project / "pail.toml").write_text(before)
    (project / "pail.toml").chmod(0o664)
    Workspace.load(project).attach(GOOGLE, "two", "second")
    text = (project / "pail.toml").read_text()
    for line in before.splitlines():
        assert line in text.splitlines()
    assert tomllib.loads(text)["buckets"] == [{"name": "one"}, {"name": "two", "alias": "second"}]
    assert stat.S_IMODE((project / "pail.toml").stat().st_mode) == 0o664
    Workspace.load(project).detach(GOOGLE, "two")
    assert (project / "pail.toml").read_text() == before


def test_the_entry_of_the_right_place_is_changed(project: Path) -> None:
    (project / "pail.toml").write_text("")
    local = Connection(local_dir=str(project / "store"))
    workspace = Workspace.load(project)
    for connection in (GOOGLE, ENDPOINT, local):
        workspace.attach(connection, "same")
    workspace.attach(ENDPOINT, "same", "emulated")
    workspace.detach(GOOGLE, "same")
    again = Workspace.load(project)
    assert tomllib.loads((project / "pail.toml").read_text())["buckets"] == [
        {"name": "same", "endpoint": "http://127.0.0.1:9000", "alias": "emulated"},
        {"name": "same", "local": "store"},
    ]
    assert [names(again, one) for one in (GOOGLE, ENDPOINT, local)] == [[], ["same"], ["same"]]


def test_a_list_that_is_written_inline_stays_inline(project: Path) -> None:
    (project / "pail.toml").write_text('buckets = [{ name = "one" }]\n')
    Workspace.load(project).attach(GOOGLE, "two", "second")
    assert names(Workspace.load(project)) == ["one", "two"]
    assert (project / "pail.toml").read_text().count("\n") == 1


def test_the_last_bucket_leaves_no_trace_and_a_missing_one_is_fine(project: Path) -> None:
    (project / "pail.toml").write_text("# only this\n")
    workspace = Workspace.load(project)
    workspace.detach(GOOGLE, "never-there")
    workspace.attach(GOOGLE, "one")
    workspace.detach(GOOGLE, "one")
    assert (project / "pail.toml").read_text().strip() == "# only this"


def test_the_current_bucket_is_remembered_and_forgotten_with_its_attachment(tmp_path: Path) -> None:
    workspace = Workspace.load(tmp_path)
    for name in ("one", "two"):
        workspace.attach(GOOGLE, name)
    workspace.select(GOOGLE, "two")
    workspace.select(GOOGLE, "not-attached")
    workspace.select(GOOGLE, "two")
    again = Workspace.load(tmp_path)
    assert again.current(GOOGLE) == "two"
    assert again.recent(GOOGLE) == ("two", "not-attached")
    again.detach(GOOGLE, "two")
    assert (again.current(GOOGLE), again.recent(GOOGLE)) == ("one", ("not-attached",))


def test_recent_buckets_are_bounded(tmp_path: Path) -> None:
    workspace = Workspace.load(tmp_path)
    for number in range(30):
        workspace.select(GOOGLE, f"bucket-{number}")
    assert workspace.recent(GOOGLE) == tuple(f"bucket-{number}" for number in range(29, 9, -1))


def test_what_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    first, second = Workspace.load(tmp_path), Workspace.load(tmp_path)
    first.attach(GOOGLE, "first")
    second.attach(GOOGLE, "second")
    assert names(Workspace.load(tmp_path)) == ["first", "second"]


def test_h59_the_state_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Workspace.load(tmp_path).attach(GOOGLE, "mine")
    finally:
        os.umask(before)
    folder = tmp_path / "state" / "pail"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_h66_state_that_others_may_write_is_refused(tmp_path: Path) -> None:
    Workspace.load(tmp_path).attach(GOOGLE, "mine")
    (tmp_path / "state" / "pail" / "workspaces.json").chmod(0o666)
    with pytest.raises(Unsafe):
        Workspace.load(tmp_path)


def test_h66_a_project_file_of_a_stranger_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pail.toml").write_text("")
    (project / "pail.toml").chmod(0o666)
    with pytest.raises(Unsafe, match="other users"):
        Workspace.load(project)
    (project / "pail.toml").chmod(0o644)
    monkeypatch.setattr(os, "getuid", lambda: project.stat().st_uid + 1)
    monkeypatch.setattr("services.workspace_state.paths.check_owned", lambda path: None)
    if project.stat().st_uid:
        with pytest.raises(Unsafe):
            Workspace.load(project)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"own": 3}', b'{"own": {"google": [1, {"name": 2}]}, "current": {"": 1}}', b"\xff"]
)
def test_damaged_state_is_empty_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    Workspace.load(tmp_path).attach(GOOGLE, "lost")
    (tmp_path / "state" / "pail" / "workspaces.json").write_bytes(content)
    workspace = Workspace.load(tmp_path)
    assert (names(workspace), workspace.current(GOOGLE), workspace.recent(GOOGLE)) == ([], "", ())
    workspace.attach(GOOGLE, "new")
    assert names(Workspace.load(tmp_path)) == ["new"]


def test_state_of_a_newer_version_is_read_but_never_overwritten(tmp_path: Path) -> None:
    Workspace.load(tmp_path).attach(GOOGLE, "mine")
    file = tmp_path / "state" / "pail" / "workspaces.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    workspace = Workspace.load(tmp_path)
    assert names(workspace) == ["mine"]
    with pytest.raises(LocalFileError, match="newer"):
        workspace.attach(GOOGLE, "other")


@pytest.mark.parametrize(
    "text", ["[[buckets]\n", "buckets = 3\n", "\0", '[[buckets]]\nname = "a/b"\n', "[[buckets]]\n"]
)
def test_a_project_file_that_makes_no_sense_attaches_nothing_and_is_not_overwritten(project: Path, text: str) -> None:
    (project / "pail.toml").write_text(text)
    workspace = Workspace.load(project)
    assert names(workspace) == []
    assert workspace.problems
    if text in ("[[buckets]\n", "\0", "buckets = 3\n"):
        with pytest.raises(LocalFileError):
            workspace.attach(GOOGLE, "new")
        assert (project / "pail.toml").read_text() == text


@pytest.mark.parametrize("name", ["", "a/b", "a\x1b[0m", "x" * 300])
def test_what_is_no_name_is_neither_attached_nor_selected(tmp_path: Path, name: str) -> None:
    workspace = Workspace.load(tmp_path)
    with pytest.raises(Rejected):
        workspace.attach(GOOGLE, name)
    with pytest.raises(Rejected):
        workspace.select(GOOGLE, name)
    assert names(workspace) == []


def test_a_state_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(LocalFileError):
        Workspace.load(tmp_path).attach(GOOGLE, "mine")

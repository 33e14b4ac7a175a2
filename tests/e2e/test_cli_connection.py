"""Where the command line finds storage and credentials, and what `doctor` says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore import launcher
from services.localstore.server import StoreServer
from tests.e2e.conftest import Pail

NOWHERE = {"NO_GCE_CHECK": "true"}
"""No metadata server is looked for."""


@pytest.fixture
def alone(home: Path) -> Pail:
    """Return the command without any storage named."""
    return Pail(home, (), dict(NOWHERE))


def test_without_credentials_every_command_ends_with_7_and_the_way_to_some(alone: Pail) -> None:
    for words in (("ls", "gs://bucket"), ("buckets",), ("cp", "gs://bucket/x", "y"), ("rm", "gs://bucket/x")):
        first, second = alone(*words, code=7).err.splitlines()
        assert "no credentials" in first
        assert "--local" in second


def test_the_emulator_variable_is_honoured_and_never_with_credentials(alone: Pail, store: StoreServer) -> None:
    env = {"STORAGE_EMULATOR_HOST": store.endpoint}
    alone("mb", "gs://bucket", env=env)
    assert alone("ls", env=env).lines == ["gs://bucket"]
    key = alone.home / "key.json"
    key.write_text(json.dumps({"type": "authorized_user", "refresh_token": "secret-token"}))
    refused = alone("ls", "--credentials", str(key), env=env, code=2)
    assert "STORAGE_EMULATOR_HOST" in refused.err
    assert "secret-token" not in refused.err


def test_credentials_never_travel_over_plain_http(alone: Pail, store: StoreServer) -> None:
    key = alone.home / "key.json"
    key.write_text(json.dumps({"type": "authorized_user", "refresh_token": "secret-token"}))
    refused = alone("-v", "ls", "--credentials", str(key), "--endpoint", store.endpoint, code=None)
    assert refused.code != 0
    assert "unencrypted" in refused.err
    assert "secret-token" not in refused.err


def test_the_embedded_store_starts_by_itself_and_is_shared(alone: Pail, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    try:
        alone("--local", str(folder), "mb", "gs://bucket")
        assert alone("ls", "--local", str(folder)).lines == ["gs://bucket"]
        assert alone(f"--local={folder}", "ls").lines == ["gs://bucket"]
    finally:
        launcher.stop(folder)


def test_the_buckets_of_a_workspace_come_first(alone: Pail, store: StoreServer, put: Callable[..., None]) -> None:
    put("aaa-listed")
    put("bbb-attached")
    project = alone.home / "project"
    project.mkdir()
    entry = f'[[buckets]]\nname = "bbb-attached"\nalias = "data"\nendpoint = "{store.endpoint}"\n'
    (project / "pail.toml").write_text(entry)
    words = ("--json", "buckets", "--endpoint", store.endpoint)
    inside = alone(*words, cwd=project).records
    assert [record["name"] for record in inside] == ["bbb-attached", "aaa-listed"]
    assert (inside[0]["alias"], inside[0]["attached"], inside[0]["current"]) == ("data", True, True)
    assert alone(*words, "--workspace", str(project)).records == inside
    assert [record["name"] for record in alone(*words).records] == ["aaa-listed", "bbb-attached"]
    alone(*words, "--workspace", str(project / "none"), code=2)


def test_doctor_finds_everything_in_order_on_a_store(pail: Pail) -> None:
    result = pail("--json", "doctor")
    found = {(record["area"], record["name"]): record for record in result.records}
    assert all(record["kind"] == "check" for record in result.records)
    assert not [record for record in result.records if record["state"] == "problem"]
    assert {area for area, _ in found} == {
        "system", "terminal", "settings", "limits", "folders", "worker", "credentials", "network", "storage",
    }  # fmt: skip
    assert found["network", "clock"]["detail"] == "agrees with the server"
    assert found["credentials", "Command line"]["state"] == "ok"


def test_doctor_names_the_remedy_where_there_are_no_credentials(alone: Pail) -> None:
    result = alone("doctor", code=7)
    assert "PROBLEM" in result.out
    assert "gcloud auth application-default login" in result.out


def test_doctor_names_an_endpoint_that_does_not_answer(home: Path) -> None:
    result = Pail(home, ("--endpoint", "http://127.0.0.1:9"))("--json", "doctor", code=1)
    [record] = [record for record in result.records if record["name"] == "endpoint"]
    assert record["state"] == "problem"
    assert record["remedy"]


def test_doctor_names_the_line_of_a_mistake_in_the_settings(pail: Pail) -> None:
    file = Path(pail.environment["XDG_CONFIG_HOME"]) / "pail" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[keys]\nupload = "d"\n')
    result = pail("--json", "doctor", code=1)
    [check] = [record for record in result.records if record["area"] == "settings"]
    assert (check["state"], "line 2" in check["detail"]) == ("problem", True)
    file.write_text("")
    assert "ok       config.toml: " in pail("doctor").out


def test_doctor_names_a_folder_that_cannot_be_used(alone: Pail) -> None:
    (alone.home / "state").mkdir()
    (alone.home / "state" / "pail").write_text("a file")
    result = alone("doctor", code=None)
    assert "is not a folder" in result.out


def test_the_screen_needs_a_terminal(alone: Pail) -> None:
    for words in ((), ("gs://bucket",), ("--local",)):
        first, second = alone(*words, code=2).err.splitlines()
        assert "terminal" in first
        assert "pail --help" in second

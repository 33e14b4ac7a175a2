"""The ladder of credentials: its order, what is never asked, and what a person is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services import credentials
from services.connection import Connection, ConnectionOptions, CredentialSpec
from services.credentials import Rung, find_connection
from services.errors import NotAuthenticated, Unsafe, UsageError
from services.probe import ProbeFailed, get

VARIABLES = (
    "STORAGE_EMULATOR_HOST",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "REPL_ID",
    "NO_GCE_CHECK",
    "GCE_METADATA_HOST",
)

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any credentials, away from Google's cloud."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@asynccontextmanager
async def server(answers: dict[str, Answer], asked: list[str] | None = None) -> AsyncIterator[str]:
    """A tiny HTTP server; a path without an answer is never answered."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            if asked is not None:
                asked.append(path)
            if path in answers:
                status, headers, body = answers[path]
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)
                await writer.drain()
            else:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"


def key_file(path: Path, **content: str) -> Path:
    path.write_text(json.dumps({"type": "service_account", "client_email": "robot@p.example", **content}))
    path.chmod(0o600)
    return path


async def climb(options: ConnectionOptions | None = None) -> tuple[Connection, dict[str, Rung]]:
    rungs: list[Rung] = []
    connection = await find_connection(options or ConnectionOptions(), report=rungs.append)
    assert [rung.key for rung in rungs if rung.state == "trying"] == [
        rung.key for rung in rungs if rung.state in ("yes", "no") or (rung.state == "skipped" and rung.detail)
    ], "every rung that is tried says what came of it"
    return connection, {rung.key: rung for rung in rungs}


async def test_local_beats_everything_and_needs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:1")
    options = ConnectionOptions(local="data", credentials="/nowhere", anonymous=True, endpoint="http://x")
    connection, rungs = await climb(options)
    assert connection == Connection(local_dir=str(tmp_path / "here" / "data"))
    assert [rung.state for rung in rungs.values()] == ["yes", "skipped", "skipped", "skipped", "skipped"]


async def test_local_without_a_folder_is_the_users_own_store(tmp_path: Path) -> None:
    connection, _ = await climb(ConnectionOptions(local=""))
    assert connection.local_dir == str(tmp_path / "data" / "pail" / "store")


async def test_a_named_key_file_is_described_by_its_path_and_owner(tmp_path: Path) -> None:
    path = key_file(tmp_path / "key.json", project_id="proj", private_key="SECRET")
    connection, rungs = await climb(ConnectionOptions(credentials=str(path), quota_project="payer"))
    assert (connection.credentials.kind, connection.credentials.path) == ("key-file", str(path))
    assert (connection.project, connection.credentials.quota_project) == ("proj", "payer")
    assert "robot@p.example" in rungs["explicit"].detail
    assert "SECRET" not in repr(connection) + repr(rungs)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "does not exist"), (b"{", "is not JSON"), (b'{"type": "x"}', "no credentials"), (b" " * 2**21, "large")],
)
async def test_a_named_key_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        await climb(ConnectionOptions(credentials=str(path)))


async def test_h61_credentials_never_go_over_http(tmp_path: Path) -> None:
    path = key_file(tmp_path / "key.json")
    with pytest.raises(Unsafe, match="unencrypted"):
        await climb(ConnectionOptions(credentials=str(path), endpoint="http://127.0.0.1:4443"))
    connection, _ = await climb(ConnectionOptions(credentials=str(path), endpoint="https://store.example/"))
    assert connection.endpoint == "https://store.example"


async def test_h61_credentials_and_the_emulator_variable_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:9000")
    with pytest.raises(UsageError, match="never sent to an emulator"):
        await climb(ConnectionOptions(credentials=str(key_file(tmp_path / "key.json"))))


async def test_h61_the_emulator_is_asked_anonymously_even_where_somebody_is_logged_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:9000/")
    connection, rungs = await climb()
    assert (connection.endpoint, connection.credentials.kind) == ("http://localhost:9000", "anonymous")
    assert "STORAGE_EMULATOR_HOST is set" in rungs["emulator"].detail
    assert rungs["default"].state == "skipped"


async def test_flags_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:9000")
    connection, _ = await climb(ConnectionOptions(endpoint="http://localhost:7000", project="p"))
    assert (connection.endpoint, connection.project) == ("http://localhost:7000", "p")


async def test_anonymous_means_googles_service_unless_an_emulator_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, _ = await climb(ConnectionOptions(anonymous=True))
    assert (connection.endpoint, connection.credentials.kind) == ("", "anonymous")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:9000")
    connection, _ = await climb(ConnectionOptions(anonymous=True))
    assert connection.endpoint == "http://localhost:9000"


async def test_anonymous_and_a_key_file_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude"):
        await climb(ConnectionOptions(anonymous=True, credentials="x"))


@pytest.mark.parametrize(
    "text",
    ["ftp://x", "http://", "http://x:99999", "http://user:pw@x", "http://x?a=b", "http://x#y", "://", "http://[::1"],
)
async def test_what_is_no_address_is_refused_without_repeating_a_password(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        await climb(ConnectionOptions(endpoint=text))
    assert "pw" not in str(caught.value)


async def test_h68_the_sidecar_is_never_asked_outside_replit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    async with server({}, asked) as address:
        monkeypatch.setattr(credentials, "SIDECAR_URL", f"http://{address}")
        with pytest.raises(NotAuthenticated):
            await climb()
    assert asked == []


@pytest.mark.parametrize("by", ["variable", "file"])
async def test_inside_replit_the_sidecar_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str) -> None:
    if by == "variable":
        monkeypatch.setenv("REPL_ID", "abc")
    else:
        (tmp_path / ".replit").write_text("run = 'x'")
    path = "/object-storage/default-bucket"
    async with server({path: (200, {"Content-Length": "23"}, b'{"bucketId": "replit-1"}')}) as address:
        monkeypatch.setattr(credentials, "SIDECAR_URL", f"http://{address}")
        connection, rungs = await climb()
    assert connection.credentials.kind == "replit"
    assert "replit-1" in rungs["replit"].detail


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, {}, b"x"), "answers 500"),
        ((200, {}, b"<html>"), "not Replit's"),
        ((200, {}, b'{"x": 1}'), "not Replit's"),
    ],
)
async def test_a_sidecar_that_is_none_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Answer, why: str
) -> None:
    monkeypatch.setenv("REPL_ID", "abc")
    key_file(tmp_path / "gcloud" / "application_default_credentials.json")
    async with server({"/object-storage/default-bucket": answer}) as address:
        monkeypatch.setattr(credentials, "SIDECAR_URL", f"http://{address}")
        connection, rungs = await climb()
    assert connection.credentials.kind == "key-file"
    assert rungs["replit"].state == "no"
    assert why in rungs["replit"].detail


async def test_a_sidecar_that_never_answers_is_given_up() -> None:
    async with server({}) as address:
        with pytest.raises(ProbeFailed, match="within"):
            await credentials.sidecar_default_bucket(f"http://{address}", limit_s=0.05)


async def test_no_default_bucket_is_an_answer() -> None:
    async with server({"/object-storage/default-bucket": (200, {}, b'{"bucketId": ""}')}) as address:
        assert await credentials.sidecar_default_bucket(f"http://{address}", limit_s=5) == ""


async def test_gclouds_login_is_found_with_the_project_of_its_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gcloud = tmp_path / "gcloud"
    path = key_file(gcloud / "application_default_credentials.json", type="authorized_user", quota_project_id="quota")
    connection, rungs = await climb()
    assert (connection.credentials.path, connection.project) == (str(path), "quota")
    assert "a person's login" in rungs["default"].detail
    (gcloud / "configurations").mkdir()
    (gcloud / "active_config").write_text("work\n")
    (gcloud / "configurations" / "config_work").write_text("[core]\nproject = mine\n")
    assert (await climb())[0].project == "mine"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "environment")
    assert (await climb())[0].project == "environment"
    assert (await climb(ConnectionOptions(project="flag")))[0].project == "flag"


async def test_h66_a_login_that_others_may_write_is_refused(tmp_path: Path) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json").chmod(0o666)
    with pytest.raises(Unsafe, match="other users"):
        await climb()


async def test_a_named_file_that_is_missing_stops_the_ladder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key_file(tmp_path / "gcloud" / "application_default_credentials.json")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    rungs: list[Rung] = []
    with pytest.raises(NotAuthenticated, match="does not exist"):
        await find_connection(ConnectionOptions(), report=rungs.append)
    assert (rungs[-1].key, rungs[-1].state) == ("default", "no")


async def test_googles_metadata_server_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_GCE_CHECK")
    base = "/computeMetadata/v1"
    flavour = {"Metadata-Flavor": "Google"}
    answers: dict[str, Answer] = {
        f"{base}/instance/service-accounts/default/email": (200, flavour, b"vm@p.example"),
        f"{base}/project/project-id": (200, flavour, b"cloud-project"),
    }
    async with server(answers) as address:
        monkeypatch.setenv("GCE_METADATA_HOST", address)
        connection, rungs = await climb()
    assert (connection.credentials.kind, connection.project) == ("default", "cloud-project")
    assert "vm@p.example" in rungs["metadata"].detail


async def test_a_router_that_answers_everything_is_no_metadata_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_GCE_CHECK")
    path = "/computeMetadata/v1/instance/service-accounts/default/email"
    async with server({path: (200, {}, b"login page")}) as address:
        monkeypatch.setenv("GCE_METADATA_HOST", address)
        with pytest.raises(NotAuthenticated):
            await climb()


async def test_with_nothing_at_all_the_remedy_names_the_embedded_store() -> None:
    with pytest.raises(NotAuthenticated) as caught:
        await climb()
    assert "--local" in caught.value.remedy


@pytest.mark.parametrize("raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
async def test_a_probe_answered_in_another_language_fails(raw: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(ProbeFailed, match="HTTP"):
            await get(f"http://127.0.0.1:{port}/", limit_s=5)


def test_the_ladder_needs_no_google_library() -> None:
    code = "import sys, services.credentials; sys.exit(any(m.split('.')[0] == 'google' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_who_one_is_in_a_policy_is_told_by_the_key_file(tmp_path: Path) -> None:
    path = key_file(tmp_path / "key.json")
    named = Connection(CredentialSpec("key-file", str(path)))
    assert credentials.own_members(named) == {"serviceAccount:robot@p.example"}
    path.write_text("{}")
    for other in (named, Connection(CredentialSpec("key-file", str(tmp_path / "none"))), Connection()):
        assert credentials.own_members(other) == frozenset()

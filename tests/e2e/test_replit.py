"""Inside Replit without a word of configuration: a stand-in for its sidecar, and for Google behind it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from app.cli.main import run
from services import credentials
from services.gcs import auth, signing
from services.localstore.server import StoreServer
from tests.services.gcs.certificates import self_signed
from tests.services.gcs.scripted import Asked, Says, refusal, serving

GOOGLE = "storage.googleapis.com"
BUCKET = "replit-objstore-1"

Put = Callable[..., None]


@dataclass
class Repl:
    """The sidecar and the service that takes its tokens; `say` runs a command in this process."""

    store: StoreServer
    capture: pytest.CaptureFixture[str]
    default: str = BUCKET
    started_too_early: bool = False
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Methods and paths that are refused with 403."""

    def sidecar(self, asked: Asked) -> Says:
        if asked.path == "/object-storage/default-bucket":
            return Says(200, {"bucketId": self.default})
        if asked.path == "/credential":
            return Says(200, {"access_token": "subject"})
        if asked.path == "/object-storage/signed-object-url":
            wanted = json.loads(asked.body)
            link = f"https://signed.example/{wanted['bucket_name']}/{wanted['object_name']}?sig={wanted['method']}"
            return Says(200, {"signed_url": link})
        if self.started_too_early:
            return Says(401, {"error": "unauthorized", "error_description": "no allowed resources"})
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return Says(200, {"access_token": "t", "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3600})

    def google(self, asked: Asked) -> Says:
        if asked.headers.get("authorization") != "Bearer t":
            return refusal(401, "Invalid Credentials", "authError")
        if (asked.method, asked.path) in self.denied:
            return refusal(403, "replit does not have storage.buckets.get access to the bucket.", "forbidden")
        kept = {name: value for name, value in asked.headers.items() if name in ("content-type", "range")}
        url = f"{self.store.endpoint}{asked.path}?{urlencode(asked.query, doseq=True)}"
        made = urllib.request.Request(url, data=asked.body or None, method=asked.method, headers=kept)
        try:
            answer: Any = urllib.request.urlopen(made)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            skipped = ("transfer-encoding", "content-length", "date", "server")
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in skipped}
            return Says(answer.status, answer.read(), headers)

    def say(self, *words: str, code: int = 0) -> tuple[list[str], str]:
        """Run a command and return its lines and what it said besides."""
        found = run(words)
        said = self.capture.readouterr()
        assert found == code, said
        return said.out.splitlines(), said.err


@pytest.fixture
def repl(
    store: StoreServer,
    put: Put,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Repl]:
    project = tmp_path / "repl"
    project.mkdir()
    monkeypatch.chdir(project)
    for name in ("STATE", "CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "DEFAULT_OBJECT_STORAGE_BUCKET_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REPL_ID", "abc")
    certificate, context = self_signed(tmp_path, GOOGLE)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    put(BUCKET)
    put(BUCKET, "notes/a.txt", b"hello")
    found = Repl(store, capfd, denied={("GET", f"/storage/v1/b/{BUCKET}")})
    with (
        serving(found.sidecar) as sidecar,
        serving(found.google, tls=context) as google,
        serving(found.google, tunnel_to=google.port) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for module in (credentials, auth, signing):
            monkeypatch.setattr(module, "SIDECAR_URL", sidecar.url)
        yield found


def test_the_default_bucket_is_attached_and_current_without_any_configuration(repl: Repl) -> None:
    [line], said = repl.say("--json", "buckets")
    record = json.loads(line)
    assert (record["name"], record["attached"], record["current"]) == (BUCKET, True, True)
    assert record["access"] == "read/write"
    assert said == "", "that no other bucket can be listed is normal here"
    assert repl.say("ls", f"gs://{BUCKET}/notes/")[0] == [f"gs://{BUCKET}/notes/a.txt"]


def test_settings_that_cannot_be_read_stop_nothing_else(repl: Repl) -> None:
    [line], said = repl.say("--json", "usage")
    record = json.loads(line)
    assert (record["url"], record["objects"], record["size"]) == (f"gs://{BUCKET}", 1, 5)
    assert "Replit" in record["monthly_cost"]["prices"]
    assert "storage.buckets.get is not allowed" in said
    repl.say("settings", f"gs://{BUCKET}", code=7)
    repl.say("rm", f"gs://{BUCKET}/notes/a.txt")
    [line], _ = repl.say("--json", "versions", f"gs://{BUCKET}/notes/a.txt")
    assert json.loads(line)["state"] == "soft-deleted"
    repl.say("restore", f"gs://{BUCKET}/notes/a.txt")
    assert repl.say("cat", f"gs://{BUCKET}/notes/a.txt")[0] == ["hello"]


def test_the_sidecar_signs_links(repl: Repl) -> None:
    assert repl.say("url", f"gs://{BUCKET}/notes/a.txt") == (
        [f"https://signed.example/{BUCKET}/notes/a.txt?sig=GET"],
        "",
    )
    [line], _ = repl.say("--json", "url", f"gs://{BUCKET}/in.csv", "--method", "PUT", "--for", "15min")
    record = json.loads(line)
    assert (record["kind"], record["url"], record["method"]) == ("url", f"gs://{BUCKET}/in.csv", "PUT")
    assert record["signed_url"].endswith("?sig=PUT")
    repl.say("url", f"gs://{BUCKET}/notes/a.txt", "--for", "8d", code=1)


def test_a_sidecar_from_before_the_bucket_says_to_restart(repl: Repl) -> None:
    repl.started_too_early = True
    _, said = repl.say("ls", f"gs://{BUCKET}", code=7)
    assert "no bucket is allowed for this Repl yet" in said
    assert "Restart the workspace" in said


def test_without_a_bucket_it_is_said_where_they_are_made(repl: Repl) -> None:
    repl.default = ""
    lines, said = repl.say("buckets")
    assert lines == []
    assert "Replit's Object Storage tool" in said
    _, said = repl.say("mb", "gs://mine-1", code=7)
    assert "Replit's Object Storage tool" in said
    assert repl.say("attach", f"gs://{BUCKET}")[1].startswith("Attached")
    assert repl.say("buckets")[0] == [f"gs://{BUCKET}"]


def test_access_explains_what_takes_its_place(repl: Repl) -> None:
    repl.denied.add(("GET", f"/storage/v1/b/{BUCKET}/iam"))
    _, said = repl.say("access", f"gs://{BUCKET}", code=7)
    assert "add the bucket to another app" in said

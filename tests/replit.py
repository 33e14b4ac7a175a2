"""A stand-in for Replit: its sidecar, and Google behind it, which takes only the sidecar's tokens."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from app.cli.main import run
from services import credentials
from services.gcs import auth, signing
from services.localstore.server import StoreServer
from tests.services.gcs.certificates import self_signed
from tests.services.gcs.scripted import Asked, Says, refusal, serving

GOOGLE = "storage.googleapis.com"
BUCKET = "replit-objstore-1"


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

    def make(self, bucket: str) -> None:
        """Create a bucket, as Replit's own tool does."""
        self._post("/storage/v1/b?project=p", json.dumps({"name": bucket}).encode(), "application/json")

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Put an object into a bucket."""
        self._post(f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, '')}", data, "text/plain")

    def _post(self, path: str, body: bytes, kind: str) -> None:
        made = urllib.request.Request(f"{self.store.endpoint}{path}", body, {"Content-Type": kind}, method="POST")
        with urllib.request.urlopen(made) as answer:
            answer.read()

    def say(self, *words: str, code: int = 0) -> tuple[list[str], str]:
        """Run a command and return its lines and what it said besides."""
        found = run(words)
        said = self.capture.readouterr()
        assert found == code, said
        return said.out.splitlines(), said.err


@pytest.fixture
def repl(
    store: StoreServer,
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
    found = Repl(store, capfd, denied={("GET", f"/storage/v1/b/{BUCKET}")})
    found.make(BUCKET)
    found.put(BUCKET, "notes/a.txt", b"hello")
    with (
        serving(found.sidecar) as sidecar,
        serving(found.google, tls=context) as google,
        serving(found.google, tunnel_to=google.port) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for module in (credentials, auth, signing):
            monkeypatch.setattr(module, "SIDECAR_URL", sidecar.url)
        yield found

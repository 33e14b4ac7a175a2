"""Credentials in use: a stand-in sidecar, key files, one token for all who wait, refusals that are understood."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from services.connection import Connection, CredentialSpec
from services.errors import Forbidden, NotAuthenticated, Rejected, Transient, Unsafe
from services.gcs import auth, signing
from services.gcs.exchange import Limits
from services.gcs.interface import ListQuery
from services.gcs.open import open_storage
from tests.services.gcs.certificates import rsa_key, self_signed
from tests.services.gcs.scripted import Asked, Says, Server, refusal, serving

LIMITS = Limits(connect_s=5, answer_s=20, stall_s=20, attempts=3, backoff_s=0.001, backoff_cap_s=0.002)
LIST = "/storage/v1/b/bucket/o"


@dataclass
class Sidecar:
    """Replit's sidecar and a storage service that takes its tokens, behind one address."""

    tokens: int = 0
    accepted: set[str] = field(default_factory=set)
    broken: str = ""
    refusing: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    exchanges: list[dict[str, list[str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Says:
        if asked.path == "/credential":
            return Says(200, {"access_token": "subject"})
        if asked.path == "/token":
            with self.lock:
                self.exchanges.append(parse_qs(asked.body.decode()))
                if self.broken:
                    return Says(400, {"error": "invalid_grant", "error_description": self.broken})
                self.tokens += 1
                token = f"token-{self.tokens}"
                self.accepted.add(token)
            kind = "urn:ietf:params:oauth:token-type:access_token"
            return Says(
                200,
                {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3600},
            )
        if asked.path == "/object-storage/signed-object-url":
            wanted = json.loads(asked.body)
            return Says(200, {"signed_url": f"https://signed.example/{wanted['object_name']}?{wanted['method']}"})
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.refusing or token not in self.accepted:
            return refusal(401, "Invalid Credentials", "authError")
        return Says(200, {"kind": "storage#objects"})


@pytest.fixture
def sidecar() -> Sidecar:
    return Sidecar()


@pytest.fixture
def plain(sidecar: Sidecar, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(sidecar) as server:
        for module in (auth, signing):
            monkeypatch.setattr(module, "SIDECAR_URL", server.url)
        # A proxy must never stand between us and this very machine.
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        yield server


@pytest.fixture
def secure(sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    certificate, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(sidecar, tls=context) as server:
        yield server


def replit(secure: Server, quota_project: str = "") -> Connection:
    return Connection(CredentialSpec("replit", quota_project=quota_project, detail="the sidecar"), secure.url)


async def test_the_token_is_exchanged_as_replits_package_does(plain: Server, secure: Server, sidecar: Sidecar) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
    (exchange,) = sidecar.exchanges
    assert exchange["grant_type"] == ["urn:ietf:params:oauth:grant-type:token-exchange"]
    assert (exchange["audience"], exchange["subject_token"]) == (["replit"], ["subject"])
    assert exchange["subject_token_type"] == ["access_token"]
    assert "devstorage" in exchange["scope"][0]
    assert [asked.path for asked in plain.asked] == ["/credential", "/token"]
    assert [asked.path for asked in secure.asked] == [LIST], "nothing else is asked in the background"


async def test_many_requests_at_once_fetch_one_token(plain: Server, secure: Server, sidecar: Sidecar) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        await asyncio.gather(*(storage.data.list_page("bucket", ListQuery()) for _ in range(50)))
    assert sidecar.tokens == 1


async def test_h19_a_refused_token_is_renewed_once_for_all_who_were_refused(
    plain: Server, secure: Server, sidecar: Sidecar
) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
        sidecar.accepted.clear()
        await asyncio.gather(*(storage.data.list_page("bucket", ListQuery()) for _ in range(50)))
    assert sidecar.tokens == 2


async def test_h19_a_token_that_is_refused_again_ends_it(plain: Server, secure: Server, sidecar: Sidecar) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        sidecar.refusing = True
        with pytest.raises(NotAuthenticated):
            await storage.data.list_page("bucket", ListQuery())
    assert sidecar.tokens == 2


async def test_h19_a_revoked_grant_says_who_refused(plain: Server, secure: Server, sidecar: Sidecar) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
        sidecar.accepted.clear()
        sidecar.broken = "revoked"
        with pytest.raises(NotAuthenticated, match="the sidecar were refused"):
            await storage.data.list_page("bucket", ListQuery())


async def test_a_bucket_created_after_the_sidecar_started_has_a_remedy(
    plain: Server, secure: Server, sidecar: Sidecar
) -> None:
    sidecar.broken = "no allowed resources"
    with pytest.raises(NotAuthenticated) as caught:
        await open_storage(replit(secure), limits=LIMITS)
    assert "Restart the workspace" in caught.value.remedy


async def test_a_quota_project_goes_along(plain: Server, secure: Server) -> None:
    async with await open_storage(replit(secure, "payer"), limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
    assert secure.asked[-1].headers["x-goog-user-project"] == "payer"
    assert secure.asked[-1].headers["user-agent"].startswith("pail/")


async def test_replits_sidecar_signs(plain: Server, secure: Server) -> None:
    async with await open_storage(replit(secure), limits=LIMITS) as storage:
        url = await storage.control.sign_url("bucket", "name", method="PUT", expires_s=60)
        assert url == "https://signed.example/name?PUT"
        with pytest.raises(Rejected):
            await storage.control.sign_url("bucket", "name", method="GET", expires_s=8 * 86400)


async def test_h60_no_token_reaches_a_log_a_message_or_a_representation(
    plain: Server, secure: Server, sidecar: Sidecar, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with await open_storage(replit(secure), limits=LIMITS) as storage:
            await storage.data.list_page("bucket", ListQuery())
            sidecar.broken = "access_token=token-1"
            sidecar.accepted.clear()
            with pytest.raises(NotAuthenticated) as caught:
                await storage.data.list_page("bucket", ListQuery())
    assert "token-1" not in caplog.text + str(caught.value) + caught.value.remedy
    stamp = auth.Stamp("https://x", 0, {"Authorization": "Bearer token-1"})
    assert "token-1" not in repr(stamp)


def service_account(folder: Path, token_uri: str) -> Path:
    path = folder / "key-file.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "proj",
                "private_key_id": "1",
                "private_key": rsa_key(),
                "client_email": "robot@proj.example",
                "token_uri": token_uri,
            }
        )
    )
    return path


async def test_a_service_accounts_key_asks_and_signs(secure: Server, sidecar: Sidecar, tmp_path: Path) -> None:
    path = service_account(tmp_path, f"{secure.url}/token")
    connection = Connection(CredentialSpec("key-file", str(path), detail="a key"), secure.url)
    async with await open_storage(connection, limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
        url = await storage.control.sign_url("bucket", "a b/../c", method="GET", expires_s=60)
    assert sidecar.tokens == 1
    assert "X-Goog-Algorithm=GOOG4-RSA-SHA256" in url
    assert "a%20b/../c" in url


async def test_a_persons_login_asks_but_cannot_sign(
    secure: Server, sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{secure.url}/token")
    path = tmp_path / "login.json"
    path.write_text(
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": "i",
                "client_secret": "s",
                "refresh_token": "r",
            }
        )
    )
    connection = Connection(CredentialSpec("key-file", str(path)), secure.url)
    async with await open_storage(connection, limits=LIMITS) as storage:
        await storage.data.list_page("bucket", ListQuery())
        with pytest.raises(Forbidden, match="no key"):
            await storage.control.sign_url("bucket", "name", method="GET", expires_s=60)


async def test_a_broken_key_file_is_no_credentials(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text('{"type": "service_account", "private_key": "SECRET"}')
    for spec in (CredentialSpec("key-file", str(path)), CredentialSpec("key-file", str(tmp_path / "missing"))):
        with pytest.raises(NotAuthenticated) as caught:
            await open_storage(Connection(spec), limits=LIMITS)
        assert "SECRET" not in str(caught.value)


async def test_a_token_endpoint_that_is_down_is_a_passing_fault(secure: Server, tmp_path: Path) -> None:
    path = service_account(tmp_path, "https://localhost:9/token")
    connection = Connection(CredentialSpec("key-file", str(path)), secure.url)
    with pytest.raises(Transient, match="cannot get an access token"):
        await open_storage(connection, limits=LIMITS)


async def test_h61_credentials_never_go_over_http(tmp_path: Path) -> None:
    path = service_account(tmp_path, "https://localhost:9/token")
    for spec in (CredentialSpec("key-file", str(path)), CredentialSpec("replit"), CredentialSpec("default")):
        with pytest.raises(Unsafe, match="unencrypted"):
            await open_storage(Connection(spec, "http://127.0.0.1:1"), limits=LIMITS)


async def test_nobody_signs_without_credentials() -> None:
    async with await open_storage(Connection(endpoint="http://127.0.0.1:1"), limits=LIMITS) as storage:
        with pytest.raises(NotAuthenticated, match="no credentials"):
            await storage.control.sign_url("bucket", "name", method="GET", expires_s=60)

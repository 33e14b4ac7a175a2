"""What lies between us and a server: proxies, certificates, refusals that teach, a store that comes and goes."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services import checksum
from services.connection import Connection, CredentialSpec
from services.errors import (
    BucketNotFound,
    Forbidden,
    Interrupted,
    ObjectNotFound,
    PailError,
    RateLimited,
    Rejected,
    Transient,
    Unsafe,
    UsageError,
)
from services.gcs.auth import EmbeddedStore
from services.gcs.exchange import Limits
from services.gcs.failures import Unsent
from services.gcs.interface import ANY, ListQuery
from services.gcs.open import GoogleStorage, open_storage
from services.gcs.signing import NoSigner
from services.gcs.wire import Wire
from services.localstore.launcher import StoreAddress
from services.localstore.server import StoreServer
from services.model import BucketSpec, WriteAttributes
from tests.services.gcs.certificates import self_signed
from tests.services.gcs.scripted import Asked, Says, refusal, serving

LIMITS = Limits(connect_s=5, answer_s=20, stall_s=20, attempts=3, backoff_s=0.001, backoff_cap_s=0.002)
EMPTY = Says(200, {"kind": "storage#objects"})
OBJECT = {"bucket": "b", "name": "n", "size": "0", "generation": "1", "updated": "2026-01-01T00:00:00Z"}


@pytest.fixture(autouse=True, params=["lean", "library"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask everything of both roads."""
    monkeypatch.setattr(sys.modules[__name__], "open_storage", partial(open_storage, road=request.param))


def listing(_asked: Asked) -> Says:
    return EMPTY


async def list_once(endpoint: str, limits: Limits = LIMITS) -> None:
    async with await open_storage(Connection(endpoint=endpoint), limits=limits) as storage:
        await storage.data.list_page("bucket", ListQuery())


# Proxies.


async def test_http_goes_through_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(listing) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await list_once("http://nowhere.invalid")
    assert [asked.headers["host"] for asked in proxy.asked] == ["nowhere.invalid"]


async def test_https_goes_through_a_tunnel_and_cannot_be_read_by_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(listing) as proxy, serving(listing, tls=context) as far:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        await list_once(far.url)
        assert proxy.tunnels == [f"localhost:{far.port}"]
        assert (len(proxy.asked), len(far.asked)) == (0, 1)


async def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(listing) as proxy, serving(listing) as far:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "localhost")
        await list_once(far.url)
        assert (len(proxy.asked), len(far.asked)) == (0, 1)


async def test_the_embedded_store_is_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, store: StoreServer
) -> None:
    with serving(listing) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with embedded(lambda _folder: StoreAddress(store.endpoint, None)) as storage:
            await storage.control.create_bucket(BucketSpec("bucket"))
        assert proxy.asked == []


async def test_a_proxy_that_refuses_or_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(listing, tunnel=False) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Forbidden, match="the proxy refuses") as refused:
            await list_once("https://nowhere.invalid")
    assert "HTTPS_PROXY" in refused.value.remedy
    with pytest.raises(Unsent, match="the proxy cannot be reached"):
        await list_once("https://nowhere.invalid")


# Certificates.


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_certificate_of_the_environment_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    certificate, context = self_signed(tmp_path)
    with serving(listing, tls=context) as far:
        with pytest.raises(Unsafe, match="not trusted") as caught:
            await list_once(far.url)
        assert "SSL_CERT_FILE" in caught.value.remedy
        monkeypatch.setenv(variable, str(certificate))
        await list_once(far.url)
        with pytest.raises(Unsafe, match="not trusted"):
            await list_once(far.url.replace("localhost", "127.0.0.1"))


async def test_a_certificate_file_that_is_missing_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with serving(listing) as far:
        with pytest.raises(UsageError, match=r"SSL_CERT_FILE names /nowhere/ca\.pem"):
            await list_once(far.url)
        assert far.asked == []


# Nobody there.


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("host", "why"), [("localhost", "refuses the connection"), ("nowhere.invalid", "resolved")])
async def test_a_request_that_never_left_says_so_and_was_tried_again(host: str, why: str) -> None:
    with pytest.raises(Unsent, match=why) as caught:
        await list_once(f"http://{host}:{unused_port()}")
    assert "network" in caught.value.remedy


async def test_a_netrc_never_replaces_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login somebody password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving(listing) as far:
        await list_once(far.url)
    assert "authorization" not in far.asked[0].headers


async def test_a_redirect_is_not_followed() -> None:
    with serving(listing) as elsewhere, serving(lambda _: Says(302, b"", {"Location": elsewhere.url})) as far:
        with pytest.raises(PailError, match="302"):
            await list_once(far.url)
        assert elsewhere.asked == []


async def test_a_login_page_of_the_network_is_no_listing() -> None:
    with serving(lambda _: Says(200, b"<html>Welcome", {"Content-Type": "text/html"})) as far:
        with pytest.raises(Transient) as caught:
            await list_once(far.url)
        assert "login page" in caught.value.remedy


@pytest.mark.parametrize(
    "body", [{}, {"kind": "storage#objects", "itemz": []}, {"kind": "storage#objects", "items": [{}]}]
)
async def test_h24_an_answer_that_is_no_listing_is_never_an_empty_one(body: dict[str, Any]) -> None:
    with serving(lambda _: Says(200, body)) as far, pytest.raises(Transient, match="damaged"):
        await list_once(far.url)


async def test_a_refusal_of_megabytes_is_read_only_in_part() -> None:
    with serving(lambda _: Says(400, b"x" * 5_000_000)) as far:
        with pytest.raises(Rejected) as caught:
            await list_once(far.url)
        assert len(str(caught.value)) < 500


# Buckets that bill whoever asks.

MISSING = refusal(400, "Bucket is a requester pays bucket but no user project provided.", "required")


def requester_pays(asked: Asked) -> Says:
    if "userProject" not in asked.query:
        return MISSING
    if asked.path.startswith("/batch"):
        return Says(200, b"", {"Content-Type": "multipart/mixed; boundary=x"})
    if asked.path.startswith("/download"):
        return Says(200, b"", {"X-Goog-Generation": "1"})
    return EMPTY if asked.method == "GET" and asked.path.endswith("/o") else Says(200, OBJECT)


def paying(endpoint: str, project: str = "payer") -> Connection:
    return Connection(CredentialSpec("anonymous"), endpoint, project=project)


async def test_the_project_is_named_once_a_bucket_has_asked_for_it() -> None:
    with serving(requester_pays) as far:
        async with await open_storage(paying(far.url), limits=LIMITS) as storage:
            await storage.data.list_page("b", ListQuery())
            await storage.data.stat("b", "n")
            await storage.data.insert(
                "b", "n", b"", attributes=WriteAttributes(), crc32c=checksum.of(b""), precondition=ANY
            )
            await storage.data.delete("b", "n", precondition=ANY)
            async with storage.data.read("b", "n") as stream:
                assert [piece async for piece in stream] == []
            await storage.data.delete_many("b", [("n", 1)])
        asked = far.asked
    assert [one.query.get("userProject") for one in asked] == [None, *[["payer"]] * 6]
    assert b"userProject=payer" in asked[-1].body


async def test_a_change_that_was_refused_for_it_is_sent_again_with_the_project() -> None:
    with serving(requester_pays) as far:
        async with await open_storage(paying(far.url), limits=LIMITS) as storage:
            await storage.data.patch("b", "n", {}, generation=1, precondition=ANY)
        assert len(far.asked) == 2


async def test_without_a_project_the_remedy_names_the_option() -> None:
    def refuse(_asked: Asked) -> Says:
        return MISSING

    with serving(refuse) as far:
        async with await open_storage(paying(far.url, project=""), limits=LIMITS) as storage:
            with pytest.raises(Rejected) as caught:
                await storage.data.list_page("b", ListQuery())
        assert "--quota-project" in caught.value.remedy
        async with await open_storage(paying(far.url), limits=LIMITS) as storage:
            with pytest.raises(Rejected):
                await storage.data.list_page("b", ListQuery())
        assert len(far.asked) == 3, "asked again once with the project, then no more"


async def test_the_settings_of_a_bucket_tell_it_too() -> None:
    def answer(asked: Asked) -> Says:
        return EMPTY if asked.path.endswith("/o") else Says(200, {"name": "b", "billing": {"requesterPays": True}})

    with serving(answer) as far:
        async with await open_storage(paying(far.url), limits=LIMITS) as storage:
            await storage.control.get_bucket("b")
            await storage.data.list_page("b", ListQuery())
        assert far.asked[1].query["userProject"] == ["payer"]


# The embedded store comes and goes.


def embedded(ensure: Callable[[Path], StoreAddress]) -> GoogleStorage:
    return GoogleStorage(Wire.open(EmbeddedStore(Path("folder"), ensure), LIMITS, direct=True), NoSigner())


async def test_a_store_that_was_restarted_is_found_again_with_its_new_token(
    store_factory: Callable[..., StoreServer],
) -> None:
    first = store_factory(open_access=False)
    running = [first]

    def ensure(_folder: Path) -> StoreAddress:
        return StoreAddress(running[-1].endpoint, running[-1].token)

    async with embedded(ensure) as storage:
        await storage.control.create_bucket(BucketSpec("bucket"))
        session = await storage.data.start_upload(
            "bucket", "n", size=4, attributes=WriteAttributes(), crc32c="", precondition=ANY
        )
        await asyncio.to_thread(first.stop)
        running.append(store_factory(first.directory, open_access=False))
        assert running[-1].token != first.token
        # A change, too: it never left, or was refused for its token.
        status = await storage.data.upload_part(session, b"data", offset=0, total=4)
        assert status.done is not None
        assert running[-1].endpoint not in session


async def test_many_requests_find_a_restarted_store_once(store_factory: Callable[..., StoreServer]) -> None:
    first = store_factory(open_access=False)
    running, asked = [first], []

    def ensure(_folder: Path) -> StoreAddress:
        asked.append(len(running))
        return StoreAddress(running[-1].endpoint, running[-1].token)

    async with embedded(ensure) as storage:
        await storage.control.create_bucket(BucketSpec("bucket"))
        await asyncio.to_thread(first.stop)
        running.append(store_factory(first.directory, open_access=False))
        await asyncio.gather(*(storage.data.list_page("bucket", ListQuery()) for _ in range(40)))
    assert asked == [1, 2]


async def test_a_folder_starts_its_store_by_itself(tmp_path: Path) -> None:
    from services.localstore import launcher

    connection = Connection(local_dir=str(tmp_path / "store"))
    try:
        async with await open_storage(connection, limits=LIMITS) as storage:
            await storage.control.create_bucket(BucketSpec("bucket"))
            await asyncio.to_thread(launcher.stop, tmp_path / "store")
            assert [bucket.name for bucket in (await storage.control.list_buckets()).buckets] == ["bucket"]
    finally:
        await asyncio.to_thread(launcher.stop, tmp_path / "store")


# Closing and secrets.


async def test_a_closed_storage_says_so_and_closes_twice() -> None:
    storage = await open_storage(Connection(endpoint="http://localhost:1"), limits=LIMITS)
    await storage.close()
    await storage.close()
    with pytest.raises(Interrupted, match="closed"):
        await storage.data.list_page("bucket", ListQuery())


async def test_h60_a_session_never_reaches_a_message(caplog: pytest.LogCaptureFixture) -> None:
    session = "/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=SECRET"
    caplog.set_level("INFO")
    answers: list[Says] = [
        refusal(400, "bad upload_id=SECRET"),
        refusal(503, "no upload_id SECRET https://x/?upload_id=SECRET&x"),
        Says(200, b"nonsense"),
        refusal(403, "Bearer SECRET"),
    ]
    for says in answers:
        with serving(lambda _asked, says=says: says) as far:
            async with await open_storage(Connection(endpoint=far.url), limits=LIMITS) as storage:
                with pytest.raises(PailError) as caught:
                    await storage.data.upload_part(session, b"x", offset=0, total=1)
            shown = str(caught.value) + caught.value.remedy + caught.value.url
            assert "SECRET" not in shown
    with pytest.raises(Unsent) as unsent:
        async with await open_storage(Connection(endpoint="http://localhost:9"), limits=LIMITS) as storage:
            await storage.data.upload_part(session, b"x", offset=0, total=1)
    assert "SECRET" not in str(unsent.value) + caplog.text


async def test_h17_retry_after_as_a_date_or_nonsense_is_understood() -> None:
    for value, expected in (("Fri, 01 Jan 2100 00:00:00 GMT", 3600.0), ("soon", None), ("nan", None), ("-5", 0.0)):
        headers = {"Retry-After": value}
        says = refusal(429, "slow down", "rateLimitExceeded", **headers)
        with serving(lambda _asked, says=says: says) as far, pytest.raises(RateLimited) as caught:
            await list_once(far.url, LIMITS._replace(attempts=1))
        assert caught.value.retry_after_s == expected


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (refusal(404, "No such object: b/n", "notFound"), ObjectNotFound),
        (refusal(404, "The specified bucket does not exist.", "notFound"), BucketNotFound),
        (Says(404, b"No such object: b/n", {"Content-Type": "text/html"}), ObjectNotFound),
        (Says(404, b"Not Found"), ObjectNotFound),
    ],
)
async def test_what_is_missing_is_told_apart_in_json_and_in_text(says: Says, kind: type[PailError]) -> None:
    with serving(lambda _asked: says) as far:
        async with await open_storage(Connection(endpoint=far.url), limits=LIMITS) as storage:
            with pytest.raises(kind):
                async with storage.data.read("b", "n"):
                    pass

"""The environment decides about proxies and certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import UsageError
from services.gcs.lean.route import Hop, find_route, tls_context

GOOGLE = "https://storage.googleapis.com"
PROXY = {"HTTPS_PROXY": "http://proxy.corp:3128", "HTTP_PROXY": "plain.corp"}


def test_without_variables_the_way_is_direct() -> None:
    route = find_route(GOOGLE, environ={})
    assert (route.target, route.proxy) == (Hop("storage.googleapis.com", 443, secure=True), None)
    assert (route.tunnelled, route.request_prefix, route.target.netloc) == (False, "", "storage.googleapis.com")


def test_https_is_tunnelled_and_http_is_asked_for_by_whole_urls() -> None:
    tunnel = find_route(GOOGLE, environ=PROXY)
    assert (tunnel.proxy, tunnel.tunnelled, tunnel.request_prefix) == (Hop("proxy.corp", 3128, secure=False), True, "")
    plain = find_route("http://[2001:db8::1]:4443", environ=PROXY)
    assert plain.proxy == Hop("plain.corp", 80, secure=False)
    assert (plain.tunnelled, plain.request_prefix) == (False, "http://[2001:db8::1]:4443")


def test_small_letters_come_first_and_all_proxy_last() -> None:
    assert find_route(GOOGLE, environ=PROXY | {"https_proxy": "http://other:1"}).proxy == Hop("other", 1, secure=False)
    assert find_route(GOOGLE, environ={"ALL_PROXY": "https://any"}).proxy == Hop("any", 443, secure=True)


def test_direct_ignores_them() -> None:
    assert find_route("http://127.0.0.1:1", direct=True, environ=PROXY).proxy is None


def test_the_password_of_a_proxy_is_decoded_and_never_shown() -> None:
    route = find_route(GOOGLE, environ={"https_proxy": "http://ada:p%40ss@proxy:1"})
    assert route.proxy_authorization == "Basic YWRhOnBAc3M="
    assert "YWRh" not in repr(route)
    assert "p%40ss" not in repr(route)


@pytest.mark.parametrize(
    ("exceptions", "excepted"),
    [
        ("*", True),
        ("googleapis.com", True),
        (".googleapis.com", True),
        ("*.googleapis.com", True),
        ("example.com, STORAGE.googleapis.com", True),
        ("storage.googleapis.com:443", True),
        ("storage.googleapis.com:80", False),
        ("apis.com", False),
        ("10.0.0.0/8", False),
        ("", False),
    ],
)
def test_no_proxy_names_domains(exceptions: str, *, excepted: bool) -> None:
    assert (find_route(GOOGLE, environ=PROXY | {"NO_PROXY": exceptions}).proxy is None) is excepted


@pytest.mark.parametrize(
    ("exceptions", "excepted"),
    [("10.0.0.0/8", True), ("10.1.2.3", True), ("11.0.0.0/8", False), ("10.0.0.0/99", False), ("10.1.2.3:80", False)],
)
def test_no_proxy_names_networks(exceptions: str, *, excepted: bool) -> None:
    assert (find_route("https://10.1.2.3", environ=PROXY | {"no_proxy": exceptions}).proxy is None) is excepted


def test_no_proxy_names_addresses_of_the_sixth_version() -> None:
    assert find_route("https://[::1]", environ=PROXY | {"no_proxy": "::1"}).proxy is None
    assert find_route("https://[fd00::5]:8", environ=PROXY | {"no_proxy": "fd00::/8"}).proxy is None


@pytest.mark.parametrize("address", ["socks5://ada:secret@proxy:1080", "http://", "http://proxy:port"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_route(GOOGLE, environ={"HTTPS_PROXY": address})
    assert "HTTPS_PROXY" in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["localhost:4443", "ftp://x", "http://x:99999999", ""])
def test_an_endpoint_that_makes_no_sense_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        find_route(address, environ={})


def test_certificates_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"SSL_CERT_FILE names .*none\.pem, which does not exist"):
        tls_context({"SSL_CERT_FILE": str(tmp_path / "none.pem")})
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(UsageError, match=r"REQUESTS_CA_BUNDLE names .* holds no certificates"):
        tls_context({"REQUESTS_CA_BUNDLE": str(empty), "SSL_CERT_FILE": "/none"})


def test_without_variables_the_usual_certificates_are_trusted() -> None:
    assert tls_context({}).cert_store_stats()["x509_ca"] > 50

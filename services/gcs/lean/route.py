"""How a server is reached: directly or through a proxy, and whose certificates are trusted, as the environment says."""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from services.errors import UsageError
from services.names import display_name

CERTIFICATE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where trusted certificates are looked for, the first one that is set."""

_PORTS: Final = {"http": 80, "https": 443}


class Hop(NamedTuple):
    """A host that a connection is made to."""

    host: str
    """Name or address, without brackets."""
    port: int
    """Port."""
    secure: bool
    """Whether TLS is spoken with it."""

    @property
    def netloc(self) -> str:
        """Host and port as a URL has them, the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Route(NamedTuple):
    """The way to a server."""

    target: Hop
    """The server."""
    proxy: Hop | None = None
    """What stands in between."""
    proxy_authorization: str = ""
    """Header value for the proxy: a secret; empty for none."""

    def __repr__(self) -> str:
        return f"Route({self.target!r}, {self.proxy!r})"

    @property
    def tunnelled(self) -> bool:
        """Whether the proxy only passes on what it cannot read."""
        return self.proxy is not None and self.target.secure

    @property
    def request_prefix(self) -> str:
        """What precedes a path in a request: a plain proxy is asked for whole URLs (RFC 9112, section 3.2.2)."""
        return f"http://{self.target.netloc}" if self.proxy is not None and not self.target.secure else ""


def find_route(base_url: str, *, direct: bool = False, environ: Mapping[str, str] | None = None) -> Route:
    """Return the way to the server of `base_url`; `direct` ignores proxies.

    `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count, in both spellings, the small one first.  Raises
    `UsageError` for addresses that make no sense and for proxies that cannot be spoken to.
    """
    environ = os.environ if environ is None else environ
    target = _hop(base_url, "the endpoint")
    if direct or _excepted(target, _variable(environ, "no_proxy")):
        return Route(target)
    scheme = "https" if target.secure else "http"
    address = _variable(environ, f"{scheme}_proxy") or _variable(environ, "all_proxy")
    if not address:
        return Route(target)
    if "://" not in address:
        address = f"http://{address}"
    proxy = _hop(address, f"{scheme.upper()}_PROXY")
    parts = urlsplit(address)
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return Route(target, proxy, authorization)


def _variable(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _hop(url: str, what: str) -> Hop:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname:
        # Only the scheme is shown: a proxy's address may hold a password.
        shown = f" with '{display_name(parts.scheme)}://'" if parts.scheme else ""
        raise UsageError(f"{what}{shown} is not an address that Pail can use", remedy="Write http:// or https://.")
    return Hop(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "https")


def _excepted(target: Hop, exceptions: str) -> bool:
    """Tell whether `NO_PROXY` names the target: a domain and what is below it, an address, a network, or `*`."""
    host = target.host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    for entry in exceptions.lower().replace(",", " ").split():
        if entry == "*" or (address is not None and _in_network(address, entry)):
            return True
        name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        name = name.strip("[]").removeprefix("*").lstrip(".")
        if name and (not port or port == str(target.port)) and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _in_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    try:
        return "/" in entry and address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def check_certificates(environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the variable that names trusted certificates and its value; two empty strings for the built-in ones.

    Raises `UsageError` where what it names does not exist.
    """
    environ = os.environ if environ is None else environ
    for variable in CERTIFICATE_VARIABLES:
        value = environ.get(variable, "")
        if value:
            if not Path(value).exists():
                raise _unusable(variable, value, "does not exist")
            return variable, value
    return "", ""


def tls_context(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Return what connections are secured with; blocks for the reading of certificates.

    Raises `UsageError` where the environment names certificates that cannot be read.
    """
    variable, value = check_certificates(environ)
    if not value:
        import certifi

        value = certifi.where()
    is_folder = Path(value).is_dir()
    try:
        context = ssl.create_default_context(cafile=None if is_folder else value, capath=value if is_folder else None)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(variable or "certifi", value, "holds no certificates") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unusable(variable: str, value: str, why: str) -> UsageError:
    return UsageError(
        f"{variable} names {display_name(value)}, which {why}", remedy=f"Correct or unset {variable}.", url=value
    )

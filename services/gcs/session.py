"""A requests session as Pail needs it: cancellable, with the proxies and certificates of the environment."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from services import __version__
from services.errors import Interrupted, UsageError

USER_AGENT: Final = f"pail/{__version__}"
"""What servers see."""

_CERTIFICATE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where trusted certificates are looked for, the first one that is set; requests itself knows only the first two."""

_current = threading.local()


class Call:
    """One request under way, which another thread can give up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._given_up = False

    @property
    def given_up(self) -> bool:
        """Whether somebody no longer wants the answer."""
        return self._given_up

    def give_up(self) -> None:
        """End the request: whoever waits on its socket comes back at once with an error."""
        with self._lock:
            self._given_up = True
            if self._socket is not None:
                # Past SSLSocket.shutdown, which would take the TLS state away under the reading thread.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def use(self, connection: socket.socket | None) -> None:
        """Note the socket that the request goes over; raises `Interrupted` where it is no longer wanted."""
        with self._lock:
            self._socket = connection
            if self._given_up:
                raise Interrupted("the request was given up")

    def finish(self) -> None:
        """Let go of the socket, which from now on may carry other requests."""
        with self._lock:
            self._socket = None

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make this the call that this thread's connections belong to."""
        _current.call = self
        try:
            yield
        finally:
            _current.call = None


def _note(connection: socket.socket | None) -> None:
    call: Call | None = getattr(_current, "call", None)
    if call is not None:
        call.use(connection)


class _Noting(HTTPConnection):
    """A connection that tells the current call which socket it uses: before, during and after the TLS handshake."""

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        try:
            _note(connection)
        except Interrupted:
            connection.close()
            raise
        return connection

    def request(self, *args: Any, **kwargs: Any) -> None:
        _note(self.sock)
        super().request(*args, **kwargs)


class _PlainConnection(_Noting):
    def connect(self) -> None:
        super().connect()
        _note(self.sock)


class _SecureConnection(_Noting, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _note(self.sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(HTTPAdapter):
    """Uses our connections, directly and through proxies, and never retries by itself."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def make_session(base_url: str, *, connections: int, direct: bool = False) -> requests.Session:
    """Return a session for one server.

    The environment is read once, here: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` in both spellings, and
    the variables for certificates.  Requests would read it for each request, which costs 0.13 ms, and would let an
    entry for the host in `~/.netrc` replace the token.  `direct` ignores proxies, which must not stand between us and
    this very machine.  Raises `UsageError` for a certificate path that is missing.
    """
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = USER_AGENT
    session.verify = trusted_certificates()
    if not direct:
        session.proxies.update(get_environ_proxies(base_url))
    adapter = _Adapter(pool_connections=4, pool_maxsize=connections)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def trusted_certificates() -> str | bool:
    """Return the file or folder of trusted certificates that the environment names, True for the built-in ones.

    Raises `UsageError` where it does not exist.
    """
    for variable in _CERTIFICATE_VARIABLES:
        value = os.environ.get(variable)
        if value:
            if not Path(value).exists():
                raise UsageError(
                    f"{variable} names {value}, which does not exist",
                    remedy=f"Correct or unset {variable}.",
                    url=value,
                )
            return value
    return True

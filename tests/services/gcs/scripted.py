"""A server whose answers a test scripts: for sidecars, proxies, token endpoints, and what no store would say."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Says:
    """An answer."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def refusal(status: int, message: str, reason: str = "", **headers: str) -> Says:
    error = {"code": status, "message": message, "errors": [{"message": message, "reason": reason}]}
    return Says(status, {"error": error}, {"Content-Type": "application/json", **headers})


@dataclass
class Server:
    """A running server."""

    url: str
    port: int
    asked: list[Asked] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    """Targets of CONNECT."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextmanager
def serving(
    answer: Callable[[Asked], Says], *, tls: ssl.SSLContext | None = None, tunnel: bool = True, tunnel_to: int = 0
) -> Iterator[Server]:
    """Serve until the end of the context; also a forward proxy: CONNECT is answered with a tunnel, or with 403.

    With `tunnel_to` all tunnels lead to this port of this machine, whatever they ask for.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, *args: Any) -> None:
            pass

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, parse_qs(parts.query), headers, self.rfile.read(length))
            server.asked.append(asked)
            says = answer(asked)
            body = says.encoded()
            self.send_response(says.status)
            for name, value in {"Content-Length": str(len(body)), **says.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle_connect(self) -> None:
            server.tunnels.append(self.path)
            self.close_connection = True
            if not tunnel:
                self.send_error(403)
                return
            host, _, port = f"localhost:{tunnel_to}".rpartition(":") if tunnel_to else self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=30) as far:
                self.send_response(200)
                self.end_headers()
                self.wfile.flush()
                back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                back.start()
                _pump(self.connection, far)
                back.join()

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_any)
    Handler.do_CONNECT = Handler.handle_connect  # type: ignore[attr-defined]
    listener = _Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True)
    port = listener.server_address[1]
    server = Server(f"{'https' if tls else 'http'}://localhost:{port}", port)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass

"""A client that shows the bytes: `http.client`, one connection, nothing retried."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from services.localstore.server import StoreServer


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["error"]["errors"][0]["reason"])


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds; fails the test when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.002)


def esc(name: str) -> str:
    """Escape a name for one path segment."""
    return quote(name, safe="")


class Raw:
    """Calls of the JSON API, spelled out."""

    def __init__(self, store: StoreServer, **headers: str) -> None:
        self.store = store
        self.headers = headers
        if store.token:
            self.headers.setdefault("Authorization", f"Bearer {store.token}")

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send one request; `query` is appended to `path`."""
        if query:
            path += ("&" if "?" in path else "?") + urlencode(query)
        sent = self.headers | (headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.store.port, timeout=20)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def make_bucket(self, name: str = "bucket", **resource: Any) -> dict[str, Any]:
        answer = self.call("POST", "/storage/v1/b?project=p", {"name": name, **resource})
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.json
        return result

    def put(self, name: str, data: bytes = b"data", bucket: str = "bucket", **query: Any) -> Answer:
        return self.call(
            "POST",
            f"/upload/storage/v1/b/{bucket}/o",
            data,
            {"Content-Type": "text/plain"},
            uploadType="media",
            name=name,
            **query,
        )

    def made(self, name: str, data: bytes = b"data", bucket: str = "bucket", **query: Any) -> dict[str, Any]:
        answer = self.put(name, data, bucket, **query)
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.json
        return result

    def multipart(self, resource: dict[str, Any], data: bytes, bucket: str = "bucket", **query: Any) -> Answer:
        body = (
            b"--sep\r\nContent-Type: application/json\r\n\r\n"
            + json.dumps(resource).encode()
            + b"\r\n--sep\r\nContent-Type: text/plain\r\n\r\n"
            + data
            + b"\r\n--sep--\r\n"
        )
        return self.call(
            "POST",
            f"/upload/storage/v1/b/{bucket}/o",
            body,
            {"Content-Type": "multipart/related; boundary=sep"},
            uploadType="multipart",
            **query,
        )

    def obj(self, name: str, method: str = "GET", body: Any = None, **query: Any) -> Answer:
        """Call an object of `bucket`; `_of` names a sub-resource."""
        sub = query.pop("_of", "")
        return self.call(method, f"/storage/v1/b/bucket/o/{esc(name)}{sub}", body, **query)

    def media(self, name: str, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        return self.call("GET", f"/storage/v1/b/bucket/o/{esc(name)}", None, headers, alt="media", **query)

    def names(self, **query: Any) -> list[str]:
        """Return the names of a bucket's list."""
        return [item["name"] for item in self.list(**query).get("items", [])]

    def list(self, bucket: str = "bucket", **query: Any) -> dict[str, Any]:
        answer = self.call("GET", f"/storage/v1/b/{bucket}/o", **query)
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.json
        return result

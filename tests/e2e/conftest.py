"""Running the real command, with folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.localstore.server import StoreServer

TIMEOUT_S = 60
"""Seconds after which a command counts as stuck."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON records on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def lines(self) -> list[str]:
        """The lines on standard output."""
        return self.out.splitlines()


@dataclass
class Pail:
    """The command `pail` in a scratch home, on one embedded store."""

    home: Path
    connection: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take nothing of the caller's home or credentials along."""
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
        folders = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
        self.environment = {
            **kept,
            **folders,
            "HOME": str(self.home),
            "TERM": "xterm",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONWARNINGS": "error",
            **self.environment,
        }

    def command(self, *words: str, connected: bool = True) -> list[str]:
        """Return the argument list of a command."""
        return [sys.executable, "-m", "app", *(self.connection if connected else ()), *words]

    def __call__(
        self,
        *words: str,
        code: int | None = 0,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        connected: bool = True,
        cwd: Path | None = None,
    ) -> Result:
        """Run a command to its end; `code` is the exit code that it must have, None for any."""
        done = subprocess.run(
            self.command(*words, connected=connected),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env={**self.environment, **(env or {})},
            timeout=TIMEOUT_S,
            cwd=cwd or self.home,
            check=False,
        )
        text = [stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr)]
        result = Result(done.returncode, *text, done.stdout)
        assert "-v" in words or "Traceback" not in result.err, result.err
        assert code is None or result.code == code, (words, result)
        return result


def wait_for(look: Callable[[], object], seconds: float = TIMEOUT_S) -> None:
    """Wait until `look` returns something true."""
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a scratch home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def pail(home: Path, store: StoreServer) -> Pail:
    """Return the command on an open embedded store that runs in this process."""
    return Pail(home, ("--endpoint", store.endpoint))


@pytest.fixture
def put(store: StoreServer) -> Callable[..., None]:
    """Put objects into the store without the command: `put("bucket", "name", b"data")`."""
    import urllib.parse
    import urllib.request

    def request(method: str, path: str, body: bytes, kind: str) -> None:
        made = urllib.request.Request(store.endpoint + path, data=body, method=method, headers={"Content-Type": kind})
        with urllib.request.urlopen(made) as answer:
            answer.read()

    def put_object(bucket: str, name: str | None = None, data: bytes = b"", kind: str = "text/plain") -> None:
        if name is None:
            request("POST", "/storage/v1/b?project=p", json.dumps({"name": bucket}).encode(), "application/json")
            return
        quoted = urllib.parse.quote(name, safe="")
        request("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quoted}", data, kind)

    return put_object

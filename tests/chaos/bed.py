"""What the storms run on: a store, the proxy before it, and the real command in a scratch home."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services import checksum

ROOT: Final = Path(__file__).parents[2]
"""The checkout."""

SIZES: Final = (0, 1, 300, 4_096, 4_096, 4_096, 20_000, 60_000)
"""Bytes of the small files of a tree, drawn from these."""


@dataclass
class Command:
    """The command `pail` with folders of its own, talking to one endpoint."""

    home: Path
    endpoint: str
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take nothing of the caller's home or credentials along."""
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
        folders = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("STATE", "CONFIG", "DATA", "CACHE")}
        self.environment = {**kept, **folders, "HOME": str(self.home), "PYTHONPATH": str(ROOT), **self.environment}
        self.home.mkdir(parents=True, exist_ok=True)

    def arguments(self, *words: str) -> list[str]:
        """Return the argument list of a command."""
        return [sys.executable, "-m", "app", "--endpoint", self.endpoint, *words]

    def __call__(self, *words: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.arguments(*words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env=self.environment,
            cwd=self.home,
            timeout=timeout,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command and don't wait for it."""
        return subprocess.Popen(
            self.arguments(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            cwd=self.home,
        )

    def worker(self) -> dict[str, Any]:
        """Return what `pail worker status` says."""
        found: dict[str, Any] = json.loads(self("worker", "status", "--json").stdout)
        return found

    def jobs_left(self) -> int:
        """Return how many jobs have not ended."""
        return int(self.worker()["jobs"])


def make_tree(root: Path, files: int, *, seed: int, large: int = 0, large_size: int = 0) -> None:
    """Write `files` small files and `large` large ones of seeded bytes below `root`, in folders."""
    chance = random.Random(seed)
    for number in range(files):
        path = root / f"d{number % 97:02}" / f"f{number:05} ä.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice(SIZES)))
    for number in range(large):
        (root / f"large{number}.bin").write_bytes(chance.randbytes(large_size))


def tree_of(root: Path) -> dict[str, str]:
    """Return the digest of every file below `root` by its relative path."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                found[path.relative_to(root).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def checksums_of(root: Path) -> dict[str, tuple[int, str]]:
    """Return size and CRC32C of every file below `root` by its relative path."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found[path.relative_to(root).as_posix()] = len(data), checksum.of(data)
    return found


def create_bucket(endpoint: str, bucket: str) -> None:
    """Create a bucket at the store itself."""
    body = json.dumps({"name": bucket}).encode()
    made = urllib.request.Request(f"{endpoint}/storage/v1/b?project=p", data=body, method="POST")
    made.add_header("content-type", "application/json")
    with urllib.request.urlopen(made) as answer:
        answer.read()


def objects_of(endpoint: str, bucket: str, prefix: str = "", *, versions: bool = False) -> Iterator[dict[str, Any]]:
    """Yield what the store itself says of each object below a prefix."""
    token = ""
    while True:
        query = {"prefix": prefix, "maxResults": "1000", "pageToken": token, "versions": str(versions).lower()}
        with urllib.request.urlopen(f"{endpoint}/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}") as answer:
            page = json.load(answer)
        yield from page.get("items", ())
        token = page.get("nextPageToken", "")
        if not token:
            return


def stored(endpoint: str, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return size and CRC32C of every object below a prefix, by its relative name."""
    return {
        item["name"][len(prefix) :]: (int(item["size"]), item["crc32c"])
        for item in objects_of(endpoint, bucket, prefix)
        if not item["name"].endswith("/")
    }


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    """Return in a line how two trees differ; an empty text where they don't."""
    lost, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    other = sorted(name for name in wanted.keys() & found.keys() if wanted[name] != found[name])
    parts = [
        f"{len(names):,} {what} ({', '.join(names[:3])})"
        for names, what in ((lost, "missing"), (more, "too many"), (other, "different"))
        if names
    ]
    return "; ".join(parts)


Report = Callable[[str], None]
"""Prints a line."""

"""Running a command and what it cost, and the server that it runs against."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


class Failed(Exception):
    """A command did not do what was measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command cost."""

    wall_s: float
    """Seconds from its start to its end, cold start included."""
    cpu_s: float
    """Seconds of CPU in user and system mode, of the process and its children."""
    rss_mib: float
    """Peak resident memory, in MiB."""


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Cost:
    """Run a command to its end; raises `Failed` where it fails."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=err, cwd=folder)
        _pid, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = (folder / "stderr").read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


@dataclass(slots=True)
class Server:
    """A running server."""

    address: str
    """Its base URL."""
    pid: int
    """Its process."""
    report: dict[str, float] = field(default_factory=dict)
    """What it used, once it has ended: `cpu_s`, `requests`."""

    def cpu_s(self) -> float:
        """Return the seconds of CPU it has used so far (Linux)."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def forget(self) -> None:
        """Have it forget everything; it has before the next command has started."""
        os.kill(self.pid, signal.SIGUSR1)

    def digest(self) -> None:
        """Have it compute each MD5 that it does not know yet; it has before the next command has started."""
        os.kill(self.pid, signal.SIGUSR2)
        self.ask("/storage/v1/b/any")

    def ask(self, path: str, body: bytes | None = None) -> None:
        """Have a request answered."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        opener.open(urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"})).close()


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """Run the measuring server in its own process."""
    command = [sys.executable, "-m", "tests.bench.server", *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        server = Server(process.stdout.readline().strip(), process.pid)
        if not server.address:
            raise Failed("the server did not start")
        yield server
        process.terminate()
        server.report.update(json.loads(process.stdout.read()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(slots=True)
class Embedded(Server):
    """Pail's own store, in memory (tmpfs): another server of the same protocol."""

    folder: Path = Path()
    """Where it keeps its objects, within a folder of its own."""
    buckets: Sequence[str] = ()
    """What there is in it."""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, with empty buckets that keep nothing of what is deleted."""
        port = self.address.rpartition(":")[2] or "0"
        command = [
            sys.executable,
            "-m",
            "app",
            "--quiet",
            "store",
            "serve",
            "--open",
            "--port",
            port,
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address, self.pid = self.process.stdout.readline().strip(), self.process.pid
        for name in self.buckets:
            about = {"name": name, "softDeletePolicy": {"retentionDurationSeconds": "0"}}
            self.ask("/storage/v1/b?project=bench", json.dumps(about).encode())

    def stop(self) -> None:
        """End it, and remove all that it kept."""
        if self.process is not None and self.process.stdout is not None:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self) -> None:
        self.stop()
        self.start()

    def digest(self) -> None:
        """Do nothing: it computes every MD5 while it receives."""


@contextlib.contextmanager
def embedded(folder: Path, buckets: Sequence[str]) -> Iterator[Server]:
    """Run the embedded store in its own process, in a folder that does not exist."""
    server = Embedded("", 0, folder=folder, buckets=buckets)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def certificate(folder: Path) -> list[str]:
    """Make a certificate for localhost, `cert.pem`, and return what tells the server to use it."""
    both = folder / "tls.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return ["--tls", str(both)]

"""The programs that are measured, and how each is asked to do a workload."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

CLEAN: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
"""Variables that the programs see of ours: no proxy, no credentials."""

MOVING: Final = frozenset({"up", "down", "big-up", "big-down"})
"""Workloads that move bytes, in which checksums matter."""


class Tool(Protocol):
    """A program."""

    name: str
    group: str
    """What it is one of, in the table."""
    rows: frozenset[str]
    """The workloads it is there for; none: all."""

    def environment(self, folder: Path) -> dict[str, str]:
        """Return its environment; what it keeps lies in `folder`."""

    def upload(self, address: str, source: Path, bucket: str) -> list[str]:
        """Return the command that copies a folder or a file below `up/` of a bucket."""

    def download(self, address: str, bucket: str, target: Path) -> list[str]:
        """Return the command that copies what is below `up/` into a folder that exists."""

    def move(self, address: str, bucket: str) -> list[str]:
        """Return the command that moves what is below `up/` to `moved/`."""

    def delete(self, address: str, bucket: str) -> list[str]:
        """Return the command that deletes all below `moved/`."""

    def list(self, address: str, bucket: str) -> list[str]:
        """Return the command that prints names and sizes of all objects."""

    def sync(self, address: str, source: Path, bucket: str) -> list[str]:
        """Return the command that brings what is below `sync/` of a bucket in step with a folder."""


@dataclass(frozen=True, slots=True)
class Rclone:
    """rclone with the flags that made it fastest here: many transfers, no look at the target.

    As it comes it compares the MD5 of what it moves, as Pail compares the CRC32C; `blind` has it compare sizes only.
    """

    program: str = "/usr/bin/rclone"
    name: str = "rclone"
    transfers: int = 64
    blind: bool = False

    @property
    def group(self) -> str:
        return "rclone --ignore-checksum" if self.blind else "rclone"

    @property
    def rows(self) -> frozenset[str]:
        return MOVING if self.blind else frozenset()

    def environment(self, folder: Path) -> dict[str, str]:
        return _base() | {"RCLONE_CONFIG": str(folder / "rclone.conf")}

    def _command(self, address: str, verb: str, *words: str) -> list[str]:
        flags = ["--gcs-anonymous", "--gcs-no-check-bucket", "--gcs-endpoint", f"{address}/storage/v1/"]
        many = ["--transfers", str(self.transfers), "--checkers", str(self.transfers)]
        return [self.program, verb, *words, *flags, *many]

    def _copy(self, address: str, source: str, target: str) -> list[str]:
        blindly = ["--ignore-checksum"] if self.blind else []
        return self._command(address, "copy", source, target, "--no-check-dest", *blindly)

    def upload(self, address: str, source: Path, bucket: str) -> list[str]:
        return self._copy(address, str(source), f":gcs:{bucket}/up")

    def download(self, address: str, bucket: str, target: Path) -> list[str]:
        return self._copy(address, f":gcs:{bucket}/up", str(target))

    def move(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "move", f":gcs:{bucket}/up", f":gcs:{bucket}/moved", "--no-check-dest")

    def delete(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "delete", f":gcs:{bucket}/moved")

    def list(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "lsf", "-R", "--files-only", "--format", "sp", f":gcs:{bucket}")

    def sync(self, address: str, source: Path, bucket: str) -> list[str]:
        return self._command(address, "sync", str(source), f":gcs:{bucket}/sync", "--fast-list")


def rclones(programs: list[str], transfers: list[int]) -> list[Tool]:
    """Return each build of rclone with each number of transfers, comparing and blind, named after its version."""
    names = [(program, f"rclone-{_version(program)}-{n}", n) for program in programs for n in transfers]
    return [
        Rclone(program, f"{name}-blind" if blind else name, n, blind)
        for program, name, n in names
        for blind in (False, True)
    ]


def _version(program: str) -> str:
    """Return the version of an rclone without its suffix: `rclone v1.60.1-DEV` is 1.60.1."""
    run = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    return run.stdout.split()[1].removeprefix("v").partition("-")[0]


@dataclass(frozen=True, slots=True)
class Pail:
    """Pail, as installed beside the interpreter that measures."""

    program: str = str(Path(sys.executable).with_name("pail"))
    name: str = "pail"
    group: str = "pail"
    rows: frozenset[str] = frozenset()
    up: tuple[str, ...] = ()
    """Further options of uploads."""

    def environment(self, folder: Path) -> dict[str, str]:
        return _base() | {"HOME": str(folder)}

    def _command(self, address: str, *words: str) -> list[str]:
        return [self.program, "--endpoint", address, "--quiet", "--yes", *words]

    def upload(self, address: str, source: Path, bucket: str) -> list[str]:
        return self._command(address, "cp", "-r", *self.up, str(source), f"gs://{bucket}/up")

    def download(self, address: str, bucket: str, target: Path) -> list[str]:
        return self._command(address, "cp", "-r", f"gs://{bucket}/up", str(target / "up"))

    def move(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "mv", "-r", f"gs://{bucket}/up", f"gs://{bucket}/moved")

    def delete(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "rm", "-r", f"gs://{bucket}/moved")

    def list(self, address: str, bucket: str) -> list[str]:
        return self._command(address, "ls", "-l", "-r", f"gs://{bucket}")

    def sync(self, address: str, source: Path, bucket: str) -> list[str]:
        return self._command(address, "sync", str(source), f"gs://{bucket}/sync", "--mode", "push")


def _base() -> dict[str, str]:
    return {name: os.environ[name] for name in CLEAN if name in os.environ}

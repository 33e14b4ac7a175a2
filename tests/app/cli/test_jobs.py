"""What a command makes of what its engine reports."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import run
from services.localstore.server import StoreServer


def test_h46_a_command_ends_with_the_cause_when_the_disk_is_full_and_keeps_what_can_go_on(
    store_factory: Callable[..., StoreServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store = ("--endpoint", store_factory().endpoint)
    (tmp_path / "source").write_bytes(bytes(3_000_000))
    (tmp_path / "old").write_bytes(b"old")
    assert run([*store, "mb", "gs://bucket"]) == 0
    assert run([*store, "cp", str(tmp_path / "source"), "gs://bucket/a"]) == 0
    real = os.pwrite

    def pwrite(handle: int, chunk: Any, offset: int) -> int:
        if len(chunk) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, chunk, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    capfd.readouterr()
    assert run([*store, "cp", "gs://bucket/a", str(tmp_path / "old")]) == 1
    first, second = capfd.readouterr().err.splitlines()
    assert first == f"pail: cannot write {tmp_path / 'old'}: No space left on device"
    assert second.startswith("Make room on the disk: 'pail transfers resume all'")
    assert (tmp_path / "old").read_bytes() == b"old"
    assert list((tmp_path / "state" / "pail" / "journals").glob("*.db"))

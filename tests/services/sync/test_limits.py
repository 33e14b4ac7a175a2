"""What sync may cost: as a person has set it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sync.limits import configured


def test_without_a_file_the_limits_are_those_of_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "pail"
    without = configured()
    folder.mkdir()
    (folder / "config.toml").write_text("")
    assert configured() == without
    (folder / "config.toml").write_text("[sync]\ntrash_mb = 7\n")
    assert configured().trash_bytes == 7_000_000

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.reference import reference


def test_the_reference_says_what_the_program_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    written = (Path(__file__).parents[3] / "docs" / "cli.md").read_text("utf-8")
    assert written == reference(), "run: python -m app.cli.reference > docs/cli.md"

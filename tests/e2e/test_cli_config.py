"""The settings with the real command: `config path show edit`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Pail


@pytest.fixture
def file(pail: Pail) -> Path:
    return Path(pail.environment["XDG_CONFIG_HOME"]) / "pail" / "config.toml"


def test_show_prints_what_is_in_force_and_where_it_came_from(pail: Pail, file: Path) -> None:
    assert pail("config", "path").out.strip() == str(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[screen]\nlook_s = 20\n")
    out = pail("config", "show").out
    assert "look_s = 20" in out
    assert "# line 2: " in out
    records = {record["key"]: record for record in pail("--json", "config", "show").records}
    assert (records["screen.look_s"]["value"], records["screen.look_s"]["origin"]) == (20, "line 2")
    assert records["screen.symbols"]["origin"] == "default"
    file.write_text("[screen]\nlook = 20\n")
    assert "line 2: there is no setting 'screen.look'" in pail("config", "show", code=2).err


def test_edit_begins_a_documented_file_and_checks_what_was_saved(pail: Pail, file: Path, tmp_path: Path) -> None:
    script = tmp_path / "an editor.py"
    script.write_text("import sys\nwith open(sys.argv[-1], 'a') as file: file.write('# edited\\n')\n")
    pail.environment["VISUAL"] = f"'{sys.executable}' '{script}'"
    assert "Saved" in pail("config", "edit").err
    assert "[screen]" in file.read_text()
    assert file.read_text().endswith("# edited\n")
    assert file.stat().st_mode & 0o777 == 0o600
    script.write_text("import sys\nwith open(sys.argv[-1], 'a') as file: file.write('nonsense = 1\\n')\n")
    assert "nonsense" in pail("config", "edit", code=2).err
    pail.environment["VISUAL"] = "no-such-editor-here"
    assert "Set EDITOR" in pail("config", "edit", code=2).err

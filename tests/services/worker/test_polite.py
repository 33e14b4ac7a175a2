"""The worker steps back behind other programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services import paths
from services.transfer.messages import JobItem
from services.worker.client import status
from tests.services.worker.test_process import Lab, far, state

__all__ = ["far", "state"]


def nice_of(code: str) -> int:
    """Return the nice value of a fresh process after it has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"import os\n{code}\nprint(os.nice(0))"], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("steps", [0, 3])
def test_a_process_lowers_its_own_priority(steps: int) -> None:
    code = f"from services.worker.polite import yield_to_others; yield_to_others({steps})"
    assert nice_of(code) == min(19, os.nice(0) + steps)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it of another process")
@pytest.mark.parametrize(("written", "steps"), [("", 10), ("[transfers]\nnice = 4\n", 4)])
async def test_the_worker_does_as_the_settings_say(
    far: Lab, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, steps: int
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = paths.ensure_private_dir(paths.config_dir())
    (folder / "config.toml").write_text(written)
    await far.run("make-folder", JobItem("", "gs://bucket/f/"))
    found = await status(state)
    assert os.getpriority(os.PRIO_PROCESS, found.pid) == min(19, os.nice(0) + steps)

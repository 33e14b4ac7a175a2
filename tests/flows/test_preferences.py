"""Pail's own settings on the screen: changed in the file, with the person's comments kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from services import config
from services.config.writing import change
from services.errors import UsageError
from tests.flows.conftest import Desk, OpenDesk, eventually


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "pail" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def text(path: Path) -> str:
    return path.read_text()


def write(path: Path, content: str) -> None:
    path.write_text(content)


async def open_preferences(d: Desk) -> None:
    await d.see("This bucket is empty")
    await d.press("colon", *"settings", "space", *"of", "enter")
    await d.see("Settings of Pail", "screen.theme", "screen.look_s")


async def test_a_choice_is_written_and_taken_and_comments_stay(desk: OpenDesk, file: Path) -> None:
    write(file, "# mine\n[screen]  # of all\nlook_s = 9  # slow line\n")
    async with desk(size=(120, 40)) as d:
        await open_preferences(d)
        await d.see("line 3")
        await d.press("down", "enter")
        await d.see("Signs in lists and frames")
        await d.press("down", "down", "enter")
        await d.told("Saved")
        await d.see("screen.symbols", '"ascii"')
        assert text(file).startswith("# mine\n[screen]  # of all\nlook_s = 9  # slow line\n")
        assert config.load().screen.symbols == "ascii"
        assert config.load().screen.look_s == 9


async def test_a_theme_is_taken_at_once_and_a_wrong_value_is_refused(desk: OpenDesk, file: Path) -> None:
    async with desk(size=(120, 40)) as d:
        await open_preferences(d)
        await d.press("enter")
        await d.see("Name of the theme")
        await d.press(*("minus" if char == "-" else char for char in "pail-paper"), "enter")
        await d.told("Saved")
        await d.press("down", "down", "down", "enter")
        await d.see("Time between two looks")
        await d.press("backspace", "1", "enter")
        await d.see("screen.look_s takes a number of seconds from 2 to 3600")
        await d.press("escape")
        await d.press("escape")
        await eventually(lambda: d.app.theme == "pail-paper")
    assert "[prices]" in text(file), "made with every setting explained"


def test_a_setting_is_taken_out_again_and_a_link_is_followed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent.parent))
    real = file.parent / "dotfiles.toml"
    real.write_text("[screen]\nlook_s = 9\n")
    real.chmod(0o640)
    file.symlink_to(real)
    assert change("keys.preset", "vim").config.keys.preset == "vim"
    assert change("screen.look_s", None).config.screen.look_s == 5
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    with pytest.raises(UsageError, match="will not do"):
        change("transfers.nice", "lots")
    with pytest.raises(UsageError, match="no setting"):
        change("screen.colour", "red")


def test_a_file_that_is_wrong_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent.parent))
    file.write_text("[screen]\nlook = 9\n")
    with pytest.raises(UsageError, match="line 2"):
        change("keys.preset", "vim")
    assert file.read_text() == "[screen]\nlook = 9\n"

"""Themes: readable everywhere, and a person's own as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from app.themes import DARK, LIGHT, LOOKS, Look
from app.themes.colours import NAMES
from app.themes.files import own_looks, parse
from services.errors import UsageError
from tests.flows.conftest import OpenDesk, eventually

FILE = Path("/somewhere/mine.toml")
READABLE = 4.5
"""Contrast that WCAG 2.1 asks of text (success criterion 1.4.3)."""


def luminance(colour: Color) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = [part / 255 for part in colour.rgb]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("look", [look for look in LOOKS if not look.theme.ansi], ids=lambda look: look.name)
def test_every_text_can_be_read_on_every_ground(look: Look) -> None:
    colours = look.colours
    for ground in (colours.ground, colours.surface):
        for name in ("text", "quiet", "active", "marked", "good", "warning", "bad"):
            assert contrast(getattr(colours, name), ground) >= READABLE, f"{name} on {ground}"
    assert contrast(colours.cursor_text, colours.cursor) >= READABLE
    assert contrast(colours.text, colours.cursor_elsewhere) >= READABLE


def test_a_file_changes_what_it_names() -> None:
    look = parse(b'base = "pail-light"\nactive = "#ff8800"\ncursor = "ansi_blue"\n', FILE)
    assert look.name == "mine"
    assert look.colours.active == "#ff8800"
    assert look.colours.text == LIGHT.colours.text
    assert not look.theme.dark
    assert parse(b"", FILE).colours == DARK.colours


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('\nactiv = "#fff"', ["line 2", "a theme has no 'activ'", "active"]),
        ('active = "blueish"', ["line 1", "active is no colour"]),
        ("active = 3", ["line 1", "no colour"]),
        ('base = "nord"', ["line 1", "pail-dark"]),
        ("dark = 1", ["line 1", "true or false"]),
        ("=", ["no TOML"]),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text.encode(), FILE)
    for word in words:
        assert word in f"{caught.value.message} {caught.value.remedy}"


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("nonsense = 1")
    (tmp_path / "b.toml").write_text('bad = "#ff0000"')
    (tmp_path / "open.toml").write_text("")
    (tmp_path / "open.toml").chmod(0o666)
    (tmp_path / "notes.txt").write_text("no theme")
    found = own_looks(tmp_path)
    assert [look.name for look in found.looks] == ["b"]
    assert len(found.problems) == 2
    assert own_looks(tmp_path / "nowhere").looks == ()


def test_a_file_may_set_everything() -> None:
    values = {name: getattr(DARK.colours, name) for name in NAMES}
    text = "\n".join(f"{name} = {'true' if value is True else repr(value)}" for name, value in values.items())
    assert parse(text.encode(), FILE).colours == DARK.colours


async def test_a_theme_is_seen_while_the_cursor_moves_and_taken_or_given_back(desk: OpenDesk) -> None:
    async with desk(objects={"a": b"1"}) as d:
        await d.see("a  ")
        for _ in range(2):
            await d.press("colon", *"theme", "enter")
            await d.see("calm, on a light ground", "✓ pail-dark")
            await d.press("down")
            await eventually(lambda: d.app.theme == "pail-light")
            await d.press("escape")
            await eventually(lambda: d.app.theme == "pail-dark")
        await d.press("colon", *"theme", "enter")
        await d.see("the strongest contrast")
        await d.press("down", "down", "enter")
        await eventually(lambda: d.app.theme == "pail-ember")
    async with desk() as d:
        await eventually(lambda: d.app.theme == "pail-ember")


async def test_every_theme_can_be_shown(desk: OpenDesk) -> None:
    async with desk(objects={"a": b"1"}, size=(120, 40)) as d:
        await d.see("a  ")
        for look in LOOKS:
            d.app.theme = look.name
            await d.press("question_mark")
            await d.see("Help: keys and commands")
            await d.press("escape", "3")
            await d.see("Nothing is moving")
            await d.press("1")

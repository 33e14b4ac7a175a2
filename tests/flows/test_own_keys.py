"""Keys of one's own on the screen: they work, the old ones do not, and every place that names a key names them."""

from __future__ import annotations

from tests.flows.conftest import OpenDesk, eventually

OWN = """
[keys]
upload = "ctrl+k"
toggle_mark = "t"
cursor_down = ["n", "down"]
new_folder = "f7"
help = "f1"
"""


async def test_own_keys_work_and_the_old_ones_do_not(desk: OpenDesk) -> None:
    async with desk(objects={"a": b"1", "b": b"22"}, settings=OWN, size=(120, 40)) as d:
        await eventually(lambda: d.rows() == ["a", "b"])
        await d.see("^k Upload")
        await d.press("n")
        assert d.tree.cursor_entry.name == "b"
        await d.press("t")
        await d.see("1 marked")
        await d.press("space", "j", "u")
        assert len(d.app.screen_stack) == 2, "u opens no picker, space marks nothing"
        await d.see("1 marked")
        await d.press("f1")
        await d.see("Help: keys and commands", "^k")
        await d.press("escape", "ctrl+k")
        await eventually(lambda: len(d.app.screen_stack) == 3)
        await d.press("escape")


async def test_where_nothing_is_the_keys_in_force_are_named(desk: OpenDesk) -> None:
    async with desk(settings=OWN) as d:
        await d.see("This bucket is empty. ^k upload · F7 folder")


async def test_a_conflict_is_told_and_pails_own_keys_stay(desk: OpenDesk) -> None:
    async with desk(settings='[keys]\nupload = "d"', objects={"a": b"1"}) as d:
        await d.told("line 2")
        await eventually(lambda: d.rows() == ["a"])
        await d.press("d")
        await d.see("Download a to")


async def test_the_theme_of_the_settings_is_taken_and_an_unknown_one_is_told(desk: OpenDesk) -> None:
    async with desk(settings='[screen]\ntheme = "pail-light"') as d:
        await d.see("This bucket is empty")
        assert d.app.theme == "pail-light"
    async with desk(settings='[screen]\ntheme = "mauve"') as d:
        await d.told("no theme 'mauve'")
        assert d.app.theme == "pail-dark"


async def test_vim_keys(desk: OpenDesk) -> None:
    async with desk(settings='[keys]\npreset = "vim"', objects={"a": b"1", "b": b"2"}, size=(120, 40)) as d:
        await eventually(lambda: d.rows() == ["a", "b"])
        await d.see("i Upload")
        await d.press("V", "j", "V")
        await d.see("2 marked")

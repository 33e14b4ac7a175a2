"""The pictures of the README show what the screens look like now."""

from __future__ import annotations

from tests.pictures import FOLDER, pictures


async def test_the_pictures_are_current() -> None:
    made = await pictures()
    stale = [name for name, text in made.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "make them anew: python -m tests.pictures"

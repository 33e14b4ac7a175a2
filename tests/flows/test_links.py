"""Links that work without credentials, where nothing can sign them."""

from __future__ import annotations

from tests.flows.conftest import OpenDesk


async def test_credentials_that_cannot_sign_say_so_in_the_dialog(desk: OpenDesk) -> None:
    async with desk(objects={"a.txt": b"x"}) as d:
        await d.see("a.txt")
        await d.press("L")
        await d.see("A link that works without credentials", "Make the link")
        await d.press("enter")
        await d.see("! cannot sign")
        assert d.app.clipboard == ""
        await d.press("escape")
        await d.gone("Make the link")

"""Links to objects that work without credentials."""

from __future__ import annotations

from app.desk import Desk
from app.screens.link import LinkDialog
from services.names import GsUrl


class LinkActions:
    """Makes signed URLs, through whatever can sign: a key, an account, Replit's sidecar."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do_link(self) -> None:
        """Make a link to the cursor's object."""
        desk, entry = self._desk, self._desk.tree.cursor_entry
        if entry is None:
            return
        url, control = GsUrl(desk.place.bucket, entry.name), desk.session.storage.control

        async def sign(method: str, seconds: int) -> str:
            return await control.sign_url(url.bucket, url.name, method=method, expires_s=seconds)

        await desk.ask(LinkDialog(url, sign, desk.surroundings.now, desk.surroundings.zone))

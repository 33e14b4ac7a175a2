"""A link to one object that works without credentials for a while: a secret, shown and copied, and kept nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from app.screens.dialog import FormDialog, Label, button, shown
from app.screens.fields import PickField
from services.errors import PailError
from services.names import GsUrl
from services.words import date_time

PERIODS: Final = (
    ("15 minutes", "900"),
    ("1 hour", "3600"),
    ("1 day", "86400"),
    ("7 days: the longest there is", "604800"),
)
"""How long a link can work (cloud.google.com/storage/docs/access-control/signed-urls)."""

METHODS: Final = (("download it", "GET"), ("replace it, by one upload with PUT", "PUT"))
"""What whoever has the link may do."""

Sign = Callable[[str, int], Awaitable[str]]
"""Takes a method and seconds, and returns the link."""


class LinkDialog(FormDialog[None]):
    """Asks for how long and for what, then shows the link and copies it."""

    SUBMIT: ClassVar[str] = "Make the link"

    def __init__(self, url: GsUrl, sign: Sign, now: Callable[[], float], zone: tzinfo | None = None) -> None:
        """Make links to `url` through `sign`; `now` returns seconds since the epoch, `zone` is that of its end."""
        super().__init__("A link that works without credentials")
        self._url = url
        self._sign = sign
        self._now = now
        self._zone = zone
        self._link = ""

    def fields(self) -> ComposeResult:
        """Yield the object, the choices, and the place for the link."""
        yield Label(shown(str(self._url)), classes="dialog-url")
        yield Label("Whoever has it may use it until its end; it cannot be taken back.", classes="dialog-text")
        yield Label(" ")
        yield PickField("Works for", PERIODS, "3600", id="period")
        yield PickField("Others may", METHODS, "GET", id="method")
        yield Label("", id="link", classes="dialog-link")

    def buttons(self) -> ComposeResult:
        """Yield Close, the copying of a link that is there, and the button that makes one."""
        yield button("Close", "leave")
        yield button("Copy", "copy")
        yield button(self.SUBMIT, "submit", main=True)

    def on_mount(self) -> None:
        """Offer to make a link first."""
        super().on_mount()
        self.query_one("#copy", Button).display = False
        self.query_one("#submit", Button).focus()

    @on(PickField.Picked)
    def _picked(self, event: PickField.Picked) -> None:
        event.stop()
        self._show("", "")

    @on(Button.Pressed, "#copy")
    def _copy_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._copy()

    def _copy(self) -> None:
        self.app.copy_to_clipboard(self._link)
        self.app.notify("Copied the link", markup=False)

    def _show(self, link: str, until: str) -> None:
        self._link = link
        self.query_one("#link", Label).update(f"{link}\n\nworks until {until}; it was copied" if link else "")
        self.query_one("#copy", Button).display = bool(link)

    def action_submit(self) -> None:
        """Make the link, and stay to show it."""
        self.query_one("#submit", Button).disabled = True
        self.run_worker(self._make(), exclusive=True, group="submit")

    async def _make(self) -> None:
        seconds = int(self.query_one("#period", PickField).value)
        until = date_time(self._now() + seconds, self._zone)
        try:
            link = await self._sign(self.query_one("#method", PickField).value, seconds)
        except PailError as error:
            self.complain(f"{error.message}\n{error.remedy}".strip())
        else:
            self.complain("")
            self._show(link, until)
            self._copy()
        self.query_one("#submit", Button).disabled = False

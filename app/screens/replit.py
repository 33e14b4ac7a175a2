"""Buckets in Replit: its own tool makes them, so this waits for one to appear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from textual.app import ComposeResult

from app.screens.buckets import NameDialog
from app.screens.dialog import Label, Line
from services.access import Access
from services.errors import BucketNotFound, PailError
from services.names import bucket_name_problem

REPLIT_IDS: Final = (
    "The Bucket ID, from Settings in Replit's Object Storage tool. Add the bucket to this app there first: "
    "bucket menu > Add an existing bucket."
)
"""Where the name of a bucket is found in Replit."""

STEPS: Final = (
    "In Replit a program cannot create buckets; its own tool does:",
    "1  All tools > Object Storage > Create new bucket",
    "2  It appears here by itself. Or paste its Bucket ID, from Settings there:",
)
"""What a person does in Replit."""

PATIENCE: Final = "If it stays invisible for minutes, restart the workspace: it knows buckets from its start only."
"""What helps where nothing appears."""


class AwaitBucketDialog(NameDialog[str]):
    """Explains where buckets are made, and ends by itself once a new one is there; Esc gives up."""

    SUBMIT: ClassVar[str] = "Add this ID"

    def __init__(
        self,
        appeared: Callable[[], Awaitable[str]],
        look: Callable[[str], Awaitable[Access]],
        add: Callable[[str], Awaitable[None]],
        *,
        every_s: float,
    ) -> None:
        """Ask `appeared` every so many seconds for the name of a new bucket.

        `look` and `add` are for an ID that is pasted instead.
        """
        super().__init__("Create a new bucket in Replit")
        self._appeared = appeared
        self._look = look
        self._add = add
        self._every_s = every_s
        self._seen: dict[str, str] = {}

    def fields(self) -> ComposeResult:
        """Yield the steps, the line for an ID, and how it stands."""
        for step in STEPS:
            yield Label(step, classes="dialog-text")
        yield Line("", placeholder="replit-objstore-...", id="name")
        yield Label(" ", id="name-note", classes="dialog-note")
        yield Label("waiting", id="waiting", classes="dialog-text")
        yield Label(PATIENCE, classes="dialog-note")

    def on_mount(self) -> None:
        """Begin to wait."""
        super().on_mount()
        self.run_worker(self._wait(), group="wait")

    async def _wait(self) -> None:
        looks = 0
        while True:
            note = ""
            try:
                found = await self._appeared()
            except PailError as error:
                found, note = "", f"; {error.message}"
            if found:
                self.dismiss(found)
                return
            looks += 1
            text = f"waiting: looked {looks} times, every {self._every_s:g} s" if looks > 1 else "waiting"
            for label in self.query("#waiting").results(Label):
                label.update(text + note)
            await asyncio.sleep(self._every_s)

    def known(self, name: str) -> str:
        """Say what became of asking for an ID."""
        return self._seen.get(name, "")

    async def learn(self, name: str) -> None:
        """Find out whether an ID can be used already."""
        try:
            access = await self._look(name)
        except BucketNotFound:
            self._seen[name] = "! nothing of this ID can be seen yet"
        except PailError as error:
            self._seen[name] = f"! {error.message}\n{error.remedy}".strip()
        else:
            self._seen[name] = f"it is there: {access.ability}"

    def problem(self) -> str:
        """Check the ID."""
        return bucket_name_problem(self.name_typed) if self.name_typed else "paste an ID, or wait"

    async def submit(self) -> str:
        """Attach the bucket of this ID; one that cannot be reached is said in the dialog."""
        name = self.name_typed
        self.workers.cancel_group(self, "wait")  # or it would find what is added here, and answer as well
        try:
            await self._add(name)
        except PailError:
            self.run_worker(self._wait(), group="wait")
            raise
        return name

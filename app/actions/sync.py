"""What can be done with pairs: make, approve, look, plan, pause, resume, decide, remove; and what their states say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from app.desk import Desk
from app.pairs import Pairs
from app.screens.destination import DestinationDialog
from app.screens.dialog import ConfirmDialog, shown
from app.screens.sync_pair import PairDialog
from app.screens.sync_plan import ConflictChoice, PlanDialog
from app.session import Session
from services.errors import PailError, UsageError
from services.names import GsUrl, parse_gs_url
from services.sync.status import CHOICES, STOPPED, Overview, PairDraft, PairLook
from widgets import formats
from widgets.sync_panel import SyncPanel
from widgets.sync_rows import PairVerb

SEEN_S: Final = 0.5
"""Seconds between two looks at the pairs while they are shown."""

UNSEEN_S: Final = 5.0
"""Seconds between two looks while another view is."""

MODE_WORDS: Final = {
    "two-way": "changes go both ways",
    "push": "the bucket follows the folder",
    "pull": "the folder follows the bucket",
}
"""What a mode means."""


class SyncActions:
    """Follows the pairs and does with them what a person wants."""

    def __init__(
        self,
        desk: Desk,
        panel: SyncPanel,
        is_shown: Callable[[], bool],
        attempt: Callable[[Coroutine[Any, Any, None]], None],
        summarise: Callable[[Overview], None],
    ) -> None:
        """Feed `panel`; `attempt` runs what may ask and fail, `summarise` shows what all pairs come to."""
        self._desk = desk
        self._panel = panel
        self._is_shown = is_shown
        self._attempt = attempt
        self._summarise = summarise
        self._wake = asyncio.Event()
        self._session: Session | None = None
        self._pairs: Pairs | None = None
        self._last = Overview()
        self._told: dict[str, tuple[str, int]] = {}
        self._awaited = ""

    # Following

    async def follow(self) -> None:
        """Sample the pairs for as long as the screen lasts: often while they are shown."""
        while True:
            self._wake.clear()
            if self._desk.is_connected:
                # What cannot be read now may be at the next look; the pairs themselves go on elsewhere.
                with contextlib.suppress(PailError, OSError):
                    overview = await (await self._open()).look()
                    if overview != self._last or self._is_shown():
                        self._last = overview
                        self._panel.update(overview)
                    self._tell(overview)
                    self._summarise(overview)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), SEEN_S if self._is_shown() else UNSEEN_S)

    def look_soon(self) -> None:
        """Look at the pairs now."""
        self._wake.set()

    async def _open(self) -> Pairs:
        """Return the pairs as the open connection and workspace see them."""
        session = self._desk.session
        if self._pairs is None or self._session is not session:
            await self.leave()
            self._session = session
            self._pairs = await self._desk.surroundings.open_pairs(session)
        return self._pairs

    async def leave(self) -> None:
        """Close what is open."""
        pairs, self._pairs = self._pairs, None
        if pairs is not None:
            await pairs.close()

    def _tell(self, overview: Overview) -> None:
        """Say what a person should know of now: a halt, a new conflict, a plan that waits."""
        for look in overview.pairs:
            view = look.view
            if view is None:
                continue
            stand, conflicts = self._told.get(look.id, ("", len(view.conflicts)))
            self._told[look.id] = (view.stand, len(view.conflicts))
            if look.id == self._awaited and view.stand in STOPPED:
                self._awaited = ""
                if view.stand == "asking":
                    self._attempt(self._show_plan(look))
            if view.stand == "halted" and stand != "halted":
                self._desk.tell(f"{shown(look.root, 80)} is not kept in step: {shown(view.why)}", bad=True)
            if len(view.conflicts) > conflicts:
                number = formats.count(len(view.conflicts) - conflicts, "new conflict")
                self._desk.tell(f"{number} in {shown(look.root, 80)}: both versions are kept", bad=True)

    # Doing

    def do_view_sync(self) -> None:
        """Show the pairs."""
        self._desk.show_view("sync")
        self.look_soon()

    async def do_new_pair(self) -> None:
        """Ask for a folder and a part of a bucket, and show the plan before anything moves."""
        desk = self._desk
        pairs = await self._open()
        made: list[str] = []

        async def apply(draft: PairDraft) -> None:
            made.append(await pairs.make(draft))

        entry = desk.tree.cursor_entry if desk.tree.has_focus else None
        prefix = entry.name if entry is not None and entry.kind == "folder" else desk.place.prefix
        url = f"gs://{desk.place.bucket}/{prefix}" if desk.place.bucket else "gs://"
        project = desk.session.workspace if desk.session.project is not None else ""
        dialog = PairDialog(url, apply, self._pick_url, project=project, symbols=desk.symbols)
        if await desk.ask(dialog) is not None:
            self._awaited = made[-1]
            desk.show_view("sync")
            self.look_soon()

    async def _pick_url(self, text: str) -> str | None:
        """Choose a folder of a bucket, beginning where the text leads."""
        desk = self._desk
        try:
            url = parse_gs_url(text)
        except UsageError:
            url = GsUrl(desk.place.bucket, desk.place.prefix)
        names = [choice.name for choice in desk.session.known_choices()] or [desk.place.bucket]
        bucket = url.bucket if url.bucket in names else names[0]
        if not bucket:
            raise UsageError("no bucket is known yet", remedy="Type its name.")
        target = await desk.ask(
            DestinationDialog(
                "Part of the bucket to keep in step",
                bucket,
                url.name if url.bucket == bucket else "",
                data=desk.session.storage.data,
                buckets=names,
                refuse=lambda _bucket, _prefix: "",
                symbols=desk.symbols,
            )
        )
        return None if target is None else str(GsUrl(target.bucket or bucket, target.prefix))

    async def control(self, verb: PairVerb, look: PairLook, copy: str) -> None:
        """Do something with a pair; raises `PailError`."""
        pairs = await self._open()
        match verb:
            case "plan":
                await self._show_plan(look)
            case "approve":
                await self._approve(pairs, look)
            case "decide":
                await self._decide(pairs, look, copy)
            case "look":
                await pairs.look_now(look.id)
            case "pause" | "resume":
                await pairs.switch(look.id, on=verb == "resume")
            case "remove":
                lines = (shown(look.root), shown(look.url), "Both sides keep their files; the trash stays too.")
                if await self._desk.ask(ConfirmDialog("Keep these two in step no longer?", lines, go="Remove")):
                    await pairs.remove(look.id)
        self.look_soon()

    async def _show_plan(self, look: PairLook) -> None:
        pairs = await self._open()
        plan = await pairs.plan(look.id)
        go = await self._desk.ask(
            PlanDialog(look, plan, self._desk.symbols, partial(pairs.lines, look.id, plan.number))
        )
        if go is not None:
            await pairs.go(look.id, go.ticks, go.deletes)
            self.look_soon()

    async def _approve(self, pairs: Pairs, look: PairLook) -> None:
        lines = (
            f"folder  {shown(look.root)}",
            f"bucket  {shown(look.url)}",
            f"mode    {look.mode}: {MODE_WORDS[look.mode]}{', and deletes' if look.delete else ''}",
            "",
            f"{shown(look.project)}/pail.toml says so.",
            "Whoever can change that file chose these places: approve them only if you know them.",
            "You see the plan before anything moves.",
        )
        if await self._desk.ask(ConfirmDialog("Approve this pair on this machine?", lines, go="Approve")):
            await pairs.approve(look.id)
            self._awaited = look.id

    async def _decide(self, pairs: Pairs, look: PairLook, copy: str) -> None:
        conflicts = look.view.conflicts if look.view is not None else ()
        conflict = next((one for one in conflicts if one.copy == copy), None)
        if conflict is not None:
            chosen = await self._desk.ask(ConflictChoice(conflict))
            for choice in CHOICES:
                if choice == chosen:
                    await pairs.resolve(look.id, copy, choice)

"""Undoing the last delete, move or rename: by what the engine reported of each object, not by what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from app.desk import Desk
from services.names import parse_gs_url
from services.restoring import Restored, restore_many
from services.transfer.messages import JobItem, JobView, TransferView
from widgets import formats

LIMIT: Final = 10_000
"""Objects of one job that are remembered: a larger one cannot be undone by one key."""

DEEDS: Final = 20
"""Jobs that are remembered, the newest ones."""

Changed = Callable[[str, Iterable[str]], None]
"""Told which objects of a bucket were changed past the engine."""


@dataclass(slots=True)
class _Deed:
    """A job that can be undone once it has ended."""

    job: str
    done: list[TransferView] = field(default_factory=list)
    ended: bool = False
    too_large: bool = False


class UndoActions:
    """Remembers what the jobs of this screen have done, newest last."""

    def __init__(self, desk: Desk, changed: Changed) -> None:
        self._desk = desk
        self._changed = changed
        self._deeds: dict[str, _Deed] = {}

    @property
    def possible(self) -> bool:
        """Whether there is anything to undo."""
        return any(deed.ended for deed in self._deeds.values())

    def watch(self, job: str) -> None:
        """Remember what a job will do."""
        self._deeds[job] = _Deed(job)
        while len(self._deeds) > DEEDS:
            del self._deeds[next(iter(self._deeds))]

    def touched(self, transfers: Iterable[TransferView]) -> None:
        """Take note of what has ended."""
        for transfer in transfers:
            deed = self._deeds.get(transfer.job)
            if deed is None or transfer.state != "done" or transfer.action == "skip" or not transfer.generation:
                continue
            deed.too_large = deed.too_large or len(deed.done) >= LIMIT
            if not deed.too_large:
                deed.done.append(transfer)

    def ended(self, job: JobView) -> None:
        """Take note of the end of a job: what it has done can be undone from now on, also where some of it failed."""
        deed = self._deeds.get(job.id)
        if deed is None:
            return
        deed.ended = True
        if not deed.done or deed.too_large:
            del self._deeds[job.id]
        self._desk.show_place()

    def forget(self) -> None:
        """Let go of everything: another connection does not know it."""
        self._deeds.clear()

    async def do_undo(self) -> None:
        """Undo what has ended last."""
        ended = [deed for deed in self._deeds.values() if deed.ended]
        if not ended:
            return
        deed = ended[-1]
        del self._deeds[deed.job]
        if deed.done[0].action == "delete":
            await self._restore(deed)
        else:
            await self._move_back(deed)
        self._desk.show_place()

    async def _move_back(self, deed: _Deed) -> None:
        items = tuple(JobItem(move.target, move.source, generation=move.generation) for move in deed.done)
        await self._desk.start("move", items, conflict="ask")
        self._desk.tell(f"Moving back {formats.count(len(items), 'object')}.")

    async def _restore(self, deed: _Deed) -> None:
        urls = [(parse_gs_url(gone.source), gone.generation) for gone in deed.done]
        buckets = {url.bucket for url, _ in urls}
        for bucket in buckets:
            wanted = [(url.name, generation) for url, generation in urls if url.bucket == bucket]
            await self.restore(bucket, wanted)

    async def restore(self, bucket: str, wanted: list[tuple[str, int]], *, replace: bool = False) -> list[str]:
        """Bring back generations, by name and number, and say what became of them.

        Returns the names that were left alone since something is live under them, unless it may `replace` that.
        """
        desk, key = self._desk, f"restore {id(wanted)}"
        desk.only_here[key] = f"{formats.count(len(wanted), 'object')} being restored"
        try:
            result = await restore_many(desk.session.storage.data, bucket, wanted, replace=replace)
        finally:
            del desk.only_here[key]
        self._changed(bucket, result.names)
        self._tell(result)
        return result.taken

    def _tell(self, result: Restored) -> None:
        lines = [f"Restored {formats.count(len(result.names), 'object')}."] if result.names else []
        if result.taken:
            lines.append(f"Left {formats.count(len(result.taken), 'name')} alone: another object has taken it since.")
        if result.gone:
            lines.append(f"{formats.count(len(result.gone), 'object')} could not be restored: the bucket kept no copy.")
        if result.error is not None:
            lines += [result.error.message, result.error.remedy]
        bad = bool(result.taken or result.gone or result.error)
        self._desk.tell("\n".join(line for line in lines if line), bad=bad)

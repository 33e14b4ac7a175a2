"""Every pair there is, whoever runs it: the list, what a project proposes, and what runs without being in a list."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from services import paths
from services.connection import Connection
from services.errors import PailError, UsageError
from services.names import parse_gs_url
from services.sync.owner import OwnerLink
from services.sync.pair import FOLDER, Pair, make_pair, read_owner
from services.sync.pairs import KeptPair, PairList
from services.sync.proposals import Proposal, is_still_named, proposals, propose, withdraw
from services.sync.status import Choice, LineView, Overview, Owner, PairDraft, PairLook, PlanView, Ticks
from services.sync.wanted import is_claimed
from services.worker.link import Gone

ANSWER_S: Final = 5.0
"""Seconds that a process gets to say where a pair stands."""


class PairBook:
    """Looks at the pairs of one state folder, and has done with them what a person wants.

    Its methods belong to one event loop; files are read in threads.  Nothing here starts a worker: whoever holds a
    client of the worker does, once a pair is switched on.
    """

    def __init__(self, state_dir: Path, project: Path | None = None, connection: Connection | None = None) -> None:
        self.state_dir = state_dir
        self.project = project
        """Folder of the workspace; None where there is none."""
        self.connection = connection
        """The connection in use."""
        self.list = PairList.of(state_dir)
        """The list."""
        self._links: dict[str, OwnerLink] = {}

    async def look(self) -> Overview:
        """Return all pairs as they are now."""
        kept, proposed, running, problems = await asyncio.to_thread(self._read)
        looks = [self._listed(one, named=named) for one, named in kept]
        approved = {(one.id, one.digest) for one, _ in kept}
        for proposal in proposed:
            if (proposal.pair.id, proposal.digest) not in approved:
                looks = [look for look in looks if look.id != proposal.pair.id]
                looks.append(_proposed(proposal))
        known = {look.id for look in looks}
        for identifier, owner in running.items():
            if identifier not in known:
                place = owner.place.partition("\0")[2]
                looks.append(PairLook(identifier, owner.root, f"gs://{place}", owner=owner))
        for identifier in [one for one in self._links if one not in running]:
            await self._links.pop(identifier).close()
        found = await asyncio.gather(*(self._with_view(look, running.get(look.id)) for look in looks))
        return Overview(tuple(found), tuple(problems))

    def _listed(self, kept: KeptPair, *, named: bool) -> PairLook:
        pair = kept.pair
        return PairLook(
            kept.id,
            pair.root,
            pair.url,
            pair.mode,
            pair.delete,
            on=kept.on,
            listed=True,
            project=kept.project,
            changed=not named,
            local=self.connection is None or _same_place(self.connection, pair.connection),
        )

    def _read(self) -> tuple[list[tuple[KeptPair, bool]], list[Proposal], dict[str, Owner], list[str]]:
        problems: list[str] = []
        kept: list[tuple[KeptPair, bool]] = []
        found: list[Proposal] = []
        try:
            kept = [(one, is_still_named(one)) for one in self.list.load()]
        except PailError as error:
            problems.append(f"{error.message} {error.remedy}".strip())
        if self.project is not None and self.connection is not None:
            try:
                found, more = proposals(self.project, self.connection)
                problems += more
            except PailError as error:
                problems.append(f"{error.message} {error.remedy}".strip())
        return kept, found, self._running(), problems

    def _running(self) -> dict[str, Owner]:
        folder = self.state_dir / FOLDER
        locks = [path for path in folder.glob("*.lock") if path.stem not in ("door", "pairs")]
        return {path.stem: read_owner(path) for path in locks if is_claimed(path.stem, self.state_dir)}

    async def _with_view(self, look: PairLook, owner: Owner | None) -> PairLook:
        if owner is None:
            return look
        look = look._replace(owner=owner)
        if owner.kind == "once":
            return look
        with contextlib.suppress(Gone, PailError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                view = await self._link(look.id).view()
            return look._replace(view=view, mode=view.mode)
        return look

    def _link(self, identifier: str) -> OwnerLink:
        link = self._links.get(identifier)
        if link is None:
            link = self._links[identifier] = OwnerLink(owner_socket(identifier, self.state_dir))
        return link

    async def _call(self, identifier: str, name: str, value: object = None) -> object:
        try:
            return await self._link(identifier).call(name, value)
        except Gone:
            raise UsageError("nobody keeps this pair in step just now", remedy="Resume it first.") from None

    # What a person wants

    async def plan(self, identifier: str) -> PlanView:
        """Return the plan that waits for a word; raises `PailError`."""
        found = await self._call(identifier, "plan")
        assert isinstance(found, PlanView)
        return found

    async def lines(self, identifier: str, plan: int, action: str, offset: int, limit: int) -> tuple[LineView, ...]:
        """Return some lines of a group of that plan; raises `PailError`."""
        found = await self._call(
            identifier, "lines", {"plan": plan, "action": action, "offset": offset, "limit": limit}
        )
        assert isinstance(found, tuple)
        return found

    async def go(self, identifier: str, ticks: Ticks, deletes: int) -> None:
        """Have the plan carried out that waits, without what was unticked; raises `PailError`."""
        said = {"plan": ticks.plan, "groups": dict(ticks.groups), "lines": dict(ticks.lines), "deletes": deletes}
        await self._call(identifier, "go", said)

    async def look_now(self, identifier: str) -> None:
        """Have both sides of a pair looked at now; raises `PailError`."""
        await self._call(identifier, "look")

    async def resolve(self, identifier: str, copy: str, choice: Choice) -> None:
        """Decide a conflict; raises `PailError`."""
        await self._call(identifier, "resolve", {"copy": copy, "choice": choice})

    async def add(self, pair: Pair, *, in_project: bool = False) -> KeptPair:
        """Add a pair whose plan is shown before anything moves; raises `UsageError` where it overlaps."""
        kept = KeptPair(pair, ask=True)
        await asyncio.to_thread(self.list.add, kept)
        if in_project and self.project is not None:
            try:
                kept = (await asyncio.to_thread(propose, self.project, pair)).approved()
            except PailError:
                await asyncio.to_thread(self.list.remove, pair.id)
                raise
            await asyncio.to_thread(self.list.add, kept)
        return kept

    async def make(self, draft: PairDraft) -> str:
        """Add the pair that a person has filled in, and return its id; raises `UsageError` where it cannot be one."""
        connection = self.connection or Connection()
        url = parse_gs_url(draft.url)
        pair = await asyncio.to_thread(lambda: make_pair(Path(draft.folder).expanduser(), url, connection))
        pair = pair._replace(mode=draft.mode, delete=draft.delete, excludes=draft.ignore)
        return (await self.add(pair, in_project=draft.in_project)).id

    async def approve(self, identifier: str) -> None:
        """Approve what the project proposes, once for this machine; its plan is shown before anything moves."""

        def work() -> None:
            assert self.project is not None
            assert self.connection is not None
            found, _ = proposals(self.project, self.connection)
            proposal = next((one for one in found if one.pair.id == identifier), None)
            if proposal is None:
                raise UsageError("the project does not propose this pair any more")
            self.list.add(proposal.approved())

        await asyncio.to_thread(work)

    async def switch(self, identifier: str, *, on: bool) -> None:
        """Pause a pair, or have the worker keep it in step again; raises `LocalFileError`."""
        await asyncio.to_thread(lambda: self.list.change(identifier, on=on))

    async def remove(self, identifier: str) -> None:
        """Take a pair off the list, and out of the project's file; both sides keep their files."""

        def work() -> None:
            kept = self.list.find(identifier)
            if kept is not None and kept.project:
                withdraw(kept)
            self.list.remove(identifier)

        await asyncio.to_thread(work)

    async def close(self) -> None:
        """Leave."""
        links, self._links = self._links, {}
        for link in links.values():
            await link.close()


def owner_socket(identifier: str, state_dir: Path) -> Path:
    """Return where whoever runs a pair is reached."""
    return paths.socket_path(state_dir / FOLDER, f"{identifier}.sock")


def _proposed(proposal: Proposal) -> PairLook:
    pair = proposal.pair
    return PairLook(pair.id, pair.root, pair.url, pair.mode, pair.delete, project=proposal.project, proposed=True)


def _same_place(one: Connection, other: Connection) -> bool:
    return (one.endpoint, one.local_dir) == (other.endpoint, other.local_dir)

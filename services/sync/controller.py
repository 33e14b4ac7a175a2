"""One pass over a pair: scan both sides, decide, pass the gate, carry out; and where that stands, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from services.errors import PailError, Safeguard
from services.names import display_name
from services.sync.apply import Applier, Item, Outcome
from services.sync.disk import Changed, Disk, Read
from services.sync.doubt import ask_again, confirmed
from services.sync.entries import Action, LocalEntry, LocalTree, Plan, Problem, RemoteEntry
from services.sync.gate import MaxDelete, check_gate, check_root
from services.sync.ignore import Rules
from services.sync.move import Mover, Sleep, Throttle
from services.sync.notes import Notes, OnDisk
from services.sync.pair import Pair
from services.sync.reconcile import needs_reading, reconcile, unchanged, with_known
from services.sync.recover import forget_partial, recover, restore
from services.sync.remote import Prefix, RemoteTree
from services.sync.scan import rescan
from services.sync.state import Intent, State
from services.transfer.local import PARTIAL_PREFIX

Phase = Literal["scanning", "reconciling", "transferring", "watching", "waiting", "halted"]
"""Where a pair stands.  `waiting` for the network or the disk to come back; `halted` until a person does something."""

MAX_PASSES: Final = 6
"""Passes of a one-off sync before what keeps changing is left for the next one."""

READERS: Final = 4
"""Files that are read side by side to learn their CRC32C."""


async def unlimited(_count: int) -> None:
    """Let bytes move at once."""


class Listener(NamedTuple):
    """What is told while a pair is synced; the functions must be cheap."""

    on_phase: Callable[[Phase, str], None] = lambda _phase, _why: None
    """Called with each phase and why it is in it."""
    on_item: Callable[[Item], None] = lambda _item: None
    """Called with each action that has ended."""
    on_notice: Callable[[str], None] = lambda _text: None
    """Called with a sentence about something else."""


@dataclass(slots=True)
class Result:
    """What a pass, or several, came to."""

    plan: Plan = field(default_factory=Plan)
    """What was planned last."""
    items: list[Item] = field(default_factory=list)
    """What was done or failed."""
    problems: list[Problem] = field(default_factory=list)
    """What was left alone, and why."""
    ignored: int = 0
    """Files and folders that rules leave out."""
    stopped: PailError | None = None
    """Why it ended early."""
    again: bool = False
    """Whether something changed meanwhile, so that another pass has work."""
    left_out: tuple[Action, ...] = ()
    """What a person has unticked, and is still as it was then."""


class Controller:
    """Keeps one pair in step; everything in it belongs to one event loop."""

    def __init__(
        self,
        pair: Pair,
        disk: Disk,
        prefix: Prefix,
        state: State,
        *,
        on_disk: OnDisk,
        machine: str = "this-machine",
        listener: Listener | None = None,
        sleep: Sleep = asyncio.sleep,
        throttle: Throttle = unlimited,
    ) -> None:
        self.pair = pair
        self.disk = disk
        self.prefix = prefix
        self.tree = LocalTree()
        """The local side as it was last seen."""
        self.remote = RemoteTree()
        """The bucket's side as it was last seen, with what was done since."""
        self.rules = Rules(pair.excludes)
        """What is left out."""
        self.allowance: MaxDelete | None = None
        """How many deletes a person has allowed for just now; whoever sets it takes it back."""
        self.to_do = 0
        """Actions of the pass that is under way, or was last."""
        self.clashes: dict[str, Problem] = {}
        """Names that cannot both be on this disk, by key."""
        self.declined: dict[str, str] = state.declined()
        """What a person has unticked: fingerprints of actions, by key."""
        self._state = state
        self._on_disk = on_disk
        self._machine = machine
        self._listener = listener or Listener()
        self._sleep = sleep
        self._throttle = throttle
        self._notes: Notes | None = None
        self._folding = False
        self._recovered = False
        """Whether it is known what became of all that was begun before: until then nothing is decided on a part."""
        self._refused: dict[str, Action] = {}

    def enter(self, phase: Phase, why: str = "") -> None:
        """Say where it stands."""
        self._listener.on_phase(phase, why)

    def notice(self, text: str) -> None:
        """Say something."""
        self._listener.on_notice(text)

    @property
    def tracked(self) -> int:
        """How many files are in step, as far as the memory was read; 0 before the first sync."""
        return sum(1 for key in self._notes.base if not key.endswith("/")) if self._notes is not None else 0

    @property
    def size(self) -> tuple[int, int, int]:
        """What changes whenever a file came or went: cheap at any number of files."""
        return id(self.tree.entries), len(self.tree.entries), len(self._notes.base) if self._notes is not None else 0

    async def decline(self, actions: Collection[Action]) -> None:
        """Leave exactly these actions out from now on, and none but these, until what they are about changes."""
        self.declined = {action.key: fingerprint(action) for action in actions}
        await self._on_disk(self._state.decline, self.declined)

    @property
    def _limit(self) -> MaxDelete | None:
        return self.allowance or self.pair.max_delete

    async def _memory(self) -> Notes:
        if self._notes is None:
            base = await self._on_disk(self._state.load)
            await self._check_folder(bool(base), make=True)
            self._notes = Notes(self._state, base, self._on_disk)
            self._folding = await self._on_disk(self.disk.folds_names)
            if self._state.rebuilt:
                self.notice(self._state.rebuilt)
        return self._notes

    async def _check_folder(self, known: bool, *, make: bool = False) -> None:
        if make and not known and self.pair.mode != "push":
            await self._on_disk(self.disk.make_root)
        try:
            await self._on_disk(self.disk.check)
        except PailError as error:
            if not known:
                raise
            raise Safeguard(
                f"{display_name(self.pair.root)} is not there any more; nothing was done",
                remedy="Mount or restore it.",
                url=self.pair.root,
            ) from error

    async def sync(self, *, dry_run: bool = False) -> Result:
        """Bring both sides in step, in as many passes as it takes; raises `PailError` where nothing can be done."""
        total = Result()
        for _ in range(1 if dry_run else MAX_PASSES):
            result = await self.run_pass(dry_run=dry_run)
            total.plan, total.problems, total.ignored = result.plan, result.problems, result.ignored
            total.items += [item for item in result.items if item.state != "later"]
            total.stopped, total.again = result.stopped, result.again
            if not result.again or result.stopped is not None:
                break
        return total

    async def run_pass(self, *, dry_run: bool = False, hold: Collection[str] = ()) -> Result:
        """Scan both sides and bring them in step once; `hold` are files that are being written just now."""
        self.enter("scanning")
        notes = await self._memory()
        await self._check_folder(bool(notes.base))
        if not dry_run:
            await restore(self._state, self.disk, self._on_disk)
        rules = Rules(self.pair.excludes)
        listing = asyncio.ensure_future(self.prefix.list())
        try:
            self.tree = await self._on_disk(self.disk.scan, rules)
            self.rules = rules
            self.remote = await listing
        finally:
            listing.cancel()
            await asyncio.gather(listing, return_exceptions=True)
        resumable: dict[str, Intent] = {}
        # A folder without a single file may not be mounted: what was begun in it cannot be looked up there.
        if not dry_run and (self.tree.partials or any(not key.endswith("/") for key in self.tree.entries)):
            resumable = await recover(self._state, notes, self.disk, self.prefix, self.remote.entries, self._on_disk)
            self._recovered = True
        elif not dry_run:
            self._recovered = not await self._on_disk(self._state.intents)
        if self.tree.partials and not dry_run:
            await self._collect(self.tree.partials)
        # What is as it was agreed on is most of a folder: it needs no decision.
        moot = unchanged(notes.base, self.tree.entries, self.remote.entries)
        # Links, devices and unreadable folders are left alone on both sides, and so is what a rule leaves out.
        known = (notes.base, self.tree.entries, self.remote.entries)
        keys = {key for key in set().union(*(side.keys() - moot for side in known)) if self._is_ours(key)}
        doubt: Safeguard | None = None
        if self.pair.mode != "pull" and self._limit is None and not moot:
            try:
                check_root(
                    {key: entry for key, entry in notes.base.items() if key in keys}, self.tree.entries, self.pair.root
                )
            except Safeguard as error:
                if not dry_run:
                    raise
                doubt = error
        result = await self._bring_in_step(notes, keys.difference(hold), resumable, dry_run=dry_run)
        result.stopped = doubt or result.stopped
        return result

    async def run_folders(self, folders: Collection[str], *, hold: Collection[str] = ()) -> Result:
        """Look again at some local folders, and bring in step what changed there, without listing the bucket."""
        if not self._recovered:
            return await self.run_pass(hold=hold)
        notes = await self._memory()
        changed = await self._on_disk(
            lambda: rescan(self.disk.root, self.rules, self.tree, folders, prefix=self.pair.prefix)
        )
        return await self._bring_changes(notes, changed.difference(hold))

    async def run_local(self, *, hold: Collection[str] = ()) -> Result:
        """Scan the whole folder, and bring in step what changed there, without listing the bucket."""
        if not self._recovered:
            return await self.run_pass(hold=hold)
        notes = await self._memory()
        await self._check_folder(bool(notes.base))
        before, rules = self.tree.entries, Rules(self.pair.excludes)
        # This is what goes on all the time where there are no events: it has a share of one core.
        self.tree = await self._on_disk(lambda: self.disk.scan(rules, alone=True))
        self.rules = rules
        after = self.tree.entries
        changed = {key for key in {*before, *after} if not _alike(before.get(key), after.get(key))}
        return await self._bring_changes(notes, changed.difference(hold))

    async def run_remote(self, *, hold: Collection[str] = ()) -> Result:
        """List the bucket, and bring in step what changed there, without scanning the folder."""
        if not self._recovered:
            return await self.run_pass(hold=hold)
        notes = await self._memory()
        before = self.remote.entries
        self.remote = await self.prefix.list()
        after = self.remote.entries
        # What a page tells as before is the very same object: most of a quiet bucket needs no comparison.
        changed = {
            key for key, entry in after.items() if (old := before.get(key)) is not entry and _version(old) != entry[0]
        }
        changed |= before.keys() - after.keys()
        return await self._bring_changes(notes, changed.difference(hold))

    async def _bring_changes(self, notes: Notes, keys: set[str]) -> Result:
        if self.pair.mode != "pull" and self._limit is None:
            check_root(notes.base, self.tree.entries, self.pair.root)
        keys = {key for key in keys if self._is_ours(key)}
        return await self._bring_in_step(notes, keys, {}, dry_run=False) if keys else Result()

    def _is_ours(self, key: str) -> bool:
        return self.tree.covers(key) and (key in self.tree.entries or not self.rules.ignores_path(key))

    async def _bring_in_step(
        self, notes: Notes, keys: set[str], resumable: dict[str, Intent], *, dry_run: bool
    ) -> Result:
        self.enter("reconciling")
        await ask_again(self.prefix, self.remote.entries, notes.base, keys)
        busy = await self._read(notes, keys)
        keys -= busy
        plan = await confirmed(self.prefix, self.remote.entries, lambda: self._plan(notes, keys), self.pair.url)
        left_out = await self._left_out(plan, keys, forget=not dry_run) if self.declined else ()
        plan = plan.without(frozenset(action.key for action in left_out))
        result = Result(plan, problems=[*self.tree.problems, *self.remote.problems, *plan.problems])
        result.ignored, result.again, result.left_out = self.tree.ignored, bool(busy), left_out
        self.clashes = {key: problem for key, problem in self.clashes.items() if key not in keys}
        self.clashes.update({problem.key: problem for problem in plan.problems})
        try:
            check_gate(plan, self._limit)
        except Safeguard as error:
            if not dry_run:
                raise
            # What would be done is to be seen all the more.
            result.stopped = error
        if dry_run:
            return result
        plan = plan._replace(actions=tuple(action for action in plan.actions if not self._was_refused(action)))
        self.to_do = len(plan.work)
        if plan.work:
            self.enter("transferring", f"{len(plan.work):,} to do")
        await self._forget_partials(plan, resumable)
        outcome = await self._applier(notes).run(plan, {key: intent.nonce for key, intent in resumable.items()})
        result.items, result.stopped = outcome.items, outcome.stopped
        result.again = result.again or outcome.again
        self._take_in(outcome)
        return result

    async def _left_out(self, plan: Plan, keys: set[str], *, forget: bool) -> tuple[Action, ...]:
        """Return what a person has unticked and is as it was then; what has changed since is unticked no longer."""
        left_out = tuple(action for action in plan.work if self.declined.get(action.key) == fingerprint(action))
        gone = (self.declined.keys() & keys) - {action.key for action in left_out}
        if gone and forget:
            self.declined = {key: value for key, value in self.declined.items() if key not in gone}
            await self._on_disk(self._state.decline, self.declined)
        return left_out

    async def _collect(self, partials: list[str]) -> None:
        """Clear away unfinished downloads of which a lost memory knew."""
        intents: list[Intent] = await self._on_disk(self._state.intents)
        for path in partials:
            if not any(f"{PARTIAL_PREFIX}{intent.nonce}-" in path for intent in intents):
                await self._on_disk(self.disk.collect, path)

    async def _forget_partials(self, plan: Plan, resumable: dict[str, Intent]) -> None:
        """Delete unfinished downloads that this plan does not go on with."""
        wanted = {action.key for action in plan.actions if action.kind in ("download", "conflict")}
        for key in [key for key in resumable if key not in wanted]:
            await self._on_disk(forget_partial, self.disk, resumable.pop(key))

    def _applier(self, notes: Notes) -> Applier:
        mover = Mover(self.disk, self.prefix, notes, self._on_disk, self._throttle, self._sleep)
        return Applier(mover, self.remote.entries, on_item=self._listener.on_item)

    async def _read(self, notes: Notes, keys: set[str]) -> set[str]:
        """Learn the CRC32C of files where it decides something, and return those that are being written."""
        entries, base = self.tree.entries, notes.base
        for key in keys:
            entry = entries.get(key)
            if entry is not None:
                entries[key] = with_known(base.get(key), entry)
        waiting = iter(list(needs_reading(base, entries, self.remote.entries, self.pair.mode, keys=keys)))
        busy: set[str] = set()

        async def work() -> None:
            for key in waiting:
                try:
                    read: Read = await self._on_disk(self.disk.read, key)
                except (Changed, PailError):
                    # Gone or being written, or it cannot be read: what was planned would rest on nothing.
                    busy.add(key)
                else:
                    entries[key] = LocalEntry(read.signature, read.crc32c, fresh=read.fresh)

        await asyncio.gather(*(work() for _ in range(READERS)))
        return busy

    def _plan(self, notes: Notes, keys: set[str]) -> Plan:
        return reconcile(
            notes.base,
            self.tree.entries,
            self.remote.entries,
            self.pair.mode,
            delete=self.pair.delete,
            machine=self._machine,
            folding=self._folding,
            keys=keys,
        )

    def _was_refused(self, action: Action) -> bool:
        """Tell whether exactly this was refused before: it is not tried for ever (hazard 49)."""
        return self._refused.get(action.key) == action

    def _take_in(self, outcome: Outcome) -> None:
        """Note what was done in what is known of both sides."""
        entries, here = self.remote.entries, self.tree.entries
        for item in outcome.items:
            action = item.action
            if item.state == "failed" and item.error is not None and outcome.stopped is None:
                self._refused[action.key] = action
            if item.state != "done":
                continue
            if action.kind == "move-remote":
                entries.pop(action.source, None)
            if action.kind == "delete-local":
                here.pop(action.key, None)
            elif item.signature is not None:
                # Its content counts as known only where the signature can be relied on.
                here[action.key] = LocalEntry(item.signature)
            if item.entry is not None:
                entries[action.key] = RemoteEntry(item.entry.generation, item.entry.size, item.entry.crc32c)
            elif action.kind in ("delete-remote", "delete-local"):
                entries.pop(action.key, None)


def fingerprint(action: Action) -> str:
    """Return what tells one action on a key from a later one: what is done, and what it was planned on."""
    local = action.local.signature if action.local is not None else None
    there = action.remote.generation if action.remote is not None else 0
    return f"{action.kind} {':'.join(map(str, local or ()))} {there}"


def _version(entry: RemoteEntry | None) -> int:
    return 0 if entry is None else entry.generation


def _alike(one: LocalEntry | None, other: LocalEntry | None) -> bool:
    """Tell whether two looks at a path saw the same, whether or not its content was read since."""
    if one is None or other is None:
        return one is other
    return one.signature == other.signature and one.empty == other.empty

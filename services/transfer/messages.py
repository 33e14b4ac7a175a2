"""What is said between a screen or a command and the engine: commands, facts and snapshots, all plain data.

Facts are few and are delivered (finished, failed, a question).  State (bytes, rates, counts) is sampled with
`EngineClient.snapshot` by whoever draws it, eight times a second or less.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Literal, NamedTuple, Protocol

from services.connection import Connection

Action = Literal["upload", "download", "copy", "move", "delete", "make-folder", "delete-bucket", "restore", "undo"]
"""What a job does; `delete-bucket` deletes every generation in one bucket, then the bucket; `undo` takes back what
another job has done."""

ItemAction = Literal[
    "upload",
    "download",
    "copy",
    "move",
    "delete",
    "make-folder",
    "move-folder",
    "delete-folder",
    "delete-bucket",
    "restore",
    "skip",
]
"""What was done with one object or real folder; `skip` where the policy left it alone."""

TransferState = Literal["queued", "running", "paused", "verifying", "done", "failed", "cancelled"]
"""State of one object's transfer.  `done` comes after verification, never before."""

JobState = Literal["queued", "planning", "running", "paused", "asking", "done", "failed", "cancelled"]
"""State of a job; `asking` waits for the answer to a conflict, `failed` means that at least one item failed."""

ConflictPolicy = Literal["ask", "replace", "keep-both", "skip"]
"""What to do where the target exists: ask, replace the generation that was seen, keep both under a new name, skip."""

ParallelUploads = Literal["auto", "always", "never"]
"""Whether a very large file goes up in parallel parts: where that is faster and costs nothing extra, always, never."""

Verb = Literal["pause", "resume", "cancel", "retry", "dismiss"]
"""What can be done to a job or a transfer."""

Place = Literal["top", "up", "down", "before"]
"""Where something of the queue is moved: to its beginning, by one place, or before another one."""

DEFAULT_TIMES: Final = "default"
"""Stands in `SetBandwidth.times` for the limit of the settings."""

ALL: Final = ""
"""Stands for every job in `Control.target`."""


class JobItem(NamedTuple):
    """One source and where it goes; the submitter has already decided the target's full name or prefix.

    Local paths are absolute, as `os.fsdecode` gives them.  Storage is a raw `gs://` URL.
    """

    source: str
    """File, folder (`tree`), object or prefix (`tree`, ends with `/` or is a whole bucket)."""
    target: str = ""
    """File, folder, object or prefix it becomes; empty for a delete."""
    tree: bool = False
    """Everything below `source` goes below `target`."""
    generation: int | None = None
    """Generation of a source object that was seen, to be read or deleted; None: whatever is live at planning."""
    exact: bool = False
    """`generation` names one version, also a noncurrent one; else it has to be the live one when it is deleted."""
    deleted_from: float = 0.0
    """A restored tree: only what was deleted from then on, seconds since the epoch."""
    fresh: bool = False
    """A tree that is uploaded: nothing lay below `target` a moment ago, so that nobody need look there again."""


class JobSpec(NamedTuple):
    """One request of a person: many transfers."""

    action: Action
    """What to do."""
    connection: Connection
    """Where, and with which credentials."""
    items: tuple[JobItem, ...]
    """The sources."""
    conflict: ConflictPolicy = "replace"
    """What to do where a target exists."""
    excludes: tuple[str, ...] = ()
    """Patterns in gitignore syntax, relative to each source tree."""
    bandwidth: int = 0
    """Bytes a second at the most; 0 for no limit."""
    bandwidth_times: str = ""
    """The same as a timetable (`services.transfer.timetable`), in place of `bandwidth`; empty for none."""
    decompress: bool = False
    """Decode gzip-encoded objects on download, after their stored bytes were verified."""
    parallel_uploads: ParallelUploads | Literal[""] = ""
    """Whether very large files go up in parallel parts; empty for what the settings say."""
    dry_run: bool = False
    """Plan, report every item, change nothing."""
    origin: str = ""
    """Who asked, in a word or two (`screen`, `pail cp`), for the history."""
    undoes: str = ""
    """Id of the job that an `undo` takes back; its `items` may be empty then, the engine knows them."""


class Submit(NamedTuple):
    """Take on a job; the reply's `id` is the job's."""

    spec: JobSpec
    """The job."""


class Control(NamedTuple):
    """Pause, resume, cancel, retry or dismiss a job, a transfer, or all."""

    verb: Verb
    """What to do."""
    target: str = ALL
    """Id of a job or a transfer."""


class Answer(NamedTuple):
    """Decide conflicts that a job asked about."""

    job: str
    """Id of the job."""
    policy: ConflictPolicy
    """`replace`, `keep-both` or `skip`."""
    transfer: str = ""
    """Id of one transfer; empty decides this and all further conflicts of the job."""


class SetBandwidth(NamedTuple):
    """Limit the bytes a second of everything together."""

    rate: int = 0
    """Bytes a second; 0 for no limit."""
    times: str = ""
    """A timetable (`services.transfer.timetable`), in place of `rate`; `DEFAULT_TIMES` for what the settings say."""


class Reorder(NamedTuple):
    """Have a waiting job, or a waiting transfer within its job, come earlier or later.

    A job that stands above another one gets its turns before it; jobs that nobody moved take turns.
    """

    target: str
    """Id of the job or the transfer."""
    place: Place
    """Where to."""
    other: str = ""
    """With `before`: id of the job, or of a transfer of the same job, that comes after it then."""


Command = Submit | Control | Reorder | Answer | SetBandwidth
"""What an engine can be told."""


class Reply(NamedTuple):
    """The answer to a command that was taken; one that is not taken raises its `PailError`."""

    id: str = ""
    """Id of the new job, for `Submit`."""
    affected: int = 0
    """How many jobs or transfers a `Control` changed."""


class TransferView(NamedTuple):
    """One object moving, as it stands."""

    id: str
    """Unique among all transfers, such as `7.12`."""
    job: str
    """Id of its job, such as `7`."""
    action: ItemAction
    """What is done with it."""
    source: str
    """Raw path or URL."""
    target: str
    """Raw path or URL; empty for a delete."""
    state: TransferState
    """Where it stands."""
    bytes: int = 0
    """Bytes moved so far; equals `size` before the end while it is `verifying`."""
    size: int = 0
    """Bytes in all."""
    rate: float = 0.0
    """Bytes a second, a moving average."""
    eta_s: float | None = None
    """Seconds left, where that can be said."""
    attempt: int = 1
    """Which try this is."""
    reason: str = ""
    """Why it failed, waits or was skipped: one line for a person."""
    code: str = ""
    """The stable word of that (`PailError.reason`, or `exists` for an open conflict)."""
    remedy: str = ""
    """What to do about it."""
    generation: int = 0
    """Generation that was written, read or deleted, once known."""
    crc32c: str = ""
    """Checksum that was verified, once known."""
    replaced: int = 0
    """Generation of the live object that had the target's name and was replaced; 0 where there was none."""


class JobView(NamedTuple):
    """A job, as it stands.

    One that is `paused` with the code `disk-full` waits for its disk: `reason` and `remedy` say for what.  It is told
    once as a `NoticeFact`; nothing of it has failed, and it goes on by itself once there is room, or by `resume`.
    """

    id: str
    """Unique, growing."""
    action: Action
    """What it does."""
    source: str
    """What it works on, in short: one raw path or URL, or a common parent."""
    target: str
    """Where it goes to; empty for a delete."""
    state: JobState
    """Where it stands."""
    items: int = 0
    """Transfers known so far."""
    done: int = 0
    """Transfers that ended well, skipped ones included."""
    failed: int = 0
    """Transfers that failed."""
    skipped: int = 0
    """Transfers that were skipped."""
    conflicts: int = 0
    """Transfers that wait for an answer."""
    bytes: int = 0
    """Bytes moved so far."""
    size: int = 0
    """Bytes in all, of what is planned so far."""
    planned: bool = False
    """Whether `items` and `size` are final."""
    rate: float = 0.0
    """Bytes a second, a moving average."""
    eta_s: float | None = None
    """Seconds left, where that can be said."""
    created: float = 0.0
    """Seconds since the epoch."""
    finished: float | None = None
    """Seconds since the epoch."""
    reason: str = ""
    """Why it failed or waits: one line for a person."""
    code: str = ""
    """The stable word of that."""
    remedy: str = ""
    """What to do about it."""
    origin: str = ""
    """Who asked."""
    connection: str = ""
    """`Connection.label` of where it runs."""
    rank: int = 0
    """Jobs with a higher one go first; 0 where nobody moved it."""
    goodput: tuple[int, ...] = ()
    """Bytes a second of the last minute while it ran, one for each `GOODPUT_S` seconds, oldest first."""
    undoable: bool = False
    """Whether it has ended, did something that can be taken back, and was not taken back yet."""
    undoes: str = ""
    """Id of the job that it takes back, if it does."""


class SnapshotQuery(NamedTuple):
    """Which transfers a snapshot should hold (the jobs are always in it)."""

    job: str = ""
    """Only transfers of this job; empty: of all unfinished jobs."""
    offset: int = 0
    """Skip that many transfers (running first, then failed, asking, paused, queued, done)."""
    limit: int = 100
    """At most that many."""


class Snapshot(NamedTuple):
    """The state of an engine at one moment."""

    jobs: tuple[JobView, ...] = ()
    """Unfinished jobs, and finished ones until they are dismissed; oldest first."""
    transfers: tuple[TransferView, ...] = ()
    """The window that was asked for."""
    total: int = 0
    """Transfers that the query matches in all."""
    running: int = 0
    """Transfers that move right now."""
    rate: float = 0.0
    """Bytes a second of everything together."""
    bandwidth: int = 0
    """The limit in force, bytes a second; 0 for none."""
    bandwidth_times: str = ""
    """The limit as it was set, where it depends on the time."""
    notice: str = ""
    """Why everything waits, if it does (no network, credentials lost): one line for a person."""
    operations: tuple[tuple[str, int], ...] = ()
    """Requests since the engine began, by method, as `services.operations` counts them."""


class ItemFact(NamedTuple):
    """One object is done, failed, was skipped, cancelled, or (dry run) is planned."""

    transfer: TransferView
    """How it ended; `queued` for a dry run's plan."""


class JobFact(NamedTuple):
    """A job has ended: done, failed or cancelled."""

    job: JobView
    """How it ended."""


class ConflictFact(NamedTuple):
    """A job has found targets that exist and waits for an `Answer`."""

    job: JobView
    """The job, with the count in `conflicts`."""
    examples: tuple[TransferView, ...] = ()
    """The first few of them."""


class NoticeFact(NamedTuple):
    """Something that a person should know and that is not about one item."""

    message: str
    """One line."""
    remedy: str = ""
    """What to do."""
    code: str = ""
    """A stable word."""
    job: str = ""
    """The job it is about, if it is about one."""


GOODPUT_S: Final = 2.0
"""Seconds of one value of `JobView.goodput`."""

GOODPUT_KEPT: Final = 30
"""Values of it that are kept."""


Fact = ItemFact | JobFact | ConflictFact | NoticeFact
"""What an engine reports."""


Items = bool | Literal["failed"]
"""Which facts about single items somebody wants: all, none, or of those that failed."""


class EngineClient(Protocol):
    """The one shape of an engine, in this process or behind the worker's socket."""

    async def submit(self, command: Command) -> Reply:
        """Have a command taken: it is journalled when this returns.  Raises `PailError` where it is refused."""

    async def snapshot(self, query: SnapshotQuery | None = None) -> Snapshot:
        """Return the state of this moment."""

    def facts(self, *, items: Items = False) -> AsyncIterator[Fact]:
        """Yield facts from the call on, until the client is closed; `ItemFact`s only where `items` is set.

        The subscription starts with the call, not with the first `anext`, so that nothing between them is missed.
        """

    async def close(self) -> None:
        """Leave; an engine in this process stops its transfers so that they can be resumed."""

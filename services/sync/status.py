"""What is told of a pair that runs: plain data, sampled by whoever shows it, over the socket of its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from services.model import NOTHING
from services.names import display_name
from services.sync.entries import Mode

Stand = Literal[
    "starting", "scanning", "reconciling", "transferring", "watching", "waiting", "asking", "halted", "stopping"
]
"""Where a pair stands: the phases of its controller; `asking` where its plan waits for a person's word."""

RunKind = Literal["worker", "watch", "once"]
"""Who runs a pair: the worker, a `pail sync --watch` in the foreground, or a single pass."""

RUN_KINDS: Final[tuple[RunKind, ...]] = ("worker", "watch", "once")
"""All of them."""

Choice = Literal["local", "remote", "both"]
"""Which version of a conflict stays: the copy's (that of the machine that noticed it), the bucket's, or both."""

CHOICES: Final[tuple[Choice, ...]] = ("both", "local", "remote")
"""All of them, the one first that loses nothing."""

STOPPED: Final[tuple[Stand, ...]] = ("asking", "halted")
"""Where nothing goes on until a person says so."""

PLAN_WINDOW: Final = 1_000
"""Lines of a plan that are handed over at once at the most."""

MOST_LINES: Final = 100_000
"""Lines of a pass that are sent at the most."""


class LineView(NamedTuple):
    """One action on one key: planned, or what became of it."""

    action: str
    """Its stable word: `upload`, `download`, `conflict`, `move`, `delete`, `delete-local`."""
    key: str
    """The key, raw; of a move the new one."""
    source: str = ""
    """Key that a move takes the object from."""
    copy: str = ""
    """Key that the local version of a conflict is kept under."""
    size: int = 0
    """Bytes."""
    why: str = ""
    """Why it is planned, in a few words of our own."""
    generation: str = ""
    """Generation of the object it was planned on; empty for none."""
    crc32c: str = ""
    """CRC32C of that."""
    state: str = "planned"
    """`planned`, `done` or `failed`."""
    reason: str = ""
    """Why it failed; safe for a terminal."""
    remedy: str = ""
    """What to do about that."""
    fault: str = ""
    """Stable word of the failure (`PailError.reason`)."""
    at: float = 0.0
    """When it ended, seconds since the epoch."""
    ticked: bool = True
    """Whether it is to be carried out; a person may have left it out."""


@dataclass(frozen=True, slots=True)
class TroubleView:
    """A path that is left alone, or that failed."""

    key: str
    """The key or the local path, raw."""
    reason: str
    """Why; safe for a terminal."""
    remedy: str = ""
    """What to do."""


class ConflictView(NamedTuple):
    """Two versions of one file that are both kept."""

    key: str
    """Key of the file, which holds the bucket's version; raw."""
    copy: str
    """Key of the copy, which holds the version of the machine that noticed it; raw."""
    machine: str
    """That machine."""
    size: int
    """Bytes of the file."""
    copy_size: int
    """Bytes of the copy."""


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """The lines of a plan that do the same."""

    action: str
    """Stable word of what they do."""
    count: int
    """Lines that there are."""
    size: int = 0
    """Bytes of them."""
    files: int = 0
    """Those that are about a file, not a folder."""
    out: int = 0
    """Lines that are unticked."""
    out_size: int = 0
    """Bytes of those."""
    out_files: int = 0
    """Those of them that are about a file."""


class PlanView(NamedTuple):
    """A plan, as it is shown before anything moves; its lines are asked for where somebody looks."""

    number: int = 0
    """Tells it from other plans of the same process; 0 for none."""
    groups: tuple[PlanGroup, ...] = ()
    """What would be done, by what it is."""
    total: int = 0
    """Lines that there are."""
    deletes: int = 0
    """Files that they delete."""
    troubles: tuple[TroubleView, ...] = ()
    """What is left alone, and why: the first of it."""
    troubles_total: int = 0
    """How much there is."""
    ignored: int = 0
    """Files and folders that rules leave out."""
    tracked: int = 0
    """Files that were in step before."""
    first: bool = False
    """Whether the pair was never synced before."""
    stopped: str = ""
    """Why a safeguard would stop it; empty where none would."""
    unprotected: bool = False
    """Whether the bucket keeps neither deleted nor older versions."""


class Ticks(NamedTuple):
    """What a person has ticked and unticked in a plan; all else is as it was."""

    plan: int = 0
    """Number of the plan; 0 for whatever waits."""
    groups: Mapping[str, bool] = NOTHING
    """Whole groups, by their word: whether they are to be carried out."""
    lines: Mapping[str, bool] = NOTHING
    """Single lines, by their key: the same, whatever is said of their group."""


class PassView(NamedTuple):
    """What a pass came to that was made for somebody else."""

    lines: tuple[LineView, ...] = ()
    """What was planned or done."""
    troubles: tuple[TroubleView, ...] = ()
    """What was left alone, and why."""
    ignored: int = 0
    """Files and folders that rules leave out."""
    again: bool = False
    """Whether something kept changing."""


class PairView(NamedTuple):
    """Where a pair stands at this moment."""

    id: str
    """Id of the pair."""
    root: str
    """Its folder, raw."""
    url: str
    """Its prefix, raw."""
    mode: str
    """Which way changes go."""
    delete: bool = False
    """Whether `push` and `pull` delete what the other side does not have."""
    pid: int = 0
    """Process that runs it."""
    host: str = ""
    """Machine that it runs on."""
    kind: str = "worker"
    """Who runs it (`RunKind`)."""
    stand: Stand = "starting"
    """Where it stands."""
    why: str = ""
    """Why, safe for a terminal."""
    remedy: str = ""
    """What to do where it halted."""
    since: float = 0.0
    """When it came to stand there, seconds since the epoch."""
    tracked: int = 0
    """Files that are in step."""
    ignored: int = 0
    """Files and folders that rules leave out."""
    left_out: int = 0
    """Actions that a person has unticked."""
    to_do: int = 0
    """Actions of the pass that is under way."""
    done: int = 0
    """Those of them that have ended."""
    changed: float = 0.0
    """When something was last carried, seconds since the epoch; 0 for never."""
    interval_s: float = 0.0
    """Seconds between two looks at the bucket."""
    requests: int = 0
    """Class A requests of the last hour, everything included."""
    looks: int = 0
    """Those of them that were for looking at the bucket."""
    requests_limit: int = 0
    """How many looking may cost in an hour."""
    polling: str = ""
    """Why there are no events from the system; empty where they come."""
    recent: tuple[LineView, ...] = ()
    """What was carried lately, the latest first."""
    troubles: tuple[TroubleView, ...] = ()
    """What is left alone or failed."""
    troubles_total: int = 0
    """How many there are."""
    conflicts: tuple[ConflictView, ...] = ()
    """Files of which two versions are kept."""
    planned: tuple[tuple[str, int], ...] = ()
    """Actions of the plan that waits, with how many of each."""
    unprotected: bool = False
    """Whether the bucket keeps neither deleted nor older versions."""


class Owner(NamedTuple):
    """The process that runs a pair, as its lock says."""

    pid: int = 0
    """Its process id."""
    host: str = ""
    """The machine it runs on."""
    kind: RunKind = "once"
    """What it is."""
    root: str = ""
    """The folder of the pair."""
    place: str = ""
    """The prefix with the place of its bucket."""

    @property
    def words(self) -> str:
        """Who that is, for a person."""
        what = {"worker": "the worker", "watch": "pail sync --watch", "once": "pail sync"}[self.kind]
        return f"{what} (process {self.pid}" + (f" on {display_name(self.host)})" if self.host else ")")


class PairLook(NamedTuple):
    """A pair as it is found at one moment."""

    id: str
    """Its id."""
    root: str
    """Its folder, raw."""
    url: str
    """Its prefix, raw."""
    mode: str = "two-way"
    """Which way changes go."""
    delete: bool = False
    """Whether `push` and `pull` delete."""
    on: bool = False
    """Whether the worker is to keep it in step."""
    listed: bool = False
    """Whether it is in the list of pairs."""
    project: str = ""
    """Folder of the project that names it; empty for none."""
    proposed: bool = False
    """Whether it waits for being approved."""
    changed: bool = False
    """Whether the project says something else now than what was approved."""
    owner: Owner | None = None
    """Who runs it; None where nobody does."""
    view: PairView | None = None
    """Where it stands; None where nobody says so."""
    local: bool = True
    """Whether it is of the connection that is in use."""


class Overview(NamedTuple):
    """All pairs of one moment."""

    pairs: tuple[PairLook, ...] = ()
    """The pairs: those of the list first, then proposals, then what only runs."""
    problems: tuple[str, ...] = ()
    """What could not be read, in words."""


class PairDraft(NamedTuple):
    """What a person has filled in to make a pair."""

    folder: str
    """The local folder, as typed."""
    url: str
    """The prefix as a URL, as typed."""
    mode: Mode = "two-way"
    """Which way changes go."""
    delete: bool = False
    """Whether push and pull delete what the other side does not have."""
    ignore: tuple[str, ...] = ()
    """Further patterns of what is left out."""
    in_project: bool = False
    """Whether it is kept in the project's `pail.toml`."""

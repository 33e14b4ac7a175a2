"""What the Sync view shows of each pair: rows made from looks, pure, so that they can be tested as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from services.names import display_name
from services.sync.status import STOPPED, ConflictView, LineView, Owner, PairLook, PairView, TroubleView
from widgets import formats
from widgets.symbols import Symbols

PairVerb = Literal["approve", "plan", "decide", "look", "pause", "resume", "remove"]
"""What can be done with a row."""

MOST_RECENT: Final = 8
"""Lines of activity that are shown of a pair."""

MOST_TROUBLES: Final = 50
"""Problems that are shown of a pair."""

Tone = Literal["good", "bad", "asking", "busy", "quiet"]
"""How a state is meant."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair: its two places and where it stands."""

    look: PairLook
    """The pair."""
    opened: bool
    """Whether its lines are shown."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """A line about a pair that nothing can be done with."""

    pair: str
    """Id of the pair; empty for the line that stands where there is none."""
    text: str
    """What it says; safe for a terminal."""
    kind: Literal["fact", "why", "remedy", "head"] = "fact"
    """What it is."""


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """Two versions of a file."""

    pair: str
    """Id of the pair."""
    conflict: ConflictView
    """The conflict."""


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """A path that is left alone, or that failed."""

    pair: str
    """Id of the pair."""
    trouble: TroubleView
    """The problem."""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Something that was carried."""

    pair: str
    """Id of the pair."""
    line: LineView
    """What."""
    when: str
    """When, in words."""


SyncRow = PairRow | TextRow | ConflictRow | TroubleRow | ActivityRow
"""A row of the Sync view."""

NOTHING: Final = TextRow("", "No pair yet. s keeps a folder and a part of a bucket in step.")
"""Stands where there is no pair."""


def pair_of(row: SyncRow) -> str:
    """Return the id of the pair that a row belongs to."""
    return row.look.id if isinstance(row, PairRow) else row.pair


def build_rows(looks: Iterable[PairLook], opened: Mapping[str, bool], now: float, width: int = 1_000) -> list[SyncRow]:
    """Return the rows of all pairs for so many cells; `opened` says which were opened or closed by hand."""
    rows: list[SyncRow] = []
    for look in looks:
        if rows:
            rows.append(TextRow("", ""))
        is_open = opened.get(look.id, True)
        rows.append(PairRow(look, is_open))
        if is_open:
            for row in _lines(look, now):
                rows += _wrapped(row, width)
    return rows or [NOTHING]


def _wrapped(row: SyncRow, width: int) -> Iterator[SyncRow]:
    """Yield a row, and what does not fit on it as further lines: why a pair halted must be read to its end."""
    if isinstance(row, TroubleRow):
        first, *rest = textwrap.wrap(row.trouble.reason, max(20, width - 6)) or [""]
        yield replace(row, trouble=replace(row.trouble, reason=first))
        yield from (TextRow(row.pair, f"  {text}", "fact") for text in rest)
    elif isinstance(row, TextRow):
        lead = " " * (len(row.text) - len(row.text.lstrip()))
        for text in textwrap.wrap(row.text, max(20, width - 4), subsequent_indent=lead) or [""]:
            yield replace(row, text=text)
    else:
        yield row


def _lines(look: PairLook, now: float) -> Iterator[SyncRow]:
    view = look.view
    if look.proposed or look.changed:
        said = "says something else now than what you approved" if look.changed else "names this pair"
        yield TextRow(look.id, f"pail.toml {said}; nothing moves before you approve it.", "why")
        return
    if view is None:
        return
    if view.why and view.stand not in ("watching", "transferring"):
        yield TextRow(look.id, display_name(view.why), "why")
    if view.remedy:
        yield TextRow(look.id, display_name(view.remedy), "remedy")
    if view.planned:
        counts = ", ".join(f"{number:,} {plan_word(word)}" for word, number in view.planned)
        yield TextRow(look.id, f"plan: {counts} (enter shows it)", "why")
    yield TextRow(look.id, facts_of(look, view, now))
    yield TextRow(look.id, cost_of(view))
    if view.unprotected and (view.mode == "two-way" or view.delete):
        yield TextRow(
            look.id, "The bucket keeps neither deleted nor older versions: deletes in it are for good.", "why"
        )
    if view.polling:
        yield TextRow(look.id, display_name(view.polling), "remedy")
    if view.conflicts:
        yield TextRow(look.id, formats.count(len(view.conflicts), "conflict"), "head")
        yield from (ConflictRow(look.id, conflict) for conflict in view.conflicts)
    if view.troubles_total:
        yield TextRow(look.id, formats.count(view.troubles_total, "problem"), "head")
        for trouble in view.troubles[:MOST_TROUBLES]:
            yield TroubleRow(look.id, trouble)
            if trouble.remedy:
                yield TextRow(look.id, f"    {display_name(trouble.remedy)}", "remedy")
    if view.recent:
        yield TextRow(look.id, "lately", "head")
        for line in view.recent[:MOST_RECENT]:
            yield ActivityRow(look.id, line, formats.relative_time(line.at, now))


def stand_of(look: PairLook) -> tuple[str, Tone]:
    """Return where a pair stands, in a word or two, and how that is meant."""
    view = look.view
    if look.proposed:
        return "proposed", "asking"
    if look.changed:
        return "changed", "asking"
    if view is None:
        if look.owner is not None:
            return ("one pass", "busy") if look.owner.kind == "once" else ("starting", "busy")
        return ("starting", "busy") if look.on else ("paused", "quiet")
    if view.stand == "transferring":
        return f"transferring {view.done:,} of {view.to_do:,}", "busy"
    if view.stand == "asking":
        return "waits for you", "asking"
    tones: dict[str, Tone] = {"watching": "good", "halted": "bad", "waiting": "asking"}
    return view.stand, tones.get(view.stand, "busy")


def needs_person(look: PairLook) -> bool:
    """Tell whether a pair waits for a person: a plan, a halt, a conflict, a proposal."""
    view = look.view
    return look.proposed or look.changed or (view is not None and (view.stand in STOPPED or bool(view.conflicts)))


@dataclass(frozen=True, slots=True)
class SyncSummary:
    """What all pairs come to, for the strip."""

    text: str = ""
    """A few words; empty where no pair runs."""
    tone: Tone = "quiet"
    """How it is meant."""

    @property
    def is_urgent(self) -> bool:
        """Whether it is worth a line of its own: something moves, or a person is needed."""
        return self.tone in ("bad", "asking", "busy")


def summary_of(looks: Iterable[PairLook], symbols: Symbols, home: str = "") -> SyncSummary:
    """Return what all pairs come to: what needs a person first, then what moves, then that all is in step."""
    stands = [(look, *stand_of(look)) for look in looks]
    urgent: tuple[tuple[Tone, str], ...] = (("bad", "halted"), ("asking", "to look at"))
    for tone, words in urgent:
        count = sum(1 for look, _, found in stands if found == tone and needs_person(look))
        if count:
            return SyncSummary(f"{symbols.warning} sync: {formats.count(count, 'pair')} {words}", tone)
    moving = [look.view for look, word, _ in stands if look.view is not None and word.startswith("transferring")]
    if moving:
        done, to_do = sum(view.done for view in moving), sum(view.to_do for view in moving)
        return SyncSummary(f"{symbols.both} sync: {done:,} of {to_do:,}", "busy")
    good = [look for look, _, tone in stands if tone == "good"]
    if len(good) == 1:
        return SyncSummary(f"{symbols.both} in sync {symbols.dot} {short_path(good[0].root, home)}", "good")
    return SyncSummary(f"{symbols.both} in sync {symbols.dot} {len(good):,} pairs", "good") if good else SyncSummary()


def short_path(path: str, home: str) -> str:
    """Return a folder as it is shown, what lies below the home with `~`."""
    home = home.rstrip("/")
    return display_name(f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path)


def facts_of(look: PairLook, view: PairView, now: float) -> str:
    """Return what is known of a pair that runs, in one line."""
    parts = [
        formats.count(view.tracked, "file"),
        f"{view.ignored:,} ignored",
        f"{view.left_out:,} left out by you" if view.left_out else "",
        f"last change {formats.relative_time(view.changed, now)}" if view.changed else "no change yet",
        _owner(look.owner) if look.owner is not None else "",
    ]
    return " · ".join(part for part in parts if part)


def _owner(owner: Owner) -> str:
    what = {"worker": "worker", "watch": "pail sync --watch", "once": "pail sync"}[owner.kind]
    return f"{what} {owner.pid}" + (f" on {display_name(owner.host)}" if owner.host else "")


def cost_of(view: PairView) -> str:
    """Return what looking at the bucket costs, in one line."""
    often = f"looks every {view.interval_s:.0f} s" if view.interval_s else "not looking now"
    limit = f" of {view.requests_limit:,}" if view.requests_limit else ""
    changes = max(0, view.requests - view.looks)
    return f"{often} · class A in an hour: {view.looks:,}{limit} looking, {changes:,} changes"


def plan_word(word: str) -> str:
    """Return an action's stable word as a person says it."""
    return {
        "upload": "to upload",
        "download": "to download",
        "conflict": "edited on both sides",
        "move": "to rename in the bucket",
        "delete": "to delete in the bucket",
        "delete-local": "to delete here",
    }.get(word, word)


def sign_of(word: str, symbols: Symbols) -> str:
    """Return the sign of an action."""
    return {
        "upload": symbols.upload,
        "download": symbols.download,
        "conflict": symbols.warning,
        "move": symbols.arrow,
        "delete": symbols.delete,
        "delete-local": symbols.delete,
    }.get(word, symbols.dot)


def way_of(mode: str, symbols: Symbols) -> str:
    """Return the sign of the way that changes go."""
    return {"push": symbols.arrow, "pull": symbols.back}.get(mode, symbols.both)


def verbs_for(row: SyncRow, looks: Mapping[str, PairLook]) -> tuple[PairVerb, ...]:
    """Return what can be done with a row, the most useful first."""
    look = looks.get(pair_of(row))
    if look is None:
        return ()
    verbs: list[PairVerb] = ["decide"] if isinstance(row, ConflictRow) else []
    if look.proposed or look.changed:
        return (*verbs, "approve", *(("remove",) if look.listed else ()))
    view = look.view
    if view is not None and view.stand in STOPPED and (view.planned or view.stand == "asking"):
        verbs.append("plan")
    if view is not None:
        verbs.append("look")
    if look.listed and (look.owner is None or look.owner.kind == "worker"):
        verbs.append("pause" if look.on else "resume")
    if look.listed:
        verbs.append("remove")
    return tuple(verbs)

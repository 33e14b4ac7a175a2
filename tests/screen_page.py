"""Writes the page of the screen's views: what each shows, its picture, and the keys that apply there."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.commands import shown_key
from app.context import Context
from app.registry import COMMANDS, applying

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "screen.md"
"""Where the page lies."""


@dataclass(frozen=True, slots=True)
class Part:
    """One view."""

    title: str
    """Its name."""
    text: str
    """What it shows and what can be done."""
    contexts: tuple[Context, ...] = ()
    """Places in it: the keys are those of any of them."""
    picture: str = ""
    """File in `docs/pictures`, with what it shows after a bar."""


_MANY: Final = {"cursor": "object", "marked": 2, "rows": 9, "bucket": True}

PARTS: Final = (
    Part(
        "Objects (1)",
        "The rows are the folders and objects below the path in the second line. Enter goes into a folder, the "
        "arrow to the right opens it in place, backspace goes up, and so does a click on any part of the path. "
        "What is marked, or else the cursor's row, is what a command works on. Rows are dragged onto folders, "
        "onto the path, and onto other buckets. Beside the rows stands all that Google keeps about the cursor's "
        "object, or what the marked ones share.",
        (
            Context("objects", **_MANY, held=True, undoable=True, past=True, deeper=True),
            Context("objects", **{**_MANY, "marked": 0}, filtering=True),
        ),
        "main-dark.svg|Folders and objects, with the details of one",
    ),
    Part(
        "Find",
        "`^f` asks for parts of a name, a pattern, a size, an age, a type or a class, and looks below the folder "
        "that is shown. What is found streams into a list like any other. Enter shows one in its folder; `^f` "
        "there goes back to the list.",
        (Context("find", **_MANY), Context("find", bucket=True, rows=9)),
        "search.svg|What a search below a folder has found",
    ),
    Part(
        "Settings (2)",
        "Each setting of the bucket in words, with what it means in one line once it is changed; lifecycle rules "
        "in words; who may do what; code for the bucket. What these credentials may not change is dimmed and says "
        "which permission it needs.",
        (Context("settings", bucket=True),),
        "settings-light.svg|Each setting in words",
    ),
    Part(
        "Transfers (3)",
        "Jobs with their files: bytes, rate, time left, attempts, and for what failed the cause and the remedy. "
        "They go on in the background when the screen is left. Jobs are put in order by keys or by dragging; 30 "
        "days of history stand behind `:`.",
        (
            Context("transfers", verbs=("pause", "cancel", "decide", "move")),
            Context("transfers", verbs=("resume", "retry", "dismiss")),
        ),
        "transfers.svg|Jobs, their files, and what failed",
    ),
    Part(
        "Sync (4)",
        "Pairs of a folder and a part of a bucket, with where each stands and why, what it costs, its conflicts "
        "and problems. A new pair shows its plan before anything moves. [More about sync](sync.md).",
        (Context("sync", bucket=True, pair_verbs=("pause", "resume", "plan", "remove", "look", "decide", "approve")),),
        "sync.svg|Pairs, and what needs a person",
    ),
    Part(
        "Usage (5)",
        "What the bucket holds and costs: folder by folder, by class, age and type, the largest and the oldest, "
        "what no list shows, what lifecycle rules would save, and what this session's requests cost.",
        (
            *(Context("usage", bucket=True, share=kind) for kind in ("folder", "object", "uploads", "rule", "link")),
            Context("usage", bucket=True, counting=True),
        ),
        "usage.svg|Folders by size, with the cost of a month",
    ),
    Part(
        "The selector (b)",
        "Buckets of the workspace with a tick at the open one, what may be done with each and why not more, "
        "recent ones, others that can be listed, deleted ones that can be restored; creating and adding; the "
        "connection.",
        (),
        "selector.svg|Buckets, and what may be done with each",
    ),
)
"""The views in the order of their numbers, then what opens over them."""


def page() -> str:
    """Return the whole page as Markdown."""
    lines = [
        "# The screen",
        "",
        "What each view shows and which keys apply in it; everything can be done by mouse as well. `?` shows the same",
        "list in the program, `:` finds any command by its name. Keys can be changed: see [the settings](config.md).",
        "Written by `python -m tests.readme` from the program itself; a test keeps it current.",
    ]
    shown: set[str] = set()
    for part in PARTS:
        lines += ["", f"## {part.title}", "", *_wrapped(part.text)]
        if part.picture:
            name, _, what = part.picture.partition("|")
            lines += ["", f"![{what}](pictures/{name})"]
        ids = {entry.id for context in part.contexts for entry in applying(context)}
        entries = [entry for entry in COMMANDS if entry.id in ids and entry.keys and entry.id not in _EVERYWHERE]
        shown |= {entry.id for entry in entries}
        if entries:
            lines += ["", "| key | does |", "|---|---|", *(_row(entry.keys, entry.help) for entry in entries)]
    lines += ["", "## Everywhere", "", "| key | does |", "|---|---|"]
    lines += [_row(entry.keys, entry.help) for entry in COMMANDS if entry.keys and entry.id not in shown]
    lines += [
        "",
        "## Without a key",
        "",
        "Found by `:`, and some of them by a click.",
        "",
        "| command | does |",
        "|---|---|",
    ]
    lines += [f"| {entry.title} | {entry.help.rstrip('.')} |" for entry in COMMANDS if not entry.keys]
    return "\n".join(lines) + "\n"


def _everywhere() -> frozenset[str]:
    """Return the commands that apply in every view."""
    ids = [{entry.id for entry in applying(context)} for part in PARTS for context in part.contexts]
    return frozenset(set.intersection(*ids))


_EVERYWHERE: Final = _everywhere()


def _row(keys: tuple[str, ...], text: str) -> str:
    return f"| {' '.join(map(_key, keys))} | {text.rstrip('.')} |"


def _key(key: str) -> str:
    written = shown_key(key)
    # A bar or a backtick would end the cell or the code span that it stands in.
    return f"`{written}`".replace("|", "\\|") if written != "`" else "`` ` ``"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 124)

"""Commands on pairs that are kept in step."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import can_pair, connected_view


def _pair(name: str, verb: str, keys: tuple[str, ...], label: str, title: str, action: str, priority: int) -> Command:
    return Command(name, keys, label, title, title + ".", "Sync", can_pair(verb), priority, "sync", action)


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "new_pair",
        ("s",),
        "Sync",
        "Keep a folder and a part of a bucket in step…",
        "Keep a local folder and a part of a bucket in step; the plan is shown before anything moves.",
        "Sync",
        connected_view,
        58,
    ),
    _pair("show_plan", "plan", ("enter",), "Plan", "Show what would be done, and go", "choose", 100),
    _pair("approve_pair", "approve", ("enter",), "Approve", "Approve what the project proposes", "choose", 100),
    _pair("decide_pair", "decide", ("enter",), "Decide", "Decide which version of a conflict stays", "choose", 101),
    _pair("pause_pair", "pause", ("full_stop",), "Pause", "Pause the pair", "pause_or_resume", 95),
    _pair("resume_pair", "resume", ("full_stop",), "Resume", "Keep the pair in step again", "pause_or_resume", 95),
    _pair("look_pair", "look", ("R",), "Look now", "Look at both sides now", "look_pair", 92),
    _pair("remove_pair", "remove", ("X", "delete", "f8"), "Remove", "Take the pair off the list", "remove_pair", 90),
)
"""Commands on pairs, in the order of the help."""

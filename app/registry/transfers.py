"""Commands on what is moving."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import can, in_list, in_transfers


def _transfer(name: str, keys: tuple[str, ...], label: str, title: str, action: str, priority: int) -> Command:
    return Command(name, keys, label, title, title + ".", "Transfers", can(name), priority, "transfers", action)


def _place(name: str, key: str, label: str, title: str, help_: str, priority: int) -> Command:
    return Command(name, (key,), label, title, help_, "Transfers", can("move"), priority, "transfers")


COMMANDS: Final[tuple[Command, ...]] = (
    _transfer("cancel", ("X", "delete", "f8"), "Cancel", "Cancel the transfer", "cancel_or_dismiss", 90),
    _transfer("dismiss", ("X", "delete", "f8"), "Dismiss", "Take it off the list", "cancel_or_dismiss", 90),
    _transfer("pause", ("full_stop",), "Pause", "Pause the transfer", "pause_or_resume", 95),
    _transfer("resume", ("full_stop",), "Resume", "Resume the transfer", "pause_or_resume", 95),
    _transfer("retry", ("R",), "Retry", "Try what failed again", "retry", 100),
    _transfer("decide", ("enter",), "Decide", "Decide what happens to targets that exist", "choose", 100),
    _place("move_top", "T", "First", "Do it first", "Put the job, or the waiting transfer, first in the queue.", 40),
    _place("move_up", "shift+up", "Earlier", "Do it earlier", "Move it up by one place in the queue; or drag it.", 0),
    _place("move_down", "shift+down", "Later", "Do it later", "Move it down by one place in the queue.", 0),
    Command(
        "limit_bandwidth",
        ("B",),
        "Limit",
        "Limit the bandwidth",
        "Set what everything together may move a second, at once: a rate, off, or a timetable.",
        "Transfers",
        in_transfers,
    ),
    Command(
        "plan",
        ("P",),
        "Plan",
        "Plan the next job first",
        "Show the plan of the next upload, download, copy, move or delete before it begins: sizes, operations, cost.",
        "Transfers",
        in_list,
    ),
    Command(
        "history",
        ("H",),
        "History",
        "Show what was transferred",
        "Show what was transferred in the last 30 days, with totals and rates.",
        "Transfers",
        in_transfers,
        30,
    ),
    Command(
        "clear_ended",
        (),
        "Clear",
        "Dismiss all ended transfers",
        "Take all that has ended off the list.",
        "Transfers",
        in_transfers,
    ),
)
"""Commands on what is moving, in the order of the help."""

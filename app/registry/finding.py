"""Commands that find, filter and switch views."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import always, filtering, in_objects, with_bucket

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "filter",
        ("slash",),
        "Filter",
        "Filter the rows",
        "Show only rows whose name contains a text.",
        "Find",
        in_objects,
        70,
    ),
    Command(
        "clear_filter",
        ("escape",),
        "All rows",
        "Clear the filter",
        "Show all rows again.",
        "Find",
        filtering,
        75,
        in_palette=False,
    ),
    Command(
        "refresh",
        ("R",),
        "Refresh",
        "Refresh",
        "List again, or read the settings again.",
        "Find",
        lambda context: context.view != "transfers",
        10,
    ),
    Command(
        "palette",
        ("colon", "ctrl+p"),
        "Commands",
        "Commands",
        "Search all commands, buckets and views.",
        "Find",
        always,
        50,
        in_palette=False,
        short="Cmds",
    ),
    Command("view_objects", ("1",), "Objects", "View: Objects", "The objects of the bucket.", "Find"),
    Command("view_settings", ("2",), "Settings", "View: Settings", "The settings of the bucket.", "Find", with_bucket),
    Command(
        "view_transfers", ("3", "w"), "Transfers", "View: Transfers", "What is moving, waiting, failed or done.", "Find"
    ),
)
"""Commands that find, filter and switch views, in the order of the help."""

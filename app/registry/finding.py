"""Commands that find, filter and switch views."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import always, filtering, finds_unmarked, in_finds, in_objects, with_bucket, with_finds

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
        "find",
        ("ctrl+f",),
        "Find",
        "Find below here…",
        "Find objects below this folder by name, glob, size, age, type or class.",
        "Find",
        in_objects,
        68,
    ),
    Command(
        "edit_search",
        ("slash", "ctrl+f"),
        "Search",
        "Type another search",
        "Type another search.",
        "Find",
        in_finds,
        99,
        "finds",
    ),
    Command(
        "show_find",
        ("enter",),
        "In its folder",
        "Show the find in its folder",
        "Go to the folder of the find, with the cursor on it.",
        "Find",
        with_finds,
        97,
        "finds",
        short="Show",
    ),
    Command(
        "search_again",
        ("R",),
        "Again",
        "Search again",
        "Search for the same once more.",
        "Find",
        in_finds,
        10,
        "finds",
    ),
    Command(
        "leave_find",
        ("escape",),
        "Back",
        "End the search, or go back to the folder",
        "End the search, then go back to the folder.",
        "Find",
        finds_unmarked,
        88,
        "finds",
    ),
    Command(
        "refresh",
        ("R",),
        "Refresh",
        "Refresh",
        "List again, or read the settings again.",
        "Find",
        lambda context: context.view in ("objects", "settings"),
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
    Command("view_sync", ("4",), "Sync", "View: Sync", "The folders that are kept in step with buckets.", "Find"),
)
"""Commands that find, filter and switch views, in the order of the help."""

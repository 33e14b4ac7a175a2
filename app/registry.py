"""One registry of everything a person can do: bindings, key line, palette, help panel and README come from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from textual.binding import Binding

from app.commands import Command, Owner
from app.context import (
    Context,
    always,
    can,
    chosen,
    chosen_writable,
    filtering,
    in_folder,
    in_objects,
    in_settings,
    in_transfers,
    on_row,
    pastable,
    restorable,
    undoable,
    with_bucket,
    with_marks,
    with_rows,
    writable,
)


def _move(name: str, keys: tuple[str, ...], text: str) -> Command:
    return Command(name, keys, "", text, text + ".", "Move", with_rows, owner="tree", in_palette=False)


def _transfer(name: str, keys: tuple[str, ...], label: str, title: str, action: str, priority: int) -> Command:
    return Command(name, keys, label, title, title + ".", "Transfers", can(name), priority, "transfers", action)


COMMANDS: Final[tuple[Command, ...]] = (
    _move("cursor_up", ("up", "k"), "One row up"),
    _move("cursor_down", ("down", "j"), "One row down"),
    _move("cursor_home", ("g", "home"), "To the first row"),
    _move("cursor_end", ("G", "end"), "To the last row"),
    _move("page_up", ("pageup",), "One page up"),
    _move("page_down", ("pagedown",), "One page down"),
    _move("half_up", ("ctrl+u",), "Half a page up"),
    _move("half_down", ("ctrl+d",), "Half a page down"),
    _move("open_folder", ("right", "l"), "Open the folder in place"),
    _move("close_folder", ("left", "h"), "Close the folder, then go to the row of its parent"),
    _move("parent", ("shift+left",), "To the row of the parent folder"),
    _move("choose", ("enter",), "Go into the folder, or open the object's details"),
    Command(
        "up",
        ("backspace",),
        "Up",
        "Go up one folder",
        "Go up one folder.",
        "Move",
        in_folder,
        0,
    ),
    Command(
        "toggle_mark", ("space",), "Mark", "Mark the row", "Mark the row and go down.", "Mark", with_rows, 60, "tree"
    ),
    Command(
        "range",
        ("v",),
        "Range",
        "Mark a range",
        "Start a range; v again, or space, ends it.",
        "Mark",
        with_rows,
        0,
        "tree",
    ),
    Command("mark_all", ("a",), "All", "Mark all rows", "Mark all rows that are shown.", "Mark", with_rows, 0, "tree"),
    Command("unmark", ("escape",), "None", "Unmark everything", "Unmark everything.", "Mark", with_marks, 55, "tree"),
    Command(
        "mark_glob",
        ("plus",),
        "Mark…",
        "Mark by pattern",
        "Mark what matches a pattern such as *.jpg.",
        "Mark",
        with_rows,
    ),
    Command(
        "unmark_glob", ("minus",), "Unmark…", "Unmark by pattern", "Unmark what matches a pattern.", "Mark", with_marks
    ),
    Command(
        "mark_invert",
        ("asterisk",),
        "Invert",
        "Invert the marks",
        "Mark what is not marked, and the other way round.",
        "Mark",
        with_rows,
    ),
    Command(
        "upload",
        ("u",),
        "Upload",
        "Upload files",
        "Choose local files and upload them into the cursor's folder.",
        "Act",
        writable,
        100,
    ),
    Command(
        "upload_folder",
        ("U",),
        "Upload folder",
        "Upload a folder",
        "Choose a local folder and upload all that is in it.",
        "Act",
        writable,
    ),
    Command(
        "download",
        ("d",),
        "Download",
        "Download",
        "Download what is marked, or the cursor's row, to the last folder.",
        "Act",
        chosen,
        95,
        short="Down",
    ),
    Command(
        "download_to",
        ("D",),
        "Download to",
        "Download to…",
        "Download to a folder that you choose.",
        "Act",
        chosen,
    ),
    Command(
        "new_folder",
        ("n", "f7"),
        "New folder",
        "New folder",
        "Create a folder in the cursor's folder.",
        "Act",
        writable,
        85,
        short="Folder",
    ),
    Command(
        "delete",
        ("X", "delete", "f8"),
        "Delete",
        "Delete",
        "Delete what is marked, or the cursor's row; it asks first.",
        "Act",
        chosen_writable,
        90,
    ),
    Command(
        "take_copy",
        ("y",),
        "Copy",
        "Copy",
        "Remember what is marked, or the cursor's row, to copy it.",
        "Act",
        chosen,
        66,
    ),
    Command(
        "take_cut",
        ("x",),
        "Cut",
        "Cut",
        "Remember what is marked, or the cursor's row, to move it.",
        "Act",
        chosen_writable,
        64,
    ),
    Command(
        "paste",
        ("p",),
        "Paste",
        "Paste",
        "Copy or move what was remembered into the cursor's folder, also from another bucket.",
        "Act",
        pastable,
        98,
    ),
    Command(
        "move_to",
        ("m", "f6"),
        "Move",
        "Move to…",
        "Move what is marked, or the cursor's row, to a folder that you choose.",
        "Act",
        chosen_writable,
        86,
    ),
    Command(
        "copy_to",
        ("f5",),
        "Copy to",
        "Copy to…",
        "Copy what is marked, or the cursor's row, to a folder that you choose.",
        "Act",
        chosen,
    ),
    Command(
        "rename",
        ("r", "f2"),
        "Rename",
        "Rename",
        "Edit the name of the cursor's row in its place.",
        "Act",
        on_row,
        62,
    ),
    Command(
        "undo",
        ("z",),
        "Undo",
        "Undo the last delete, move or rename",
        "Undo the last delete, move or rename of this session.",
        "Act",
        undoable,
        84,
    ),
    Command(
        "toggle_past",
        ("V",),
        "Deleted",
        "Show or hide deleted objects and older generations",
        "Show deleted objects and older generations among the others, or hide them.",
        "Act",
        in_objects,
        12,
    ),
    Command(
        "restore",
        ("ctrl+r",),
        "Restore",
        "Restore",
        "Restore deleted objects or older generations, or what was deleted below a folder.",
        "Act",
        restorable,
        97,
    ),
    Command(
        "edit",
        ("e",),
        "Edit",
        "Edit the metadata…",
        "Edit content type, cache control, metadata, class and holds of the chosen objects.",
        "Act",
        chosen_writable,
    ),
    Command("copy_url", ("Y",), "Copy URL", "Copy the gs:// URL", "Copy the gs:// URL of the row.", "Act", chosen),
    Command(
        "details",
        ("i",),
        "Details",
        "Show or hide the details",
        "Show or hide the details of the row.",
        "Act",
        in_objects,
        40,
    ),
    Command("sort", ("comma",), "Sort", "Sort by…", "Sort by name, size, time or type.", "Act", with_rows),
    _transfer("cancel", ("X", "delete", "f8"), "Cancel", "Cancel the transfer", "cancel_or_dismiss", 90),
    _transfer("dismiss", ("X", "delete", "f8"), "Dismiss", "Take it off the list", "cancel_or_dismiss", 90),
    _transfer("pause", ("full_stop",), "Pause", "Pause the transfer", "pause_or_resume", 95),
    _transfer("resume", ("full_stop",), "Resume", "Resume the transfer", "pause_or_resume", 95),
    _transfer("retry", ("R",), "Retry", "Try what failed again", "retry", 100),
    _transfer("decide", ("enter",), "Decide", "Decide what happens to targets that exist", "choose", 100),
    Command(
        "clear_ended",
        (),
        "Clear",
        "Dismiss all ended transfers",
        "Take all that has ended off the list.",
        "Transfers",
        in_transfers,
    ),
    Command(
        "copy",
        ("c",),
        "Copy",
        "Copy the value",
        "Copy the value of the focused line, in the settings and the details.",
        "Act",
        in_settings,
        80,
        "facts",
        in_palette=False,
    ),
    Command(
        "change",
        ("e",),
        "Change",
        "Change the setting",
        "Change the setting under the cursor.",
        "Buckets",
        in_settings,
        90,
        "facts",
        in_palette=False,
    ),
    Command(
        "add_rule",
        (),
        "Add rule",
        "Add a lifecycle rule…",
        "Have Google delete objects, or move them to colder classes, by a rule.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "remove_rule",
        ("X", "delete", "f8"),
        "Remove rule",
        "Remove the lifecycle rule",
        "Remove the lifecycle rule under the cursor.",
        "Buckets",
        in_settings,
        0,
        "facts",
        in_palette=False,
    ),
    Command(
        "access",
        ("A",),
        "Access",
        "Who may do what…",
        "See who may do what with the bucket, give roles and take them.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "code",
        ("C",),
        "Code",
        "Use from code…",
        "Ready code for the cursor's row or the bucket, copied by one key.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "delete_bucket",
        (),
        "Delete bucket",
        "Delete this bucket…",
        "Delete the bucket and everything in it; you type its name.",
        "Buckets",
        with_bucket,
    ),
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
    Command(
        "buckets",
        ("b",),
        "Buckets",
        "Choose a bucket",
        "Choose, create or add a bucket, or switch the connection.",
        "Buckets",
        always,
        45,
    ),
    Command("create_bucket", (), "New bucket", "Create a new bucket", "Create a new bucket.", "Buckets"),
    Command("add_bucket", (), "Add bucket", "Add an existing bucket", "Add a bucket by its name.", "Buckets"),
    Command(
        "remove_bucket",
        (),
        "Remove",
        "Remove this bucket from the workspace",
        "Take the bucket off the list; its data stays.",
        "Buckets",
        with_bucket,
    ),
    Command(
        "switch_connection",
        (),
        "Connection",
        "Switch the connection",
        "Choose credentials, a project, an endpoint or the local store.",
        "Buckets",
    ),
    Command("view_objects", ("1",), "Objects", "View: Objects", "The objects of the bucket.", "Find"),
    Command("view_settings", ("2",), "Settings", "View: Settings", "The settings of the bucket.", "Find", with_bucket),
    Command(
        "view_transfers", ("3", "w"), "Transfers", "View: Transfers", "What is moving, waiting, failed or done.", "Find"
    ),
    Command(
        "theme", (), "Theme", "Switch between dark and light", "Switch between the dark and the light theme.", "Pail"
    ),
    Command("help", ("question_mark", "f1"), "Help", "Help", "This list.", "Pail", always, 48),
    Command("quit", ("q", "f10"), "Quit", "Quit", "Leave; transfers go on in the background.", "Pail", always, 5),
)
"""Every command, in the order of the help."""


def command(identifier: str) -> Command:
    """Return the command with this id; raises `KeyError`."""
    return _BY_ID[identifier]


_BY_ID: Final = {entry.id: entry for entry in COMMANDS}


def applying(context: Context) -> Iterator[Command]:
    """Yield the commands that make sense now, in the order of the registry."""
    return (entry for entry in COMMANDS if entry.applies(context))


def key_line(context: Context) -> list[Command]:
    """Return the commands of the key line, the most useful first."""
    shown = (entry for entry in applying(context) if entry.priority and entry.keys)
    return sorted(shown, key=lambda entry: -entry.priority)


def bindings(owner: Owner, entries: Iterable[Command] = COMMANDS) -> list[Binding]:
    """Return Textual's bindings for the commands that `owner` binds; each runs the action `command(id)`."""
    return [
        Binding(key, f"command('{entry.id}')", entry.title, show=False, id=f"{entry.id}.{key}")
        for entry in entries
        if entry.owner == owner
        for key in entry.keys
    ]

"""Commands on buckets, their settings and the connection."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import always, in_settings, with_bucket

COMMANDS: Final[tuple[Command, ...]] = (
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
)
"""Commands on buckets, their settings and the connection, in the order of the help."""

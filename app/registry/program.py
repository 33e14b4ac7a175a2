"""Commands on the program itself."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import always, doing, greeting

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "theme", (), "Theme", "Choose a theme…", "Choose a theme; each is shown as the cursor moves over it.", "Pail"
    ),
    Command(
        "greeted",
        ("escape",),
        "Hide the hint",
        "Hide the line for newcomers",
        "Hide the line for newcomers, for good.",
        "Pail",
        greeting,
        in_palette=False,
    ),
    Command(
        "preferences",
        (),
        "Preferences",
        "Settings of Pail…",
        "See every setting of Pail, and change it in config.toml.",
        "Pail",
    ),
    Command(
        "as_command",
        ("dollar_sign",),
        "As command",
        "Show as gcloud…",
        "Show the command of gcloud, and of pail, for what was done last.",
        "Pail",
        doing,
    ),
    Command("help", ("question_mark", "f1"), "Help", "Help", "This list.", "Pail", always, 48),
    Command("quit", ("q", "f10"), "Quit", "Quit", "Leave; transfers go on in the background.", "Pail", always, 5),
)
"""Commands on the program itself, in the order of the help."""

"""Commands on the program itself."""

from __future__ import annotations

from typing import Final

from app.commands import Command
from app.context import always

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "theme", (), "Theme", "Choose a theme…", "Choose a theme; each is shown as the cursor moves over it.", "Pail"
    ),
    Command("help", ("question_mark", "f1"), "Help", "Help", "This list.", "Pail", always, 48),
    Command("quit", ("q", "f10"), "Quit", "Quit", "Leave; transfers go on in the background.", "Pail", always, 5),
)
"""Commands on the program itself, in the order of the help."""

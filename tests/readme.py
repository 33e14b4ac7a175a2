"""Writes the parts of the documents that the code knows best: `python -m tests.readme`."""

from __future__ import annotations

import re
from pathlib import Path

from app.cli.commands import COMMANDS as SUB_COMMANDS
from app.commands import GROUPS, shown_key
from app.registry import COMMANDS
from app.themes import LOOKS
from app.themes.colours import NAMES
from services.config.showing import documented
from tests.screen_page import PAGE, page

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "config.md"


def keys() -> str:
    """Return the table of keys, group by group, from the registry of commands."""
    rows = ["| key | does |", "|---|---|"]
    for group in GROUPS:
        for entry in COMMANDS:
            if entry.group == group and entry.keys:
                # A bar or a backtick would end the cell or the code span that it stands in.
                shown = " ".join(f"`{shown_key(key)}`" if key != "grave_accent" else "`` ` ``" for key in entry.keys)
                rows.append(f"| {shown.replace('|', chr(92) + '|')} | {entry.help.rstrip('.')} |")
    return "\n".join(rows)


def commands() -> str:
    """Return the table of sub-commands from their parsers."""
    rows = [f"| `pail {name}` | {command.summary} |" for name, command in SUB_COMMANDS.items()]
    return "\n".join(["| command | does |", "|---|---|", *rows])


PARTS = {"keys": keys, "commands": commands}
"""The generated parts by the name in their markers."""


def settings() -> str:
    """Return the page of the settings, from their schema."""
    return f"""# The settings

`pail config path` tells where `config.toml` lies, `pail config show` what is in force and from which line it came,
`pail config edit` opens it in your editor. A mistake is named with its line; the screen then starts with the defaults
and says so, a command stops. Written by `python -m tests.readme`; a test keeps it current.

```toml
{documented().rstrip()}
```

## Themes

Pail brings {", ".join(f"`{look.name}`" for look in LOOKS)}; the command "Choose a theme" shows each as the cursor
moves over it. A theme of your own is a file `themes/NAME.toml` beside `config.toml`, with a `base` and any of
{", ".join(f"`{name}`" for name in NAMES)}; colours are `"#rrggbb"`, or the terminal's own as `"ansi_bright_blue"`.
"""


def written(text: str) -> str:
    """Return the README's text with every generated part made anew."""
    for name, make in PARTS.items():
        # A function as the replacement: the tables hold backslashes, which a template would read as escapes.
        part = f"<!-- generated: {name} -->\n{make()}\n<!-- end -->"
        pattern = rf"<!-- generated: {name} -->\n.*?<!-- end -->"
        text, count = re.subn(pattern, lambda _found, part=part: part, text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"README.md has no place for {name}")
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SETTINGS.write_text(settings(), encoding="utf-8")
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")

"""`pail config`: where the settings are, which are in force, and an editor on them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from app.cli.context import Context
from services import config
from services.config import KeySettings, Reading
from services.config.showing import Effective, documented, effective, written
from services.errors import ExitCode, LocalFileError, UsageError
from services.names import display_name
from services.paths import PRIVATE_FILE_MODE
from services.programs import EDITORS, FALLBACK_EDITOR, command_line, program


def run(context: Context) -> int:
    """Do what the word says."""
    return {"path": _path, "show": _show, "edit": _edit}[context.args.action](context)


def _path(context: Context) -> int:
    path = config.config_file()
    if context.output.json:
        context.output.record("config", path=str(path), exists=path.exists())
    else:
        context.output.line(context.output.name(str(path)))
    return ExitCode.OK


def _show(context: Context) -> int:
    output = context.output
    entries = list(effective(checked()))
    if output.json:
        for entry in entries:
            output.record("setting", key=entry.key, value=entry.value, default=entry.default, origin=entry.origin)
        return ExitCode.OK
    output.line(f"# {display_name(str(config.config_file()))}")
    tables: dict[str, list[tuple[str, Effective]]] = {}
    for entry in entries:
        table, _, name = entry.key.partition(".")
        tables.setdefault(table, []).append((f"{name} = {written(entry.value)}", entry))
    for table, lines in tables.items():
        output.line(f"\n[{table}]")
        width = max(len(text) for text, _ in lines)
        for text, entry in lines:
            output.line(f"{display_name(text):{width}}  # {entry.origin}: {entry.meaning}")
    return ExitCode.OK


def _edit(context: Context) -> int:
    """Open the file in the person's editor, made with every setting explained where there is none, and check it."""
    path = config.config_file()
    words = program(EDITORS, FALLBACK_EDITOR, os.environ)
    if not path.exists():
        _begin(path)
    try:
        done = subprocess.run(command_line(words, path), check=False)
    except OSError as error:
        raise UsageError(
            f"cannot run the editor {display_name(words[0])}: {error.strerror}",
            remedy=f"Set EDITOR to one that is installed, or open {display_name(str(path))} yourself.",
        ) from error
    if done.returncode:
        raise UsageError(f"the editor ended with {done.returncode}", remedy="The settings stay as they were saved.")
    checked()
    context.output.message(f"Saved {display_name(str(path))}; a screen that is open takes it at its next start.")
    return ExitCode.OK


def checked() -> Reading:
    """Return the settings; raises as `config.load` does, and for keys and themes that the screen would refuse."""
    reading = config.read()
    # Textual's part is loaded only where keys were changed or themes were made.
    if reading.config.keys != KeySettings():
        from app.registry.keymap import arrange

        arrange(reading.config.keys)
    if (config.config_file().parent / config.THEMES_FOLDER).is_dir():
        from app.themes.files import own_looks

        for problem in own_looks().problems:
            raise problem
    return reading


def _begin(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE), "w") as file:
            file.write(documented())
    except FileExistsError:
        return
    except OSError as error:
        raise LocalFileError(
            f"cannot create {display_name(str(path))}: {error.strerror}", remedy="Check the folder.", url=str(path)
        ) from error

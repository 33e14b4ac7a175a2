"""A systemd user unit that keeps a pair in step from login on: `pail sync … --watch` with a name of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services import paths
from services.names import display_name

KEPT_VARIABLES: Final = (
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "STORAGE_EMULATOR_HOST",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PYTHONPATH",
)
"""Variables that decide what a pair is; they name files and places, and hold no secret (a proxy with a password is
left out)."""

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+~*!?()[]{}<>|&;#^' ")
"""Characters that mean nothing in a quoted word of a unit."""

_NAMEABLE: Final = (_PLAIN | {"%"}) - frozenset("'$")
"""Characters that the path of a program may have in a unit; anything else is left to a shell."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit file."""

    path: Path
    """Where it lies."""
    text: str
    """What it says."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Commands that start it, and that keep it running without a login."""
        return (
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {self.path.name}",
            "loginctl enable-linger    (to have it run without being logged in)",
        )

    @property
    def after_removal(self) -> str:
        """What to do once the file is gone."""
        return f"Stop it: systemctl --user disable --now {self.path.name}; systemctl --user daemon-reload"


def unit_for(
    root: str, url: str, words: Sequence[str], *, program: Sequence[str], environment: Mapping[str, str]
) -> Unit:
    """Return the unit of a pair.

    `program` starts Pail, `words` are further options; `environment` is that of the person who asks for it.  A
    safeguard, wrong usage and missing credentials end it for good: trying again would not help (exit codes 2, 7, 9).
    """
    digest = hashlib.sha256(f"{root}\0{url}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    if not _NAMEABLE.issuperset(program[0]):
        # systemd names no program with such a character in its path, and knows no `$$` there.
        program = ("/bin/sh", "-c", 'exec "$@"', "sh", *program)
    command = (*program, "sync", "--watch", "--json", *words, root, url)
    variables = [
        f"Environment={quoted(f'{name}={environment[name]}', dollar='$')}"
        for name in KEPT_VARIABLES
        if environment.get(name) and "@" not in environment[name].partition("://")[2].partition("/")[0]
    ]
    about = f"Pail keeps {display_name(root)} and {display_name(url)} in step".replace("%", "%%")
    lines = [
        "[Unit]",
        f"Description={about}",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(quoted(word) for word in command)}",
        *variables,
        "Restart=on-failure",
        "RestartSec=30",
        "RestartPreventExitStatus=2 7 9",
        "TimeoutStopSec=15",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    folder = paths.config_dir().parent / "systemd" / "user"
    return Unit(folder / f"pail-sync-{digest}.service", "\n".join(lines))


def quoted(word: str, *, dollar: str = "$$") -> str:
    """Return a word as systemd reads it back unchanged, whatever is in it (systemd.syntax, systemd.service).

    `dollar` stands for `$`, which means something in commands only.
    """
    made = []
    for char in word:
        if char in _PLAIN:
            made.append(char)
        elif char == "%":
            made.append("%%")
        elif char == "$":
            made.append(dollar)
        else:
            made += [f"\\x{byte:02x}" for byte in os.fsencode(char)]
    return f'"{"".join(made)}"'


def write_unit(unit: Unit) -> None:
    """Write the unit; raises `OSError`."""
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    paths.write_private(unit.path, unit.text.encode())


def remove_unit(unit: Unit) -> bool:
    """Delete the unit and tell whether there was one; raises `OSError`."""
    try:
        unit.path.unlink()
    except FileNotFoundError:
        return False
    return True

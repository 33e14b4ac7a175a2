"""What Pail finds on this machine, and the remedy for what is wrong: the checks behind `pail doctor`."""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
import resource
import stat
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from services import __version__
from services.errors import PailError
from services.names import display_name
from services.paths import cache_dir, config_dir, data_dir, state_dir
from services.sync.pairs import PairList
from services.worker.client import status

State = Literal["ok", "note", "problem"]
"""`note` is worth knowing; `problem` keeps something from working."""

GCS_ENDPOINT: Final = "https://storage.googleapis.com"
"""Google's service."""

REACH_TIMEOUT_S: Final = 5.0
"""Seconds that the endpoint gets to answer."""

SKEW_LIMIT_S: Final = 60.0
"""Seconds by which the clock may be off: signed URLs and tokens allow a few minutes."""

DESCRIPTORS_WANTED: Final = 512
"""Open files that busy transfers may need."""

WATCHES_WANTED: Final = 65536
"""Folders that can be watched at once on an ordinary desktop."""

MOST_FOLDERS: Final = 1_000_000
"""Folders of pairs that are counted at the most."""

LIBRARIES: Final = ("google-cloud-storage", "google-auth", "google-crc32c", "textual")
"""Packages whose versions matter in a report."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    area: str
    """Such as `terminal`."""
    name: str
    """What was looked at."""
    state: State
    """How it is."""
    detail: str
    """What was found, in words that are safe to show."""
    remedy: str = ""
    """What to do about it."""


def check_platform() -> list[Check]:
    """Return versions of everything that matters."""
    libraries = []
    for library in LIBRARIES:
        try:
            libraries.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            libraries.append(f"{library} missing")
    missing = any(text.endswith(" missing") for text in libraries)
    return [
        Check("system", "pail", "ok", f"{__version__} on Python {platform.python_version()}, {sys.executable}"),
        Check("system", "platform", "ok", platform.platform()),
        Check(
            "system",
            "libraries",
            "problem" if missing else "ok",
            ", ".join(libraries),
            "Install Pail again: pipx reinstall pail-tui" if missing else "",
        ),
    ]


def check_limits(
    inotify: Path = Path("/proc/sys/fs/inotify/max_user_watches"), state: Path | None = None
) -> list[Check]:
    """Return the limits that large jobs meet, and pairs of sync with many folders."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    enough = unlimited or soft >= DESCRIPTORS_WANTED
    checks = [
        Check(
            "limits",
            "open files",
            "ok" if enough else "note",
            "unlimited" if unlimited else str(soft),
            "" if enough else f"Raise it: ulimit -n {DESCRIPTORS_WANTED * 8}",
        )
    ]
    try:
        watches = int(inotify.read_text())
    except (OSError, ValueError):
        # Other systems than Linux have no such limit.
        return checks
    folders = _synced_folders(state or state_dir())
    enough = watches >= max(WATCHES_WANTED, 2 * folders)
    remedy = "" if enough else f"Raise it: sudo sysctl fs.inotify.max_user_watches={max(524_288, 4 * folders)}"
    needed = f", {folders:,} in your pairs of sync" if folders else ""
    if folders > watches:
        remedy = f"Sync looks through folders instead, which is slower. {remedy}"
    checks.append(
        Check("limits", "watched folders", "ok" if enough else "note", f"{watches} (inotify){needed}", remedy)
    )
    return checks


def _synced_folders(state: Path) -> int:
    """Return how many folders the pairs of the list have, as far as they can be read; blocks."""
    try:
        roots = [kept.pair.root for kept in PairList.of(state).load()]
    except PailError:
        return 0
    walks = itertools.chain.from_iterable(os.walk(root) for root in roots)
    return sum(1 for _ in itertools.islice(walks, MOST_FOLDERS))


def check_folders() -> list[Check]:
    """Return whether Pail's own folders can be used and are private."""
    named = (("state", state_dir()), ("config", config_dir()), ("data", data_dir()), ("cache", cache_dir()))
    return [_check_folder(name, folder) for name, folder in named]


def _check_folder(name: str, folder: Path) -> Check:
    shown = display_name(str(folder))
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return _check_absent(name, folder)
    except OSError as error:
        return Check("folders", name, "problem", f"{shown}: {error.strerror}", "Check the permissions above it.")
    if not stat.S_ISDIR(found.st_mode):
        return Check("folders", name, "problem", f"{shown} is not a folder", f"Move it away: mv {shown} {shown}.old")
    if found.st_uid != os.getuid():
        return Check(
            "folders", name, "problem", f"{shown} belongs to another user", "Remove it, or set XDG_* elsewhere."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check("folders", name, "problem", f"{shown} cannot be written", f"chmod 700 {shown}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077 and name != "cache":
        return Check(
            "folders", name, "note", f"{shown} has mode {mode:o}", f"It is narrowed when used; or: chmod 700 {shown}"
        )
    return Check("folders", name, "ok", shown)


def _check_absent(name: str, folder: Path) -> Check:
    shown = display_name(str(folder))
    parent = folder
    while not parent.exists():
        parent = parent.parent
    if os.access(parent, os.W_OK | os.X_OK):
        return Check("folders", name, "ok", f"{shown} (made when it is needed)")
    return Check(
        "folders",
        name,
        "problem",
        f"{shown} cannot be made: {display_name(str(parent))} cannot be written",
        "Change its permissions, or set the XDG_* variable to another place.",
    )


async def check_endpoint(endpoint: str) -> list[Check]:
    """Return whether the endpoint answers, and how far this machine's clock is from its own."""
    shown = display_name(endpoint)
    started = time.time()
    try:
        date = await asyncio.to_thread(_server_date, endpoint)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return [
            Check(
                "network",
                "endpoint",
                "problem",
                f"{shown} does not answer: {display_name(str(reason))}",
                "Check the line, and HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.",
            )
        ]
    took = time.time() - started
    checks = [Check("network", "endpoint", "ok", f"{shown} answers in {took * 1000:.0f} ms")]
    if date is not None:
        # The header has whole seconds, and was written about half-way between asking and hearing.
        skew = started + took / 2 - (date + 0.5)
        fine = abs(skew) <= SKEW_LIMIT_S
        detail = (
            "agrees with the server" if fine else f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the server"
        )
        remedy = "" if fine else "Set the clock: sudo timedatectl set-ntp true (macOS: sudo sntp -sS time.apple.com)"
        checks.append(Check("network", "clock", "ok" if fine else "problem", detail, remedy))
    return checks


def _server_date(endpoint: str) -> float | None:
    """Return what the server says the time is; any answer at all will do, also an error."""
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError("not an http address")
    headers = {"User-Agent": f"pail/{__version__}"}
    request = urllib.request.Request(endpoint, method="HEAD", headers=headers)  # noqa: S310 - the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=REACH_TIMEOUT_S) as answer:  # noqa: S310 - the same
            text = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        text = error.headers.get("Date")
        error.close()
    return parsedate_to_datetime(text).timestamp() if text else None


async def check_worker() -> list[Check]:
    """Return whether the worker runs, and whether unfinished work waits for one."""
    try:
        found = await status()
    except PailError as error:
        return [Check("worker", "worker", "problem", error.message, error.remedy)]
    if found.running:
        version = found.version == __version__
        detail = f"process {found.pid}, version {found.version}, {found.jobs} unfinished jobs"
        remedy = "" if version else "It is replaced by itself; or: pail worker stop"
        return [Check("worker", "worker", "ok" if version else "note", detail, remedy)]
    if found.jobs:
        detail = f"not running, {found.jobs} unfinished jobs"
        return [Check("worker", "worker", "note", detail, "Go on with them: pail transfers")]
    return [Check("worker", "worker", "ok", "not running, nothing to do")]

"""`pail doctor`: says what was found, and how to mend what is wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import asdict
from typing import Final

from app.cli.config import checked
from app.cli.context import Context, connection_options
from app.cli.output import Output
from app.cli.runtime import run_async
from services import doctor
from services.config import config_file
from services.connection import Connection
from services.credentials import Rung, find_connection
from services.doctor import Check, State
from services.errors import ExitCode, Forbidden, NotAuthenticated, PailError, Rejected
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.leftovers import find_leftovers, remedy
from services.names import display_name
from services.terminal_checks import check_terminal
from widgets import formats

MARKS: Final[dict[State, str]] = {"ok": "ok", "note": "note", "problem": "PROBLEM"}
"""How a check came out, told apart without colours."""

BUCKETS_LOOKED_AT: Final = 20
"""Buckets that are searched for parts of uploads: each is a request."""

_OPEN_BY_NAME: Final = "That is normal for many accounts: open a bucket by its name."


def run(context: Context) -> int:
    """Look at everything and print it."""
    return run_async(_examine(context))


async def _examine(context: Context) -> int:
    report = _Report(context.output)
    report.add(doctor.check_platform())
    is_terminal = sys.stdout.isatty()
    encoding = sys.stdout.encoding or "unknown"
    report.add(check_terminal(os.environ, is_terminal=is_terminal, encoding=encoding))
    report.add([_check_settings()])
    report.add(doctor.check_limits())
    report.add(doctor.check_folders())
    report.add(await doctor.check_worker())
    code = await _examine_storage(context, report)
    if code == ExitCode.OK and report.problems:
        code = ExitCode.FAILED
    if not context.output.json:
        context.output.flush()
        context.output.message(
            f"{formats.count(report.problems, 'problem')} to mend." if report.problems else "Everything works."
        )
    return code


def _check_settings() -> Check:
    """Tell what is wrong with `config.toml`, its keys, or a theme of one's own."""
    shown = display_name(str(config_file()))
    try:
        checked()
    except PailError as error:
        return Check("settings", "config.toml", "problem", error.message, error.remedy)
    detail = shown if config_file().exists() else f"none at {shown}; all defaults"
    return Check("settings", "config.toml", "ok", detail)


async def _examine_storage(context: Context, report: _Report) -> ExitCode:
    """Climb the ladder, reach the endpoint and ask it something."""
    rungs: dict[str, Rung] = {}
    try:
        connection = await find_connection(
            connection_options(context), report=lambda rung: rungs.update({rung.key: rung})
        )
    except PailError as error:
        report.add([_of_rung(rung) for rung in rungs.values()])
        report.add([Check("credentials", "connection", "problem", error.message, error.remedy)])
        return error.exit_code
    report.add([_of_rung(rung) for rung in rungs.values()])
    project = display_name(connection.project) if connection.project else "none"
    remedy = "" if connection.project else "Name it with --project to list or create buckets."
    if connection.is_local:
        report.add(await doctor.check_endpoint(connection.endpoint))
    else:
        state: State = "ok" if connection.project else "note"
        report.add([Check("credentials", "project", state, project, remedy)])
        report.add(await doctor.check_endpoint(connection.endpoint or doctor.GCS_ENDPOINT))
    return await _try_storage(connection, report)


async def _try_storage(connection: Connection, report: _Report) -> ExitCode:
    """Open the connection and list one page of buckets: being refused that is normal, anything else is not."""
    label = display_name(connection.label)
    try:
        async with await open_storage(connection) as storage:
            found = await _list(storage)
            left = await _leftovers(storage)
    except NotAuthenticated as error:
        report.add([Check("storage", "access", "problem", error.message, error.remedy)])
        return ExitCode.NOT_ALLOWED
    except PailError as error:
        report.add([Check("storage", "access", "problem", error.message, error.remedy)])
        return ExitCode.FAILED
    report.add([found if found is not None else Check("storage", "access", "ok", f"{label} answers and lists buckets")])
    report.add(left)
    return ExitCode.OK


async def _list(storage: Storage) -> Check | None:
    """Return what keeps buckets from being listed, if that is no fault: a bucket can be opened by its name."""
    try:
        await storage.control.list_buckets()
    except (Forbidden, Rejected) as error:
        return Check("storage", "access", "note", f"buckets cannot be listed: {error.message}", _OPEN_BY_NAME)
    return None


async def _leftovers(storage: Storage) -> list[Check]:
    """Return buckets in which parts of uploads were left, among the first few; what cannot be looked at is left out."""
    checks: list[Check] = []
    try:
        buckets = (await storage.control.list_buckets()).buckets[:BUCKETS_LOOKED_AT]
    except PailError:
        return checks
    for bucket in buckets:
        with contextlib.suppress(PailError):
            left = await find_leftovers(storage.data, bucket.name, time.time())
            if left.objects:
                what = f"{formats.count(left.objects, 'part')} of uploads that were given up, {formats.size(left.size)}"
                where = display_name(f"gs://{bucket.name}")
                checks.append(
                    Check("storage", "parts", "note", f"{what}, in {where}", display_name(remedy(bucket.name)))
                )
    return checks


def _of_rung(rung: Rung) -> Check:
    """Return a rung of the ladder; one that does not hold is no problem while another does."""
    state: State = "ok" if rung.state in ("yes", "skipped") else "note"
    said = {"yes": "used", "no": "nothing", "skipped": "not tried", "trying": "no answer"}[rung.state]
    return Check("credentials", rung.title, state, f"{said}: {rung.detail}" if rung.detail else said, rung.remedy)


class _Report:
    """Prints checks as they come, grouped by area."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._area = ""
        self.problems = 0
        """How many of them are problems."""

    def add(self, checks: list[Check]) -> None:
        """Print checks."""
        output = self._output
        for check in checks:
            self.problems += check.state == "problem"
            if output.json:
                output.record("check", **asdict(check))
                continue
            if check.area != self._area:
                output.line(check.area)
                self._area = check.area
            output.line(f"  {MARKS[check.state]:8} {check.name}: {check.detail}")
            if check.remedy and check.state != "ok":
                output.line(f"  {'':8} {check.remedy}")
        output.flush()

"""Runs the coroutine of a command, and what ctrl+c, SIGTERM and SIGHUP do to it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final

from app.cli.output import write_error
from services.errors import ExitCode, Interrupted

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command: the first one in order, the second one at once (hazards 50 and 53)."""


def run_async(coroutine: Coroutine[Any, Any, int], *, hint: str = "") -> int:
    """Run `coroutine` to its end and return its exit code.

    The first signal cancels it, so that it closes what it has open, and `Interrupted` is raised with `hint` as its
    remedy; a second signal ends the process at once: everything that matters is journalled before it is done.
    """
    # What the services log is for the worker's log file; here the command's own messages say it.
    logging.getLogger().addHandler(logging.NullHandler())
    runner = asyncio.Runner()
    loop = runner.get_loop()
    task = loop.create_task(coroutine)
    interrupted = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            write_error("\n")
            os._exit(ExitCode.INTERRUPTED)
        interrupted = True
        loop.call_soon_threadsafe(task.cancel)

    before = [(number, signal.signal(number, on_signal)) for number in SIGNALS if _is_heeded(number)]
    try:
        code = loop.run_until_complete(task)
    except asyncio.CancelledError:
        # The runner stays open: closing it would wait for threads that may wait for a pipe for ever.
        raise Interrupted("interrupted", remedy=hint) from None
    except BaseException:
        runner.close()
        raise
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    runner.close()
    return code


def _is_heeded(number: signal.Signals) -> bool:
    """Tell whether the parent left this signal on: `nohup` and background jobs ignore some on purpose."""
    return signal.getsignal(number) is not signal.SIG_IGN

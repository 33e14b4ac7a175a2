"""Questions at a terminal; without one, and without `--yes`, nothing is done."""

from __future__ import annotations

import asyncio
import os
import sys

from app.cli.context import Context
from app.cli.output import write_error
from services.errors import NeedsConfirmation


async def confirm(context: Context, question: str, *, url: str = "") -> None:
    """Return where a person or `--yes` agrees.

    Raises `NeedsConfirmation` where nobody can be asked, or the answer is no.
    """
    if context.args.yes:
        return
    _need_terminal(question, url)
    answer = await ask(f"{question} [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise NeedsConfirmation("not confirmed: nothing was done", url=url)


async def confirm_by_name(context: Context, question: str, name: str, *, url: str = "") -> None:
    """Return where `--yes` agrees or a person types `name`; raises like `confirm`."""
    if context.args.yes:
        return
    _need_terminal(question, url)
    answer = await ask(f"{question}\nType {name} to go on: ")
    if answer.strip() != name:
        raise NeedsConfirmation("that is not its name: nothing was done", url=url)


def can_ask() -> bool:
    """Tell whether there is a person at a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _need_terminal(question: str, url: str) -> None:
    if not can_ask():
        first = question.splitlines()[0].rstrip("?")
        raise NeedsConfirmation(f"nobody is there to confirm: {first}", url=url)


async def ask(prompt: str) -> str:
    """Return a line from the terminal without blocking the loop, so that ctrl+c ends it; "" at its end."""
    write_error(prompt)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def on_input() -> None:
        if not answer.done():
            answer.set_result(os.read(descriptor, 4096))

    loop.add_reader(descriptor, on_input)
    try:
        return (await answer).decode("utf-8", "replace").rstrip("\n")
    finally:
        loop.remove_reader(descriptor)

"""Several URLs in one command: each is tried, each failure is named, and the exit code says which way it went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from app.cli.context import Context
from app.cli.output import Output, report
from services.errors import ExitCode, NotFound, PailError, UsageError


def check_generation(context: Context, urls: list[str]) -> None:
    """Raise `UsageError` where one generation is asked for and several things are named."""
    if context.args.generation is not None and len(urls) != 1:
        raise UsageError("--generation goes with exactly one object", remedy="Name one object.")


async def for_each(output: Output, urls: Sequence[str], act: Callable[[str], Awaitable[None]]) -> int:
    """Run `act` on each URL in order and return the exit code.

    A single URL's failure is raised.  Of several, what is not found is reported and the rest goes on; any other
    failure would meet the rest as well and ends the command.  If some worked the code is that of "some failed"; if
    none did, and all for the same reason, it is the code of that reason.
    """
    if len(urls) == 1:
        await act(urls[0])
        return ExitCode.OK
    codes: list[ExitCode] = []
    for url in urls:
        try:
            await act(url)
        except NotFound as error:
            output.flush()
            report(error, json_records=output.json, verbose=output.verbose)
            codes.append(error.exit_code)
    return exit_code(codes, total=len(urls))


def exit_code(codes: Sequence[ExitCode], *, total: int) -> ExitCode:
    """Return the exit code of `total` items of which those with `codes` failed."""
    if not codes:
        return ExitCode.OK
    return codes[0] if len(codes) == total and len(set(codes)) == 1 else ExitCode.SOME_FAILED


def error_for(reason: str, message: str, remedy: str, url: str) -> PailError:
    """Rebuild the error that an engine reported by its stable word, so that it has the right exit code."""
    return _by_reason().get(reason, PailError)(message, remedy=remedy, url=url)


def _by_reason() -> dict[str, type[PailError]]:
    """Return every kind of error by its stable word."""
    found: dict[str, type[PailError]] = {}
    waiting: list[type[PailError]] = [PailError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.reason, kind)
        waiting += kind.__subclasses__()
    return found

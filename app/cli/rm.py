"""`pail rm`: deletes objects, each at the generation that was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.cli.confirm import confirm
from app.cli.context import Context
from app.cli.jobs import RESUME_HINT, open_workplace, run_job
from app.cli.output import report
from app.cli.runtime import run_async
from app.cli.several import check_generation, exit_code
from services.errors import ExitCode, NotFound
from services.gcs.interface import Storage
from services.globs import has_glob
from services.names import display_name, parse_gs_url
from services.transfer.messages import JobItem, JobSpec
from services.transfer.resolve import action_for, resolve
from widgets import formats


def run(context: Context) -> int:
    """Delete what the URLs name."""
    check_generation(context, context.args.urls)
    action_for("delete", context.args.urls)
    return run_async(_remove(context), hint=RESUME_HINT)


@dataclass(slots=True)
class _Chosen:
    """What is to go, and what has to be asked first."""

    items: list[JobItem] = field(default_factory=list)
    """Objects and prefixes."""
    questions: list[str] = field(default_factory=list)
    """What a glob or a whole bucket amounts to, in words."""
    missing: list[ExitCode] = field(default_factory=list)
    """Codes of those that do not exist."""


async def _remove(context: Context) -> int:
    args = context.args
    chosen = _Chosen()
    async with open_workplace(context) as place:
        for url in args.urls:
            try:
                await _choose(context, place.storage, url, chosen)
            except NotFound as error:
                if len(args.urls) == 1:
                    raise
                report(error, json_records=context.output.json, verbose=context.output.verbose)
                chosen.missing.append(error.exit_code)
        if chosen.questions and not args.dry_run:
            await confirm(context, f"Delete {' and '.join(chosen.questions)}?", url=args.urls[0])
        if not chosen.items:
            return exit_code(chosen.missing, total=len(args.urls))
        items, excludes = tuple(chosen.items), tuple(args.exclude)
        spec = JobSpec("delete", place.connection, items, excludes=excludes, dry_run=args.dry_run, origin="pail rm")
        code = await run_job(context, spec, place)
    return ExitCode.SOME_FAILED if chosen.missing else code


async def _choose(context: Context, storage: Storage, text: str, chosen: _Chosen) -> None:
    """Add what one URL means, with the question where it is a glob or a whole bucket.

    Raises `NotFound`; `UsageError` for a folder without `-r`.
    """
    args = context.args
    items = await resolve(
        "delete",
        [text],
        storage=storage,
        recursive=args.recursive,
        literal=args.literal,
        generation=args.generation,
    )
    chosen.items += items
    url = parse_gs_url(text)
    if not url.name:
        chosen.questions.append(f"everything in {display_name(text)}")
    elif has_glob(url.name) and any(item.source.removesuffix("/") != text.removesuffix("/") for item in items):
        folders = sum(item.tree for item in items)
        counts = [(len(items) - folders, "object"), (folders, "folder")]
        named = " and ".join(formats.count(number, noun) for number, noun in counts if number)
        chosen.questions.append(f"{named} matching {display_name(text)}")

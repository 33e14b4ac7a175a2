"""What `cp` and `mv` have in common: sources and a target become a job, here or with the worker."""

from __future__ import annotations

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.jobs import open_workplace, run_job
from services.connection import Connection
from services.errors import ExitCode, PailError, UsageError
from services.gcs.interface import Storage
from services.names import is_gs_url, parse_gs_url
from services.transfer.inprocess import configured
from services.transfer.messages import JobSpec, ParallelUploads, Submit
from services.transfer.options import Options
from services.transfer.resolve import Verb, action_for, resolve


def split_paths(context: Context) -> tuple[list[str], str]:
    """Return the sources and the target; raises `UsageError` where one is missing."""
    paths: list[str] = context.args.paths
    if len(paths) < 2:
        raise UsageError("a source and a target are needed", remedy=f"See 'pail {context.command} --help'.")
    return paths[:-1], paths[-1]


async def transfer(context: Context, verb: Verb, *, generation: int | None = None, decompress: bool = False) -> int:
    """Copy or move what the command line names and return the exit code."""
    args = context.args
    sources, target = split_paths(context)
    action = action_for(verb, sources, target)

    async def spec_for(connection: Connection, storage: Storage) -> JobSpec:
        items = await resolve(
            action,
            sources,
            target,
            storage=storage,
            recursive=args.recursive,
            literal=args.literal,
            generation=generation,
        )
        return JobSpec(
            action,
            connection,
            items,
            conflict="skip" if args.no_clobber else "replace",
            excludes=tuple(args.exclude),
            bandwidth_times=args.bandwidth,
            decompress=decompress,
            parallel_uploads=args.parallel_uploads,
            dry_run=args.dry_run,
            origin=f"pail {context.command}",
        )

    if args.detach and not args.dry_run:
        async with open_connection(context) as (connection, storage):
            spec = await spec_for(connection, storage)
        return await _hand_over(context, spec)
    async with open_workplace(context) as place:
        spec = await spec_for(place.connection, place.storage)
        local = args.dry_run and not is_gs_url(sources[0])
        parts = await _parts_words(context, place.storage, parse_gs_url(target).bucket) if local else ""
        return await run_job(context, spec, place, parts=parts)


async def _parts_words(context: Context, storage: Storage, bucket: str) -> str:
    """Return what parallel parts of very large files would cost, as far as the bucket's settings tell."""
    from services.leftovers import plan_words  # only a dry run says it

    mode: ParallelUploads = context.args.parallel_uploads or configured(Options()).parallel_uploads
    try:
        info = await storage.control.get_bucket(bucket)
    except PailError:
        return plan_words(mode, None)
    return plan_words(mode, info)


async def _hand_over(context: Context, spec: JobSpec) -> int:
    """Give a job to the worker, starting one where none runs, and print the job's id."""
    from services.worker.client import connect  # with much of what the worker does; only where it is asked

    worker = await connect()
    try:
        job = (await worker.submit(Submit(spec))).id
    finally:
        await worker.close()
    if context.output.json:
        context.output.record("job", id=job)
    else:
        context.output.line(job)
        context.output.message(f"Job {job} is with the worker; 'pail transfers' shows how it stands.")
    return ExitCode.OK

"""An engine in this process: for sub-commands, for tests, and inside the worker."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Final

from services.errors import PailError
from services.file_lock import FileLock
from services.names import display_name
from services.paths import config_dir, ensure_private_dir
from services.transfer import schema
from services.transfer.core import log
from services.transfer.engine import Engine
from services.transfer.journal import (
    JOURNALS,
    WORKER_JOURNAL,
    free_journals,
    open_database,
    read_jobs,
    remove_journal,
)
from services.transfer.messages import JobSpec, ParallelUploads
from services.transfer.options import Options

PATIENCE_S: Final = 600.0
"""Seconds that a sub-command waits for a lost network; the worker waits for ever."""


class OwnEngine(Engine):
    """The engine of a sub-command: its journal is deleted at the end, unless something in it is unfinished.

    A command that is repeated after it was interrupted goes on with what it had begun: the job is found by what it
    asks for, in a journal that nobody holds.
    """

    _keeps = False

    async def _begin(self, spec: JobSpec) -> str:
        row = await self._interrupted(spec)
        if row is None:
            return await super()._begin(spec)
        log.info("job %d goes on where an earlier command was interrupted", row.id)
        if row.state == "paused":
            row.state, row.reason, row.code, row.remedy = "running", "", "", ""
        await self.take_on(row)
        return str(row.id)

    async def _interrupted(self, spec: JobSpec) -> schema.JobRow | None:
        folder, own = self.journal.path.parent, self.journal.path
        found = None
        for path, lock in await asyncio.to_thread(lambda: free_journals(folder, but={own})):
            jobs = [row for row, _ in await asyncio.to_thread(read_jobs, path) if row.finished is None]
            if found is None and len(jobs) == 1 and _same(jobs[0].spec, spec):
                rows = await _import(self, path, lock)
                found = rows[0] if rows else None
            else:
                await asyncio.to_thread(lock.release)
        return found

    async def close(self) -> None:
        """Stop everything so that it can be resumed, by whoever adopts the journal."""
        await self.shut(remove=True)


async def open_engine(state_dir: Path, *, worker: bool = False, options: Options | None = None) -> Engine:
    """Open an engine in this process, with a journal of its own below `state_dir`.

    The worker's journal is always the same one, and it adopts journals that nobody holds.  Raises `PailError`.
    """
    folder = await asyncio.to_thread(lambda: ensure_private_dir(ensure_private_dir(state_dir) / JOURNALS))
    if options is None:
        options = await asyncio.to_thread(configured, Options(patience_s=None if worker else PATIENCE_S))
    if worker:
        engine = await Engine.open(folder / WORKER_JOURNAL, options)
        await adopt(engine, folder)
        return engine
    name = f"run-{os.getpid()}-{os.urandom(4).hex()}.db"
    return await OwnEngine.open(folder / name, options)


def configured(options: Options) -> Options:
    """Return what `config.toml` makes of some options; one that is wrong changes nothing and is told.  Blocks."""
    if not (config_dir() / "config.toml").exists():
        return options
    from services.config import load_or_defaults  # heavy: it knows every setting there is

    reading = load_or_defaults()
    if reading.problem is not None:
        log.warning("the settings are not used: %s", display_name(reading.problem.message))
    found = reading.config.transfers
    mode: ParallelUploads = found.parallel_uploads  # type: ignore[assignment]  # the schema knows no other words
    return options._replace(parallel_uploads=mode, bandwidth=found.bandwidth)


async def adopt(engine: Engine, folder: Path) -> int:
    """Take over the unfinished jobs of journals that nobody holds, and return how many."""
    taken = 0
    known = {engine.journal.path, *engine.refused}
    for path, lock in await asyncio.to_thread(lambda: free_journals(folder, but=known)):
        taken += await _adopt_one(engine, path, lock)
    return taken


def _same(one: JobSpec, other: JobSpec) -> bool:
    """Tell whether two jobs ask for the same, whoever asks and however the credentials were found."""
    return _essence(one) == _essence(other)


def _essence(spec: JobSpec) -> JobSpec:
    credentials = spec.connection.credentials._replace(detail="")
    items = tuple(item._replace(fresh=False) for item in spec.items)
    return spec._replace(origin="", items=items, connection=spec.connection._replace(credentials=credentials))


async def _adopt_one(engine: Engine, path: Path, lock: FileLock) -> int:
    rows = await _import(engine, path, lock)
    for row in rows:
        await engine.take_on(row)
    if rows:
        engine.remove_parts()
    return sum(row.finished is None for row in rows)


async def _import(engine: Engine, path: Path, lock: FileLock) -> list[schema.JobRow]:
    """Take the unfinished jobs of another journal into the engine's own, delete it, and return them."""

    def take(db: sqlite3.Connection) -> list[schema.JobRow]:
        other = open_database(path)
        try:
            numbers = set(schema.import_journal(db, other))
        finally:
            other.close()
        return [row for row in schema.load_jobs(db) if row.id in numbers]

    try:
        rows = await engine.journal.call(take)
    except (PailError, sqlite3.Error) as error:
        log.warning("the journal %s could not be adopted: %s", display_name(path.name), error)
        engine.refused.add(path)
        await asyncio.to_thread(lock.release)
        return []
    # The jobs are durable in their new place: only now the old one goes.
    await asyncio.to_thread(remove_journal, path, lock)
    return rows

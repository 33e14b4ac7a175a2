"""`pail buckets`: the buckets that are attached or can be listed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from app.cli.connect import load_workspace, open_connection
from app.cli.context import Context
from app.cli.mb import REPLIT_CREATES
from app.cli.output import Output
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from app.cli.units import rfc3339
from services.access import probe
from services.errors import Forbidden, NotAuthenticated, PailError, Rejected
from services.gcs.interface import Storage
from services.model import Ability
from services.words import day

PROBES: Final = 16
"""Buckets that are asked at once what may be done with them."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A bucket in the list."""

    name: str
    alias: str = ""
    current: bool = False
    attached: bool = False


def run(context: Context) -> int:
    """List the buckets."""
    return run_async(_print_deleted(context) if context.args.deleted else print_buckets(context, probed=True))


async def _print_deleted(context: Context) -> int:
    """Print the deleted buckets that can still be restored, and until when."""
    output = context.output
    async with open_connection(context) as (_, storage):
        token = ""
        while True:
            page = await storage.control.list_buckets(token=token, soft_deleted=True)
            for info in page.buckets:
                if output.json:
                    fields = {"generation": str(info.generation), "restorable_until": rfc3339(info.hard_delete)}
                    output.record("bucket", **bucket_record(info.name), **fields)
                else:
                    until = day(info.hard_delete) if info.hard_delete is not None and output.is_terminal else ""
                    output.line(f"gs://{output.name(info.name)}" + (f"  (restorable until {until})" if until else ""))
            token = page.next_token
            if not token:
                return 0


async def print_buckets(context: Context, *, probed: bool) -> int:
    """Print the workspace's buckets, then the others that can be listed, page by page.

    `probed` asks of each what may be done with it.  Where listing is not allowed, that is an error only if no bucket
    is attached.
    """
    output = context.output
    async with open_connection(context) as (connection, storage):
        workspace = await load_workspace(context, connection)
        current = workspace.current(connection)
        attached = [
            _Bucket(bucket.name, bucket.alias, bucket.name == current, attached=True)
            for bucket in workspace.attached(connection)
        ]
        await _print(output, storage, attached, probed=probed)
        known = {bucket.name for bucket in attached}
        token = ""
        try:
            while True:
                page = await storage.control.list_buckets(token=token)
                listed = [_Bucket(b.name, current=b.name == current) for b in page.buckets if b.name not in known]
                await _print(output, storage, listed, probed=probed)
                token = page.next_token
                if not token:
                    return 0
        except (Forbidden, NotAuthenticated, Rejected) as error:
            if connection.credentials.kind == "replit" and isinstance(error, Rejected):
                _explain_replit(output, any_attached=bool(attached))
                return 0
            if not attached:
                raise
            output.flush()
            output.message(f"Other buckets cannot be listed: {error.message}")
            return 0


def _explain_replit(output: Output, *, any_attached: bool) -> None:
    """Say where buckets come from in Replit, whose credentials have no project to list: that is normal there."""
    output.flush()
    if any_attached:
        output.detail("Replit's credentials list no other buckets; attach one by its ID: pail attach gs://ID")
    else:
        output.message(f"This app has no bucket yet. {REPLIT_CREATES}")


async def _print(output: Output, storage: Storage, buckets: list[_Bucket], *, probed: bool) -> None:
    limit = asyncio.Semaphore(PROBES)

    async def ability(name: str) -> Ability:
        async with limit:
            try:
                return (await probe(storage, name)).ability
            except PailError as error:
                output.detail(error.message)
                return "unknown"

    names = [bucket.name for bucket in buckets]
    abilities: list[Ability] = ["unknown"] * len(names)
    if probed:
        abilities = await asyncio.gather(*map(ability, names))
    for bucket, access in zip(buckets, abilities, strict=True):
        if output.json:
            fields = bucket_record(
                bucket.name, alias=bucket.alias, current=bucket.current, attached=bucket.attached, access=access
            )
            output.record("bucket", **fields)
        else:
            output.line(_line(output, bucket, access if probed else "unknown"))


def _line(output: Output, bucket: _Bucket, access: Ability) -> str:
    """Return the URL alone for a pipe, and what else is known for a person."""
    url = f"gs://{output.name(bucket.name)}"
    if not output.is_terminal:
        return url
    notes = [output.name(bucket.alias)] if bucket.alias else []
    if access != "unknown":
        notes.append(access)
    return f"{'*' if bucket.current else ' '} {url}" + (f"  ({', '.join(notes)})" if notes else "")

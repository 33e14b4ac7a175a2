"""`pail stat`: everything that is kept about objects, prefixes and buckets."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

from app.cli.connect import open_connection
from app.cli.context import Context
from app.cli.output import Output, one_line
from app.cli.records import bucket_settings_record, prefix_record, stat_record
from app.cli.runtime import run_async
from app.cli.several import check_generation, for_each
from services.errors import BucketNotFound, ObjectNotFound, UsageError
from services.gcs.interface import Storage
from services.globs import has_glob
from services.lookup import find_object, matches, prefix_exists
from services.names import GsUrl, display_name, parse_gs_url


def run(context: Context) -> int:
    """Show what the URLs name."""
    check_generation(context, context.args.urls)
    return run_async(_stat(context))


async def _stat(context: Context) -> int:
    async with open_connection(context) as (_, storage):
        stat = _Stat(context, storage)
        return await for_each(context.output, context.args.urls, stat.show_url)


class _Stat:
    """Shows one URL after the other."""

    def __init__(self, context: Context, storage: Storage) -> None:
        self._output: Output = context.output
        self._storage = storage
        self._generation: int | None = context.args.generation
        self._literal: bool = context.args.literal

    async def show_url(self, text: str) -> None:
        """Show the bucket, the object, the prefix or the matches of a glob."""
        url = parse_gs_url(text)
        data = self._storage.data
        if not url.bucket:
            raise UsageError("'gs://' names no bucket", remedy="Write it as gs://BUCKET or gs://BUCKET/NAME.", url=text)
        if not url.name:
            self._show("bucket", bucket_settings_record(await self._storage.control.get_bucket(url.bucket)))
        elif (found := await find_object(data, url, generation=self._generation)) is not None:
            self._show("object", stat_record(found))
        elif self._generation is None and await prefix_exists(data, url.bucket, url.name.removesuffix("/") + "/"):
            self._show("prefix", prefix_record(url.bucket, url.name.removesuffix("/") + "/"))
        elif self._generation is not None or self._literal or not await self._show_matches(url):
            kind = BucketNotFound if url.is_prefix else ObjectNotFound
            why = "nothing has that name" if self._generation is None else f"it has no generation {self._generation}"
            raise kind(f"cannot stat {display_name(text)}: {why}", url=text)

    async def _show_matches(self, url: GsUrl) -> bool:
        if not has_glob(url.name):
            return False
        found = False
        async with aclosing(matches(self._storage.data, url.bucket, url.name)) as entries:
            async for entry in entries:
                found = True
                if isinstance(entry, str):
                    self._show("prefix", prefix_record(url.bucket, entry))
                else:
                    exact = await self._storage.data.stat(url.bucket, entry.name, generation=entry.generation)
                    self._show("object", stat_record(exact))
        return found

    def _show(self, kind: str, fields: dict[str, Any]) -> None:
        output = self._output
        if output.json:
            output.record(kind, **fields)
            return
        output.line(output.name(str(fields["url"])))
        for key, value in fields.items():
            if key not in ("url", "name") and value not in (None, "", {}, []):
                output.line(f"  {key.replace('_', ' ') + ':':26} {_plain(value)}")


def _plain(value: Any) -> str:
    """Return a value on one line; hostile metadata is bounded and escaped (hazards 55 and 64)."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text if len(text) <= 2000 else f"{text[:2000]}… ({len(text)} characters)")

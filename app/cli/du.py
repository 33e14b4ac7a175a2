"""`pail du`: objects and bytes of each folder below a URL, and the total."""

from __future__ import annotations

import time

from app.cli.connect import open_connection, parse_with_bucket
from app.cli.context import Context
from app.cli.live import LiveLine
from app.cli.output import Output
from app.cli.runtime import run_async
from app.cli.several import for_each
from services.errors import BucketNotFound, ObjectNotFound
from services.gcs.interface import DataPlane
from services.lookup import find_object
from services.names import display_name
from services.usage import Usage
from services.usage_count import count
from widgets import formats


def run(context: Context) -> int:
    """Count what the URLs name."""
    return run_async(_count(context))


async def _count(context: Context) -> int:
    async with open_connection(context) as (_, storage):
        counter = _Counter(context, storage.data)
        return await for_each(context.output, context.args.urls, counter.count_url)


class _Counter:
    """Counts one URL after the other."""

    def __init__(self, context: Context, data: DataPlane) -> None:
        self._output: Output = context.output
        self._summarize: bool = context.args.summarize
        self._data = data
        self._live = LiveLine(context.output)

    async def count_url(self, text: str) -> None:
        """Count the exact object, else what lies below the folder; raises `ObjectNotFound`, `BucketNotFound`."""
        url = parse_with_bucket(text)
        if not url.is_prefix and (found := await find_object(self._data, url)) is not None:
            self._print(url.bucket, url.name, 1, found.size)
            return
        prefix = url.name if url.is_prefix else f"{url.name}/"
        try:
            usage = await count(
                self._data, url.bucket, prefix, now=time.time(), versions=False, on_page=self._show_progress
            )
        finally:
            self._live.clear()
        whole = usage.amount()
        if not whole.objects and prefix:
            kind = BucketNotFound if url.is_prefix else ObjectNotFound
            raise kind(f"cannot count {display_name(text)}: nothing has that name", url=text)
        if not self._summarize:
            for share in usage.walk():
                if share.prefix != prefix:
                    self._print(url.bucket, share.prefix, share.objects, share.size)
        self._print(url.bucket, prefix, whole.objects, whole.size)
        self._output.flush()

    def _show_progress(self, usage: Usage) -> None:
        whole = usage.amount()
        self._live.show(f"{formats.count(whole.objects, 'object')}, {formats.size(whole.size)}")

    def _print(self, bucket: str, name: str, objects: int, size: int) -> None:
        output = self._output
        url = f"gs://{bucket}/{name}" if name else f"gs://{bucket}"
        if output.json:
            output.record("usage", url=url, objects=objects, size=size)
        elif output.is_terminal:
            output.line(f"{formats.size(size):>9}  {formats.count(objects, 'object'):>16}  {output.name(url)}")
        else:
            output.line(f"{size}\t{url}")

"""`pail url`: signed URLs.  They are secrets: printed on standard output, and nowhere else."""

from __future__ import annotations

import time
from contextlib import aclosing

from app.cli.connect import open_connection, parse_with_bucket
from app.cli.context import Context
from app.cli.runtime import run_async
from app.cli.several import for_each
from app.cli.units import rfc3339
from services.errors import Forbidden, ObjectNotFound, UsageError
from services.gcs.interface import Storage
from services.globs import has_glob
from services.lookup import find_object, matches
from services.names import GsUrl, display_name
from services.quantities import parse_period


def run(context: Context) -> int:
    """Print the links."""
    seconds = parse_period(context.args.period)
    if seconds < 1:
        raise UsageError("a link has to work for a second at least", remedy="Write --for 15min, 1h or 7d.")
    return run_async(_print(context, seconds))


async def _print(context: Context, seconds: int) -> int:
    async with open_connection(context) as (_, storage):
        signer = _Signing(context, storage, seconds)
        return await for_each(context.output, context.args.urls, signer.sign_url)


class _Signing:
    """Signs and prints one link after the other."""

    def __init__(self, context: Context, storage: Storage, seconds: int) -> None:
        self._output = context.output
        self._method: str = context.args.method
        self._literal: bool = context.args.literal
        self._storage = storage
        self._seconds = seconds

    async def sign_url(self, text: str) -> None:
        """Sign the exact object; for reading, else the objects that a glob matches.

        Raises `ObjectNotFound`, and what `ControlPlane.sign_url` raises where the credentials can't sign.
        """
        url = parse_with_bucket(text)
        if url.is_prefix:
            raise UsageError(f"{display_name(text)} is no object: a link leads to one", remedy="Name one.", url=text)
        if self._method == "PUT" or await self._is_there(url):
            await self._sign(url.bucket, url.name)
            return
        found = False
        if has_glob(url.name) and not self._literal:
            async with aclosing(matches(self._storage.data, url.bucket, url.name)) as entries:
                async for entry in entries:
                    if not isinstance(entry, str):
                        found = True
                        await self._sign(url.bucket, entry.name)
        if not found:
            raise ObjectNotFound(f"no object {display_name(text)}", url=text)

    async def _is_there(self, url: GsUrl) -> bool:
        try:
            return await find_object(self._storage.data, url) is not None
        except Forbidden:
            return True  # who may sign need not be allowed to look; whoever uses the link will see

    async def _sign(self, bucket: str, name: str) -> None:
        until = time.time() + self._seconds
        link = await self._storage.control.sign_url(bucket, name, method=self._method, expires_s=self._seconds)
        if self._output.json:
            fields = {"url": f"gs://{bucket}/{name}", "signed_url": link, "method": self._method}
            self._output.record("url", **fields, expires=rfc3339(until))
        else:
            self._output.line(link)
        self._output.flush()

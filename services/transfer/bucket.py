"""The end of a bucket: deleted once every generation in it is gone."""

from __future__ import annotations

from services.errors import BucketNotFound, Conflict
from services.names import parse_gs_url
from services.transfer.folders import sweep_below
from services.transfer.run import Run


class StillFilled(Conflict):
    """Something is in the bucket that was not known: it has to be listed again."""


async def remove_bucket(run: Run) -> None:
    """Delete the bucket of a transfer; one that is gone is fine.  Raises `StillFilled`, other `PailError`."""
    storage = await run.line.storage()
    bucket = parse_gs_url(run.record.source).bucket
    await sweep_below(storage.data, parse_gs_url(run.record.source))
    try:
        await storage.control.delete_bucket(bucket)
    except BucketNotFound:
        pass
    except Conflict as error:
        raise StillFilled(error.message, remedy=error.remedy, url=error.url) from error
    run.line.worked()

"""`pail buckets`: the buckets that are attached or can be listed."""

from __future__ import annotations

from app.cli.connect import load_workspace, open_connection
from app.cli.context import Context
from app.cli.output import Output
from app.cli.records import bucket_record
from app.cli.runtime import run_async
from services.errors import Forbidden, PailError
from services.gcs.interface import ControlPlane


def run(context: Context) -> int:
    """List the buckets."""
    return run_async(print_buckets(context))


async def print_buckets(context: Context) -> int:
    """Print the workspace's buckets, then the others that can be listed, page by page.

    Where listing is not allowed, or nothing says whose buckets to list, that is an error only if no bucket is attached.
    """
    workspace = await load_workspace(context)
    async with open_connection(context) as (connection, storage):
        attached = workspace.attached(connection)
        current = workspace.current(connection)
        for bucket in attached:
            _print(context.output, bucket.name, alias=bucket.alias, current=bucket.name == current, attached=True)
        try:
            known = {bucket.name for bucket in attached}
            await _print_listed(context.output, storage.control, known, current)
        except Forbidden as error:
            if not attached:
                raise
            _explain(context.output, error)
    return 0


async def _print_listed(output: Output, control: ControlPlane, known: set[str], current: str) -> None:
    token = ""
    while True:
        page = await control.list_buckets(token=token)
        for bucket in page.buckets:
            if bucket.name not in known:
                _print(output, bucket.name, current=bucket.name == current)
        token = page.next_token
        if not token:
            return


def _print(output: Output, name: str, *, alias: str = "", current: bool = False, attached: bool = False) -> None:
    if output.json:
        output.record("bucket", **bucket_record(name, alias=alias, current=current, attached=attached))
        return
    mark = "  * current" if current and output.is_terminal else ""
    label = f"  {output.name(alias)}" if alias and output.is_terminal else ""
    output.line(f"gs://{output.name(name)}{label}{mark}")


def _explain(output: Output, error: PailError) -> None:
    output.flush()
    output.message(f"Other buckets are not shown: {error.message}")

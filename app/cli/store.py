"""`pail store serve`: the embedded store in the foreground."""

from __future__ import annotations

from app.cli.context import Context
from services.credentials import local_folder
from services.errors import UsageError
from services.localstore.server import serve
from services.names import display_name
from services.paths import ensure_private_dir


def run(context: Context) -> int:
    """Serve the store until it is interrupted; its endpoint is the first line on standard output."""
    args, output = context.args, context.output
    if not 0 <= args.port <= 65535:
        raise UsageError(f"{args.port} is not a port", remedy="Ports go from 1 to 65535; 0 means any free one.")
    folder = local_folder(args.dir or args.local or "")

    def on_ready(endpoint: str) -> None:
        if output.json:
            output.record("store", endpoint=endpoint, dir=str(folder), open=args.open)
        else:
            output.line(endpoint)
        output.flush()
        output.message(f"Serving {display_name(str(folder))}; ctrl+c stops it.")
        if not args.open:
            output.message("It asks for a token that 'pail --local DIR' knows; --open lets other clients in.")

    serve(ensure_private_dir(folder), port=args.port, open_access=args.open, on_ready=on_ready)
    return 0

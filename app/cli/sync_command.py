"""The shape of `pail sync`."""

from __future__ import annotations

from typing import Final

from app.cli.arguments import Parser
from app.cli.command import Command, bandwidth_option, exclude_option
from app.cli.units import parse_max_delete


def _sync(parser: Parser) -> None:
    parser.word("folder", nargs="?", metavar="DIR", help="the local folder (default: list the pairs)")
    parser.word("url", nargs="?", metavar="gs://BUCKET[/PREFIX]", help="the bucket or prefix (default: the pair's)")
    parser.option(
        "--mode",
        choices=("push", "pull", "two-way"),
        metavar="push|pull|two-way",
        help="which way changes go (default: two-way)",
    )
    parser.option("--watch", action="store_true", help="keep both sides in step until stopped")
    parser.option("--delete", action="store_true", help="push and pull: delete what the other side does not have")
    parser.option(
        "--max-delete",
        type=parse_max_delete,
        metavar="N|P%",
        help="deletes that pass, as a number or a share of the files (default: no mass delete passes)",
    )
    parser.option("--dry-run", action="store_true", help="only say what would be done")
    exclude_option(parser)
    bandwidth_option(parser)
    parser.option("--resume", action="store_true", help="have the worker keep the pair in step from now on")
    parser.option("--pause", action="store_true", help="have the worker leave the pair alone")
    parser.option("--remove", action="store_true", help="take the pair off the list; both sides keep their files")
    parser.option("--approve", action="store_true", help="approve what the project's pail.toml says of DIR")
    parser.option("--install", action="store_true", help="write a systemd user unit that runs it with --watch")
    parser.option("--uninstall", action="store_true", help="delete that unit again")


SYNC: Final = Command(
    "sync",
    "sync",
    "[DIR [gs://BUCKET[/PREFIX]]]",
    "keep a folder and a prefix in step, once or live",
    _sync,
    "Nothing is lost: two edits are both kept, an edit beats a delete, and what is replaced or deleted here stays "
    "in .pail/trash of the folder for 30 days. A mass delete, an emptied folder and a broken listing stop it with "
    "exit code 9; --yes does not pass that, --max-delete does. What .pailignore lists (gitignore syntax) and "
    "editors' temporary files are left out. One process runs a pair: a single pass over a pair that is kept in step "
    "is made by whoever keeps it. --watch puts the pair on the list; --resume hands it to the worker, which goes on "
    "without a terminal.",
    (
        ("pail sync notes gs://b/notes", "both ways, once"),
        ("pail sync notes gs://b/notes --watch", "live, until stopped"),
        ("pail sync notes gs://b/notes --resume", "live, in the worker"),
        ("pail sync site gs://b/www --mode push --delete", "make www/ like site"),
        ("pail sync notes gs://b/notes --dry-run", "what would be done"),
        ("pail sync notes gs://b/notes --install", "live from each login on"),
        ("pail sync", "the pairs, and how they are"),
    ),
)
"""`pail sync`."""

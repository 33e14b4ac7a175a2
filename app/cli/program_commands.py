"""The shape of the commands on the program itself: its queue, worker, store, settings and health."""

from __future__ import annotations

from typing import Final

from app.cli.arguments import Parser
from app.cli.command import Command


def _transfers(parser: Parser) -> None:
    verbs = ("pause", "resume", "cancel", "retry", "top", "up", "down", "limit")
    parser.word("action", nargs="?", choices=verbs, metavar="VERB", help=f"{', '.join(verbs)}; without one: list")
    parser.word("id", nargs="?", metavar="ID", help="a job such as 7, a transfer such as 7.12, or 'all'; a rate")
    parser.option("--history", action="store_true", help="what has ended in the last 30 days, with totals and rates")


def _undo(parser: Parser) -> None:
    parser.word("id", nargs="?", metavar="ID", help="a job such as 7; without one the last that can be undone")
    parser.option("--dry-run", action="store_true", help="only say what would be done")


def _worker(parser: Parser) -> None:
    actions = ("run", "status", "stop")
    parser.word(
        "action", nargs="?", choices=actions, default="status", metavar="|".join(actions), help="(default: status)"
    )


def _store(parser: Parser) -> None:
    parser.word("action", choices=["serve"], metavar="serve", help="run the embedded store until interrupted")
    parser.option("--dir", metavar="D", help="its folder (default: the one that --local uses)")
    parser.option("--port", type=int, default=0, metavar="N", help="its port (default: the last one, or any free one)")
    parser.option(
        "--open", action="store_true", help="ask no token, so that other GCS clients on this machine can use it"
    )


def _completion(parser: Parser) -> None:
    parser.word("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish", help="whose script to print")


def _doctor(_parser: Parser) -> None:
    """`doctor` has only the common options."""


def _config(parser: Parser) -> None:
    verbs = ("path", "show", "edit")
    parser.word("action", choices=verbs, metavar="|".join(verbs), help="where it is, what is in force, an editor on it")


TRANSFERS: Final = Command(
    "transfers",
    "transfers",
    "[VERB ID | --history]",
    "list and steer what the worker moves",
    _transfers,
    "Starts the worker where work is unfinished and none is running. top, up and down move a job in the queue, or a\n"
    "transfer that waits within its job. limit sets what everything together may move a second, at once and until it\n"
    "is set anew: a rate, off, a timetable ('08:00,2M 18:00,off'), or default for what the settings say.",
    (
        ("pail transfers", "what is going on"),
        ("pail transfers cancel 7", "give up job 7"),
        ("pail transfers top 7.120", "do this one next"),
        ("pail transfers limit 2M", "leave the others some of the line"),
        ("pail transfers --history", "the last 30 days"),
    ),
)

UNDO: Final = Command(
    "undo",
    "undo",
    "[ID]",
    "take back what a job of the worker did",
    _undo,
    "Moves go back, what was deleted is restored, what was made is deleted, and what was replaced returns. What\n"
    "somebody changed since stays. It asks where no job is named, and where something is deleted.",
    (
        ("pail undo", "the last one"),
        ("pail undo 7 --dry-run", "what that would do"),
        ("pail transfers --history", "what there is to undo"),
    ),
)

WORKER: Final = Command(
    "worker",
    "worker",
    "[run|status|stop]",
    "the process that goes on with transfers in the background",
    _worker,
    "It is started when needed and leaves by itself; 'run' keeps it in the foreground.",
    (("pail worker status", "is it running?"), ("pail worker stop", "stop it; what it did is resumed later")),
)

STORE: Final = Command(
    "store",
    "store",
    "serve",
    "run the embedded store in the foreground",
    _store,
    "A GCS-compatible server on this machine. The first line on standard output is its endpoint.",
    (
        ("pail store serve --dir ./data --open", "for other GCS clients"),
        ("pail --endpoint http://127.0.0.1:4443 ls", "use it from another terminal"),
    ),
)

DOCTOR: Final = Command(
    "doctor",
    "doctor",
    "",
    "say what was found, and how to mend what is wrong",
    _doctor,
    "Credentials, project, endpoint, terminal, limits, folders, worker and clock.",
    (("pail doctor", ""), ("pail --local doctor", "for the embedded store")),
)

CONFIG: Final = Command(
    "config",
    "config",
    "path|show|edit",
    "the settings: where they are, what is in force, an editor",
    _config,
    "show prints every setting as config.toml writes it, with the line that it came from. edit opens the file in\n"
    "$VISUAL or $EDITOR, made with every setting explained where there is none, and checks what was saved.",
    (("pail config show", ""), ("pail config edit", "")),
)

COMPLETION: Final = Command(
    "completion",
    "completion",
    "bash|zsh|fish",
    "print a script that completes words and URLs in a shell",
    _completion,
    'URLs are completed by asking the buckets themselves. For bash, in ~/.bashrc: eval "$(pail completion bash)".\n'
    "For zsh, save it as _pail in a folder of fpath; for fish, as ~/.config/fish/completions/pail.fish.",
    (("pail completion bash", ""), ("pail completion zsh > ~/.zfunc/_pail", "with ~/.zfunc in fpath")),
)

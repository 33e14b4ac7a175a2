"""The shape of every command: words, options, help.  Imports nothing that does work."""

from __future__ import annotations

from typing import Final

from app.cli.arguments import LOCAL, Parser
from app.cli.bucket_commands import ACCESS, ATTACH, DETACH, SELECT, SETTINGS, USAGE
from app.cli.command import Command, bandwidth_option, exclude_option, generation_option, literal_option
from app.cli.object_commands import DU, FIND, RESTORE, URL, VERSIONS
from app.cli.program_commands import COMPLETION, CONFIG, DOCTOR, STORE, TRANSFERS, UNDO, WORKER
from app.cli.sync_command import SYNC
from app.cli.units import parse_range

LOCATION_HELP: Final = "region, dual-region or multi-region (default: US); fixed for ever"


def _screen(parser: Parser) -> None:
    parser.word("url", nargs="?", metavar="gs://BUCKET[/PREFIX]", help="where the screen opens")
    screen_options(parser)


def screen_options(parser: Parser) -> None:
    """Declare what only the screen takes."""
    parser.option("--low-bandwidth", action="store_true", help="spare the line to the terminal: 16 colours, no hover")


def _buckets(parser: Parser) -> None:
    parser.option("--deleted", action="store_true", help="deleted buckets that can still be restored")


def _mb(parser: Parser) -> None:
    parser.word("url", metavar="gs://BUCKET", help="the bucket to create")
    parser.option("--location", default="US", metavar="L", help=LOCATION_HELP)
    parser.option("--class", dest="storage_class", default="STANDARD", metavar="C", help="default class of new objects")
    parser.option("--hns", action="store_true", help="real folders (hierarchical namespace); fixed for ever")


def _rb(parser: Parser) -> None:
    parser.word("url", metavar="gs://BUCKET", help="the bucket to delete")
    parser.option("--all", action="store_true", help="with everything in it, older generations included; asks first")


def _ls(parser: Parser) -> None:
    parser.word("urls", nargs="*", metavar="gs://…", help="buckets, prefixes, objects or globs (default: buckets)")
    parser.option("-l", "--long", action="store_true", help="size, time and class of each object as well")
    parser.option("-r", "--recursive", action="store_true", help="all objects below")
    literal_option(parser)


def _stat(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects, prefixes, buckets or globs")
    generation_option(parser)
    literal_option(parser)


def _cat(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects or globs, printed one after the other")
    parser.option(
        "--range",
        type=parse_range,
        metavar="A-B",
        help="only these bytes, both ends included; 5- from 5 on, -5 the last 5",
    )
    generation_option(parser)
    literal_option(parser)


def _cp(parser: Parser) -> None:
    parser.word(
        "paths", nargs="+", metavar="SRC… DST", help="files, folders or gs:// URLs; - is standard input or output"
    )
    parser.option("-r", "--recursive", action="store_true", help="folders and prefixes with all that is below them")
    generation_option(parser)
    _moving(parser)
    parser.option("--decompress", action="store_true", help="decode objects that are stored gzip-encoded")


def _mv(parser: Parser) -> None:
    parser.word("paths", nargs="+", metavar="SRC… DST", help="files, folders or gs:// URLs")
    parser.option("-r", "--recursive", action="store_true", help="folders and prefixes with all that is below them")
    _moving(parser)


def _rm(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects, globs, or with -r prefixes and buckets' contents")
    parser.option("-r", "--recursive", action="store_true", help="prefixes with all that is below them")
    generation_option(parser)
    _planning(parser)


def _planning(parser: Parser) -> None:
    parser.option("--dry-run", action="store_true", help="only say what would be done")
    exclude_option(parser)
    literal_option(parser)


def _moving(parser: Parser) -> None:
    _planning(parser)
    parser.option("--no-clobber", action="store_true", help="skip what exists already")
    bandwidth_option(parser)
    parser.option(
        "--parallel-uploads",
        choices=("auto", "always", "never"),
        default="",
        metavar="auto|always|never",
        help="send very large files in parts side by side and join them (default: as set, else auto)",
    )
    parser.option("--detach", action="store_true", help="hand it to the worker, print the job's id and return")


def declare_common(parser: Parser) -> None:
    """Declare the options that every command has."""
    parser.option(
        LOCAL,
        common=True,
        metavar="DIR",
        help="the embedded store kept in DIR (default: the user's data folder), started and stopped by itself",
    )
    parser.option("--endpoint", common=True, metavar="URL", help="any server of the GCS JSON API, without credentials")
    parser.option("--project", common=True, metavar="ID", help="project that lists and owns buckets")
    parser.option("--credentials", common=True, metavar="FILE", help="a key file in Google's JSON formats")
    parser.option("--anonymous", common=True, action="store_true", help="no credentials: public buckets")
    parser.option("--quota-project", common=True, metavar="ID", help="project that is billed for quota")
    parser.option("--workspace", common=True, metavar="DIR", help="project folder whose attached buckets are used")
    parser.option("--json", common=True, action="store_true", help="one JSON record a line on standard output")
    parser.option("-q", "--quiet", common=True, action="store_true", help="no messages but errors")
    parser.option("-v", "--verbose", common=True, action="store_true", help="more messages; tracebacks of failures")
    parser.option("--no-color", common=True, action="store_true", help="no colours (also: NO_COLOR)")
    parser.option(
        "--yes", common=True, action="store_true", help="answer confirmations with yes; never passes a safeguard"
    )
    parser.option("-h", "--help", common=True, action="help", help="show this help")
    parser.option("-V", "--version", common=True, action="version", version=_version(), help="show the version")


def _version() -> str:
    from services import __version__

    return f"pail {__version__}"


SCREEN: Final = Command("", "screen", "[gs://BUCKET[/PREFIX]]", "open the screen", _screen)
"""`pail` without a command."""

_ALL: Final = (
    Command(
        "buckets",
        "buckets",
        "",
        "list the buckets that are attached or can be listed",
        _buckets,
        "The current bucket is marked with '*'. Where listing is forbidden, attached buckets are still shown.",
        (("pail buckets --project my-project", "buckets of a project"), ("pail --json buckets", "for a script")),
    ),
    Command(
        "mb",
        "mb",
        "gs://BUCKET",
        "create a bucket",
        _mb,
        "New buckets have uniform access and public access prevention on.",
        (
            ("pail mb gs://my-data --location europe-west1", "in one region"),
            ("pail --local mb gs://scratch", "in the embedded store"),
        ),
    ),
    Command(
        "rb",
        "rb",
        "gs://BUCKET",
        "delete a bucket",
        _rb,
        "A bucket that is not empty is refused, unless --all is given; that asks for the bucket's name at a "
        "terminal, and needs --yes without one.",
        (("pail rb gs://old", "only if it is empty"), ("pail rb --all gs://old", "with everything in it")),
    ),
    ATTACH,
    DETACH,
    SELECT,
    Command(
        "ls",
        "ls",
        "[gs://…]",
        "list buckets, prefixes and objects",
        _ls,
        "Full URLs, one a line. An object of exactly that name comes first, then the folder, then a glob: "
        "'*' and '?' stay within a folder, '**' crosses folders, [abc] is one of these characters.",
        (
            ("pail ls gs://b/logs/", "what is directly below logs/"),
            ("pail ls -l -r gs://b", "every object, with size, time and class"),
            ("pail ls 'gs://b/**.csv'", "every .csv, however deep"),
            ("pail --json ls -r gs://b | jq .size", "for a script"),
        ),
    ),
    Command(
        "stat",
        "stat",
        "gs://…",
        "show everything that is kept about an object",
        _stat,
        examples=(("pail stat gs://b/report.pdf", ""), ("pail --json stat gs://b/report.pdf --generation 1712", "")),
    ),
    Command(
        "cat",
        "cat",
        "gs://…",
        "print objects",
        _cat,
        "Stored bytes, as they are. Whole objects are verified by CRC32C.",
        (
            ("pail cat gs://b/app.log --range -1000", "the last 1000 bytes"),
            ("pail cat 'gs://b/part-*.csv' > all.csv", "several, in order"),
        ),
    ),
    DU,
    FIND,
    Command(
        "cp",
        "cp",
        "SRC… DST",
        "copy between here and gs://, both ways, and bucket to bucket",
        _cp,
        "'cp -r dir gs://b/p' makes p/dir/… where p/ exists or is written with a trailing '/', else p/…; the same "
        "downwards. Overwrites, pinned to the generation seen; of a folder that is uploaded again, what is there with "
        "the same size, time and CRC32C is left alone. Everything is verified by CRC32C; modification times are kept. "
        "An interrupted copy can be resumed.",
        (
            ("pail cp report.pdf gs://b/docs/", "upload a file"),
            ("pail cp -r site gs://b/www", "upload a folder"),
            ("pail cp -r gs://b/www/ ./site", "download a folder"),
            ("pail cp -r gs://b/2024 gs://archive/", "copy on the server"),
            ("tar c src | pail cp - gs://b/src.tar", "from standard input"),
            ("pail cp --detach big.iso gs://b/", "in the background"),
        ),
    ),
    Command(
        "mv",
        "mv",
        "SRC… DST",
        "move or rename",
        _mv,
        "A source is deleted only after its copy was verified, with the generation that was copied.",
        (
            ("pail mv gs://b/draft.txt gs://b/final.txt", "rename"),
            ("pail mv -r gs://b/2023/ gs://archive/", "move a folder to another bucket"),
        ),
    ),
    Command(
        "rm",
        "rm",
        "gs://…",
        "delete objects",
        _rm,
        "Each is deleted at the generation that was seen. A glob and a whole bucket ask first; without a terminal "
        "they need --yes.",
        (
            ("pail rm gs://b/old.txt", "one object"),
            ("pail rm -r gs://b/tmp/", "a folder with all below"),
            ("pail rm --dry-run 'gs://b/**.bak'", "what would go"),
        ),
    ),
    RESTORE,
    VERSIONS,
    URL,
    SETTINGS,
    ACCESS,
    USAGE,
    SYNC,
    UNDO,
    TRANSFERS,
    WORKER,
    STORE,
    DOCTOR,
    CONFIG,
    COMPLETION,
)

COMMANDS: Final = {command.name: command for command in _ALL}
"""Every command by its word, in the order of the help."""


def make_parser(command: Command) -> Parser:
    """Return the parser of one command, or of the screen, with the common options."""
    prog = f"pail {command.name}".rstrip()
    if command is SCREEN:
        usage = "pail [OPTIONS] [gs://BUCKET[/PREFIX]]\n       pail [OPTIONS] COMMAND …"
        description, epilog = _overview(), EXIT_CODES
    else:
        usage = " ".join(part for part in (prog, "[OPTIONS]", command.words) if part)
        sentence = f"{command.summary[0].upper()}{command.summary[1:]}."
        description = f"{sentence}\n\n{command.details}" if command.details else sentence
        epilog = _example_list(command)
    parser = Parser(prog, usage=usage, description=description, epilog=epilog)
    command.configure(parser)
    declare_common(parser)
    return parser


EXIT_CODES: Final = """\
exit codes:
  0    done
  1    anything not below
  2    usage; no terminal for the screen; nobody there to confirm
  3    bucket or prefix not found
  4    object not found
  5    gave up on a passing fault after retries
  6    some items failed, the rest is done
  7    no credentials, or not allowed
  8    a precondition failed: someone else changed it
  9    a safeguard stopped it
  130  interrupted; what can be resumed will be"""
"""The end of `pail --help`."""


def _overview() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "A terminal file manager for Google Cloud Storage buckets. Without a command it opens its screen.",
            "",
            "commands ('pail COMMAND --help' tells more):",
            *(f"  {command.name:{width}}  {command.summary}" for command in _ALL),
            "",
            "examples:",
            "  pail --local                       the screen, no account needed",
            "  pail gs://my-bucket/photos/        the screen, opened there",
            "  pail cp -r photos gs://my-bucket/  upload a folder",
        ]
    )


def _example_list(command: Command) -> str:
    if not command.examples:
        return ""
    width = max(len(line) for line, _ in command.examples)
    return "\n".join(["examples:", *(f"  {line:{width}}  {what}".rstrip() for line, what in command.examples)])


def valued_options() -> frozenset[str]:
    """Return the common options that take a value from the next word."""
    parser = Parser("pail", usage="", description="")
    declare_common(parser)
    return frozenset(flag for flag, valued in parser.known.items() if valued and flag != LOCAL)

"""The shape of the commands that search, measure, sign and bring back objects."""

from __future__ import annotations

from typing import Final

from app.cli.arguments import Parser
from app.cli.command import Command, generation_option, literal_option

METHODS: Final = ("GET", "PUT")
"""What a signed URL can allow."""


def _du(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="buckets, prefixes or objects")
    parser.option("-s", "--summarize", action="store_true", help="only the total of each")


def _find(parser: Parser) -> None:
    parser.word("url", metavar="gs://…", help="the bucket or prefix to search below")
    parser.word("patterns", nargs="*", metavar="GLOB", help="what the name is like; every word has to hold")
    parser.option("--larger", metavar="SIZE", help="more bytes than this: 10M, 1.5GiB")
    parser.option("--smaller", metavar="SIZE", help="fewer bytes than this")
    parser.option("--older", metavar="AGE", help="created longer ago than this: 36h, 30d, 1y")
    parser.option("--newer", metavar="AGE", help="created within this time")
    parser.option("--type", metavar="TYPE", help="content type: image, image/png")
    parser.option("--class", dest="storage_class", metavar="C", help="storage class")
    parser.option("-l", "--long", action="store_true", help="size, time and class of each object as well")


def _restore(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects, globs, with -r prefixes; or a deleted bucket")
    parser.option("-r", "--recursive", action="store_true", help="all that is deleted below a prefix")
    parser.option("--dry-run", action="store_true", help="only say what would be done")
    generation_option(parser)
    literal_option(parser)


def _versions(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects, prefixes, buckets or globs")
    literal_option(parser)


def _url(parser: Parser) -> None:
    parser.word("urls", nargs="+", metavar="gs://…", help="objects, or globs for GET")
    parser.option("--for", dest="period", default="1h", metavar="TIME", help="how long it works: 15min, 1h, at most 7d")
    parser.option("--method", choices=METHODS, default="GET", metavar="|".join(METHODS), help="what it allows")
    literal_option(parser)


DU: Final = Command(
    "du",
    "du",
    "gs://…",
    "count objects and bytes, folder by folder",
    _du,
    "Live objects only; 'pail usage' counts what is hidden as well. The total comes last.",
    (("pail du gs://b/logs/", "each folder below, then the total"), ("pail du -s gs://a gs://b", "only the totals")),
)

FIND: Final = Command(
    "find",
    "find",
    "gs://… [GLOB…]",
    "search below a bucket or prefix",
    _find,
    "A glob is matched against the last part of the name, or, with '/' or '**' in it, against all of it below the "
    "URL. Any other word lies somewhere in the name. Results come as they are found.",
    (
        ("pail find gs://b '*.csv' --larger 10M", ""),
        ("pail find gs://b/logs/ --older 90d", ""),
        ("pail find gs://b report --type application/pdf", ""),
    ),
)

RESTORE: Final = Command(
    "restore",
    "restore",
    "gs://…",
    "bring back what was deleted, or an older version",
    _restore,
    "What was deleted comes back as it was last. --generation brings back that one, also over the live object, which "
    "is replaced only if nobody else has changed it meanwhile.",
    (
        ("pail restore gs://b/report.pdf", ""),
        ("pail restore -r gs://b/photos/", "all that is deleted there"),
        ("pail restore gs://b/report.pdf --generation 1712", "an older version"),
        ("pail restore gs://b", "a bucket that was deleted"),
    ),
)

VERSIONS: Final = Command(
    "versions",
    "versions",
    "gs://…",
    "list generations: live, noncurrent and soft-deleted ones",
    _versions,
    "Each with its generation, size, time and state; of deleted ones also until when they can be restored.",
    (("pail versions gs://b/report.pdf", ""), ("pail --json versions gs://b/photos/", "of everything below")),
)

URL: Final = Command(
    "url",
    "url",
    "gs://…",
    "make a link that works without credentials",
    _url,
    "Whoever has the link can use it until it ends. Needs credentials that can sign: a service account's key, an "
    "impersonated service account, or Replit.",
    (
        ("pail url gs://b/report.pdf", "for an hour"),
        ("pail url gs://b/in.csv --method PUT --for 15min", "to upload it once"),
    ),
)

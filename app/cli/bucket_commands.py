"""The shape of the commands about buckets: the workspace's, their settings, access and usage."""

from __future__ import annotations

from typing import Final

from app.cli.arguments import Parser
from app.cli.command import Command

GROUPS: Final = ("class", "folder", "age", "type")
"""What `usage --by` tells apart."""


def _attach(parser: Parser) -> None:
    parser.word("url", metavar="gs://BUCKET", help="a bucket that exists")
    parser.option("--alias", default="", metavar="NAME", help="what this workspace calls it")


def _one_bucket(parser: Parser) -> None:
    parser.word("url", metavar="gs://BUCKET", help="the bucket")


def _settings(parser: Parser) -> None:
    _one_bucket(parser)
    parser.word("changes", nargs="*", metavar="KEY=VALUE", help="what to change (default: show all)")


def _access(parser: Parser) -> None:
    _one_bucket(parser)
    verbs = ("grant", "revoke")
    parser.word("verb", nargs="?", choices=verbs, metavar="|".join(verbs), help="what to do (default: show)")
    parser.word("member", nargs="?", metavar="MEMBER", help="ada@example.com, group:…, serviceAccount:…, domain:…")
    parser.word("role", nargs="?", metavar="ROLE", help="viewer, creator, user, object-admin, admin or roles/…")
    parser.option("--conditional", action="store_true", help="revoke the role also where a condition limits it")


def _usage(parser: Parser) -> None:
    parser.word("url", nargs="?", metavar="gs://BUCKET[/PREFIX]", help="what to count (default: the selected bucket)")
    parser.option("--by", choices=GROUPS, metavar="GROUP", help=f"also each {', '.join(GROUPS)}")
    parser.option("--cached", action="store_true", help="the last count, if there is one; its age is said")
    parser.option("--abort-uploads", action="store_true", help="abort unfinished multipart uploads first; it asks")
    parser.option("--older", metavar="AGE", help="abort those begun longer ago (default: 1d; 0: all)")


ATTACH: Final = Command(
    "attach",
    "attach",
    "gs://BUCKET",
    "add a bucket to the workspace",
    _attach,
    "It is asked first what these credentials may do with it. A project's buckets are kept in its pail.toml, "
    "else in your own list.",
    (("pail attach gs://my-data --alias photos", ""),),
)

DETACH: Final = Command(
    "detach",
    "detach",
    "gs://BUCKET",
    "take a bucket out of the workspace; its data stays",
    _one_bucket,
    examples=(("pail detach gs://my-data", ""),),
)

SELECT: Final = Command(
    "select",
    "select",
    "gs://BUCKET",
    "make a bucket the current one",
    _one_bucket,
    "It is the one that the screen opens, and that 'pail usage' counts.",
    (("pail select gs://my-data", ""),),
)

SETTINGS: Final = Command(
    "settings",
    "settings",
    "gs://BUCKET [KEY=VALUE…]",
    "show or change a bucket's settings",
    _settings,
    "Only what is named changes, and only if nobody else has changed the settings meanwhile. Lists take one change "
    "after the other: +… adds, -… removes.",
    (
        ("pail settings gs://b", "all of them, in words"),
        ("pail settings gs://b versioning=on soft-delete=30d", ""),
        ("pail settings gs://b 'lifecycle=+delete after 90 days'", "add a rule"),
        ("pail settings gs://b labels=+team=media", "add a label"),
    ),
)

ACCESS: Final = Command(
    "access",
    "access",
    "gs://BUCKET [grant|revoke MEMBER ROLE]",
    "show or change who may do what",
    _access,
    "A change that makes things public, or takes away your own access, asks first; without a terminal it needs --yes.",
    (
        ("pail access gs://b", "who may do what"),
        ("pail access gs://b grant ada@example.com viewer", ""),
        ("pail access gs://b revoke group:team@example.com user", ""),
    ),
)

USAGE: Final = Command(
    "usage",
    "usage",
    "[gs://BUCKET[/PREFIX]]",
    "count what is stored, and what it costs",
    _usage,
    "Older versions, deleted objects that can still be restored and unfinished multipart uploads are counted too: "
    "they cost, and no listing shows them. Prices are list prices; [prices] in config.toml changes them.",
    (
        ("pail usage", "the selected bucket"),
        ("pail usage gs://b --by folder", "the largest folders"),
        ("pail usage gs://b/logs/ --by type", ""),
        ("pail usage gs://b --abort-uploads --older 7d", "what was never finished"),
    ),
)

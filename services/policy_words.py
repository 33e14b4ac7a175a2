"""Members, roles, conditions and permissions in a person's words, and as people type them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from services.errors import UsageError
from services.words import shown

ALL_USERS: Final = "allUsers"
"""Everyone, without signing in."""

ALL_AUTHENTICATED: Final = "allAuthenticatedUsers"
"""Everyone with any Google account, which is everyone."""

PUBLIC_MEMBERS: Final = frozenset({ALL_USERS, ALL_AUTHENTICATED})
"""Members that nobody has to be named for."""

BASIC_ROLES: Final = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
"""Roles of projects, which no bucket takes; they count on its buckets through `projectOwner:…` and the like."""

READ: Final = "read objects"
LIST: Final = "list objects"
WRITE: Final = "replace and delete objects"
CREATE: Final = "create objects"
READ_SETTINGS: Final = "see settings"
SETTINGS: Final = "change settings"
ACCESS: Final = "see and change access"


@dataclass(frozen=True, slots=True)
class Role:
    """A role that can be given on a bucket (cloud.google.com/storage/docs/access-control/iam-roles)."""

    name: str
    """As the service writes it."""
    short: str
    """As it may be typed."""
    title: str
    """For a person."""
    abilities: frozenset[str]
    """What it allows, in words."""

    @property
    def meaning(self) -> str:
        """What it allows, in one line."""
        return ", ".join(word for word in _ORDER if word in self.abilities)


_ORDER: Final = (LIST, READ, CREATE, WRITE, READ_SETTINGS, SETTINGS, ACCESS)


def _role(name: str, short: str, title: str, *abilities: str) -> Role:
    return Role(f"roles/storage.{name}", short, title, frozenset(abilities))


ROLES: Final = (
    _role("objectViewer", "viewer", "Viewer", LIST, READ),
    _role("objectCreator", "creator", "Creator", CREATE),
    _role("objectUser", "user", "User", LIST, READ, CREATE, WRITE),
    _role("objectAdmin", "object-admin", "Object admin", LIST, READ, CREATE, WRITE),
    _role("bucketViewer", "bucket-viewer", "Bucket viewer", READ_SETTINGS),
    _role("admin", "admin", "Admin", LIST, READ, CREATE, WRITE, READ_SETTINGS, SETTINGS, ACCESS),
    _role("legacyBucketReader", "legacy-bucket-reader", "Bucket reader (legacy)", LIST, READ_SETTINGS),
    _role("legacyBucketWriter", "legacy-bucket-writer", "Bucket writer (legacy)", LIST, CREATE, WRITE, READ_SETTINGS),
    _role(
        "legacyBucketOwner",
        "legacy-bucket-owner",
        "Bucket owner (legacy)",
        LIST,
        CREATE,
        WRITE,
        READ_SETTINGS,
        SETTINGS,
        ACCESS,
    ),
    _role("legacyObjectReader", "legacy-object-reader", "Object reader (legacy)", READ),
    _role("legacyObjectOwner", "legacy-object-owner", "Object owner (legacy)", READ, WRITE),
)
"""Roles to choose from, the harmless ones first."""

_BY_NAME: Final = {role.name: role for role in ROLES}
_BY_SHORT: Final = {role.short: role for role in ROLES}
_SYNONYMS: Final = {
    "read": "viewer",
    "reader": "viewer",
    "write": "user",
    "writer": "user",
    "editor": "user",
    "owner": "admin",
}
_ROLE: Final = re.compile(r"(?:(?:projects|organizations)/[\w.:-]+/)?roles/[\w.]+", re.ASCII)


def role_of(name: str) -> Role | None:
    """Return what is known of a role; None for one that is not in the table."""
    return _BY_NAME.get(name)


def role_title(name: str) -> str:
    """Return what a person calls a role; an unknown one as the service writes it, made safe."""
    known = _BY_NAME.get(name)
    return known.title if known else shown(name, 100)


def parse_role(text: str) -> str:
    """Return the service's name of a role: short (`viewer`), full, or without `roles/`; raises `UsageError`."""
    word = text.strip()
    short = _SYNONYMS.get(word.lower(), word.lower())
    if known := _BY_SHORT.get(short):
        return known.name
    if word.startswith("storage."):
        word = f"roles/{word}"
    if f"roles/storage.{word}" in _BY_NAME:
        return f"roles/storage.{word}"
    if _ROLE.fullmatch(word):
        return word
    shorts = ", ".join(role.short for role in ROLES if "legacy" not in role.short)
    raise UsageError(f"'{shown(text, 80)}' is not a role", remedy=f"One of: {shorts}; or a full name such as roles/….")


_EMAIL: Final = re.compile(
    r"[^\s@:/\"'<>(),;]{1,128}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[A-Za-z0-9.-]+)?"
)
_DOMAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})+", re.ASCII)
_PROJECT: Final = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*", re.ASCII)
_DELETED: Final = re.compile(r"deleted:(?:user|group|serviceAccount):[^\s?]+\?uid=\d+|deleted:principal://\S+")
_PRINCIPAL: Final = re.compile(r"principal(?:Set)?://\S+/\S+")
_PUBLIC_WORDS: Final = {
    "allusers": ALL_USERS,
    "public": ALL_USERS,
    "everyone": ALL_USERS,
    "allauthenticatedusers": ALL_AUTHENTICATED,
}
MEMBER_LIMIT: Final = 1_000
"""Characters that a member may have here: the longest are principals of workload pools."""

_SERVICE_ACCOUNT_SUFFIX: Final = ".gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of member: what comes after its colon, and how it reads."""

    pattern: re.Pattern[str]
    example: str
    words: str


_KINDS: Final[Mapping[str, _Kind]] = {
    "user": _Kind(_EMAIL, "user:ada@example.com", "{}"),
    "group": _Kind(_EMAIL, "group:team@example.com", "members of the group {}"),
    "serviceAccount": _Kind(
        _EMAIL, f"serviceAccount:app@my-project.iam{_SERVICE_ACCOUNT_SUFFIX}", "service account {}"
    ),
    "domain": _Kind(_DOMAIN, "domain:example.com", "everyone at {}"),
    "projectOwner": _Kind(_PROJECT, "projectOwner:my-project", "owners of the project {}"),
    "projectEditor": _Kind(_PROJECT, "projectEditor:my-project", "editors of the project {}"),
    "projectViewer": _Kind(_PROJECT, "projectViewer:my-project", "viewers of the project {}"),
}
_KIND_BY_WORD: Final = {kind.lower(): kind for kind in _KINDS} | {
    "serviceaccount": "serviceAccount",
    "sa": "serviceAccount",
}


def is_through_project(member: str) -> bool:
    """Tell whether a member stands for whoever has a role on the project."""
    return member.startswith(("projectOwner:", "projectEditor:", "projectViewer:"))


def parse_member(text: str) -> str:
    """Return a member as the service writes it; raises `UsageError` that says how to write what was meant.

    A bare address is a user, or a service account where its domain says so; `public` is everyone.  Addresses and
    domains are written in lower case, as the service keeps them.
    """
    word = text.strip()
    if not (word.isascii() and word.isprintable() and len(word) <= MEMBER_LIMIT):
        raise _no_member(text, "it has letters that no member has, or too many", "")
    if public := _PUBLIC_WORDS.get(word.lower()):
        return public
    if _DELETED.fullmatch(word) or _PRINCIPAL.fullmatch(word):
        return word
    kind_word, colon, rest = word.partition(":")
    if not colon:
        if not _EMAIL.fullmatch(word):
            raise _no_member(text, "a member is an address, or has its kind before a colon", "user")
        kind = "serviceAccount" if word.lower().endswith(_SERVICE_ACCOUNT_SUFFIX) else "user"
        return f"{kind}:{word.lower()}"
    found = _KIND_BY_WORD.get(kind_word.lower())
    if found is None:
        raise _no_member(text, f"'{shown(kind_word, 40)}' is not a kind of member", "")
    rest = rest.strip() if found.startswith("project") else rest.strip().lower()
    if not _KINDS[found].pattern.fullmatch(rest):
        raise _no_member(text, f"what follows '{found}:' is not right", found)
    if found == "user" and rest.endswith(_SERVICE_ACCOUNT_SUFFIX):
        raise _no_member(text, "that is the address of a service account", "serviceAccount")
    return f"{found}:{rest}"


def _no_member(text: str, why: str, kind: str) -> UsageError:
    examples = [_KINDS[kind].example] if kind else [each.example for each in _KINDS.values()]
    remedy = f"Write it as {', '.join(examples)}{'' if kind else ', or allUsers'}."
    return UsageError(f"'{shown(text, 80)}' is not a member: {why}", remedy=remedy)


def member_words(member: str, *, capital: bool = False) -> str:
    """Return a member in words, safe on a terminal: `everyone at example.com`."""
    words = _member_words(member)
    return words[:1].upper() + words[1:] if capital and not words.startswith("\\") else words


def _member_words(member: str) -> str:
    if member == ALL_USERS:
        return "everyone on the internet"
    if member == ALL_AUTHENTICATED:
        return "everyone with any Google account"
    kind, _, rest = member.partition(":")
    if kind == "deleted":
        inner, _, _ = rest.partition("?uid=")
        return f"{_member_words(inner)} (deleted)"
    if kind == "principalSet":
        return f"identities {shown(rest.removeprefix('//'))}"
    if kind == "principal":
        return f"identity {shown(rest.removeprefix('//'))}"
    known = _KINDS.get(kind)
    return known.words.format(shown(rest)) if known else shown(member)


def condition_words(condition: Mapping[str, str] | None) -> str:
    """Return a condition in words: its title, and its expression, which is what decides; "" for none."""
    if not condition:
        return ""
    title, expression = condition.get("title", ""), condition.get("expression", "")
    return f"only if {shown(title, 80)}: {shown(expression)}" if title else f"only if {shown(expression)}"


PERMISSIONS: Final[Mapping[str, str]] = {
    "storage.objects.list": "list objects",
    "storage.objects.get": "read objects",
    "storage.objects.create": "create objects",
    "storage.objects.delete": "delete and replace objects",
    "storage.objects.update": "change metadata of objects",
    "storage.objects.restore": "restore deleted objects",
    "storage.objects.overrideUnlockedRetention": "lift retention of objects",
    "storage.buckets.get": "see the settings",
    "storage.buckets.update": "change the settings",
    "storage.buckets.delete": "delete the bucket",
    "storage.buckets.getIamPolicy": "see who has access",
    "storage.buckets.setIamPolicy": "change who has access",
}
"""What is asked of `testIamPermissions`, and what each permission allows, in words."""


@dataclass(frozen=True, slots=True)
class MayLine:
    """One thing that these credentials may do here, or may not."""

    words: str
    """What."""
    permission: str
    """The permission it takes."""
    allowed: bool
    """Whether they have it."""


def may(granted: Collection[str]) -> list[MayLine]:
    """Return what the answer of `testIamPermissions` for `PERMISSIONS` means, line by line."""
    return [MayLine(words, permission, permission in granted) for permission, words in PERMISSIONS.items()]


_SENTENCE: Final[tuple[tuple[str, Callable[[frozenset[str]], bool]], ...]] = (
    ("read objects", lambda has: {"storage.objects.list", "storage.objects.get"} <= has),
    ("read objects by name only", lambda has: "storage.objects.get" in has and "storage.objects.list" not in has),
    ("list objects only", lambda has: "storage.objects.list" in has and "storage.objects.get" not in has),
    ("add objects", lambda has: "storage.objects.create" in has and "storage.objects.delete" not in has),
    ("add, replace and delete objects", lambda has: {"storage.objects.create", "storage.objects.delete"} <= has),
    ("delete objects", lambda has: "storage.objects.delete" in has and "storage.objects.create" not in has),
    ("change the settings", lambda has: "storage.buckets.update" in has),
    ("change who has access", lambda has: "storage.buckets.setIamPolicy" in has),
    ("delete the bucket", lambda has: "storage.buckets.delete" in has),
)


def may_sentence(granted: Collection[str]) -> str:
    """Return what one may do here in one sentence."""
    has = frozenset(granted)
    parts = [words for words, holds in _SENTENCE if holds(has)]
    return f"You may {'; '.join(parts)}." if parts else "You may do nothing here that Pail knows of."

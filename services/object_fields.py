"""What Google keeps about an object: shown in full, and changed one field at a time, for one object or for many."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from services.errors import UsageError
from services.model import ObjectInfo
from services.quantities import is_off, parse_switch
from services.storage_classes import CLASSES, parse_class
from services.words import parse_moment, shown

METADATA_LIMIT_BYTES: Final = 8 * 1024
"""Bytes of all names and values of an object's custom metadata (cloud.google.com/storage/quotas)."""

HEADER_LIMIT: Final = 1024
"""Characters that a typed header value may have: longer ones are a slip, and downloads would carry them."""

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+(?:\s*;.*)?", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*(?:\s*,\s*[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)*")
_WRITABLE: Final = (
    "contentType",
    "contentEncoding",
    "contentDisposition",
    "contentLanguage",
    "cacheControl",
    "customTime",
    "metadata",
)
"""Fields that a rewrite takes from the request, or drops, once the request says anything at all."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What has to be sent to change one object."""

    patch: Mapping[str, Any] = field(default_factory=dict)
    """For `DataPlane.patch`: only the fields that really change; None removes one."""
    storage_class: str = ""
    """The class to move to; empty to stay.  That takes a rewrite (with `rewrite_attributes`), not a patch."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.patch or self.storage_class)


@dataclass(frozen=True, slots=True)
class EditableField:
    """One thing about an object that can be changed."""

    key: str
    """As typed in `KEY=VALUE`."""
    label: str
    """For a person."""
    meaning: str
    """What it does, in one line."""
    example: str
    """What may be typed, by example; an empty text or `none` removes what can be removed."""
    typed: Callable[[ObjectInfo], str]
    """The present value as it would be typed (raw); empty for none."""
    parse: Callable[[str, ObjectInfo], Edit]
    """What a text asks for, whether or not it is so already; raises `UsageError`."""
    choices: tuple[str, ...] = ()
    """All that may be typed, where that is a short list."""


def _header(name: str, pattern: re.Pattern[str] | None, wrong: str) -> Callable[[str, ObjectInfo], Edit]:
    """Return the parser of a field that becomes a header of downloads."""

    def parse(text: str, _info: ObjectInfo) -> Edit:
        value = text.strip()
        if not value or value.lower() == "none":
            return Edit({name: None})
        fits = value.isprintable() and len(value) <= HEADER_LIMIT and (not pattern or pattern.fullmatch(value))
        if not fits:
            raise UsageError(f"'{shown(text, 80)}' {wrong}", remedy="Leave it empty to remove the field.")
        return Edit({name: value})

    return parse


def _text(name: str) -> Callable[[ObjectInfo], str]:
    return lambda info: str(info.resource.get(name) or "")


def _hold(name: str) -> Callable[[str, ObjectInfo], Edit]:
    return lambda text, _info: Edit({name: parse_switch(text)})


def _held(name: str) -> Callable[[ObjectInfo], str]:
    return lambda info: "on" if info.resource.get(name) is True else "off"


def _parse_metadata(text: str, info: ObjectInfo) -> Edit:
    """Return the change of custom metadata: `+k=v` adds or replaces, `-k` removes, one a line; `none` removes all.

    Lines without a sign replace everything.  The time that transfers keep (`goog-reserved-…`) is left alone unless it
    is named.
    """
    lines = [] if is_off(text) else [line.strip() for line in text.splitlines() if line.strip()]
    relative = [line for line in lines if line[0] in "+-"]
    if relative and len(relative) != len(lines):
        raise UsageError("some lines have a + or -, some do not", remedy="Write +k=v or -k for each, or k=v for all.")
    removed = [] if relative else [key for key in info.metadata if not key.startswith("goog-reserved-")]
    wanted: dict[str, str | None] = dict.fromkeys(removed)
    for line in lines:
        if line.startswith("-"):
            wanted[line[1:].strip()] = None
            continue
        key, equals, value = line.removeprefix("+").partition("=")
        if not equals or not key.strip() or not (key + value).isprintable():
            raise UsageError(f"'{shown(line, 80)}' is not metadata", remedy="Write it as name=value, one a line.")
        wanted[key.strip()] = value.strip()
    _check_metadata_size({**info.metadata, **wanted})
    return Edit({"metadata": wanted})


def _check_metadata_size(metadata: Mapping[str, str | None]) -> None:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items() if value is not None)
    if size > METADATA_LIMIT_BYTES:
        raise UsageError(
            f"custom metadata would have {size:,} bytes; it has at most {METADATA_LIMIT_BYTES:,}",
            remedy="Keep less there, or in the object itself.",
        )


def _type_metadata(info: ObjectInfo) -> str:
    return "\n".join(f"{k}={v}" for k, v in sorted(info.metadata.items()) if not k.startswith("goog-reserved-"))


def _parse_custom_time(text: str, info: ObjectInfo) -> Edit:
    """Return the change of the custom time, which the service lets grow and never removes."""
    moment = parse_moment(text.strip())
    if moment is None:
        remedy = "Write it as 2026-11-22 or 2026-11-22T14:00:00Z; it cannot be removed."
        raise UsageError(f"'{shown(text, 40)}' is not a time", remedy=remedy)
    present = parse_moment(info.resource.get("customTime"))
    if present is not None and moment < present:
        raise UsageError("a custom time can only be moved to a later time", remedy="Copy the object to start anew.")
    if present == moment:
        return Edit({"customTime": info.resource["customTime"]})
    return Edit({"customTime": datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")})


FIELDS: Final[tuple[EditableField, ...]] = (
    EditableField(
        "content-type",
        "Content type",
        "what browsers take it for",
        "image/png",
        lambda info: info.content_type,
        _header("contentType", _MEDIA_TYPE, "is not a content type such as text/html; charset=utf-8"),
    ),
    EditableField(
        "cache-control",
        "Cache control",
        "how long browsers and proxies may keep it; public objects are cached for an hour without it",
        "public, max-age=3600",
        _text("cacheControl"),
        _header("cacheControl", None, "cannot be a header"),
    ),
    EditableField(
        "disposition",
        "Disposition",
        "whether browsers show or save it, and under which name",
        'attachment; filename="report.pdf"',
        _text("contentDisposition"),
        _header("contentDisposition", None, "cannot be a header"),
    ),
    EditableField(
        "language",
        "Language",
        "language of its content",
        "en",
        _text("contentLanguage"),
        _header("contentLanguage", _LANGUAGE, "is not a language such as en or pt-BR"),
    ),
    EditableField(
        "encoding",
        "Encoding",
        "gzip says that the stored bytes are compressed: wrong, and downloads break",
        "gzip",
        lambda info: info.content_encoding,
        _header("contentEncoding", re.compile(r"[\w.-]+(?:\s*,\s*[\w.-]+)*", re.ASCII), "is not an encoding"),
    ),
    EditableField(
        "metadata",
        "Custom metadata",
        "names and values of your own, sent with downloads as x-goog-meta-…",
        "+reviewed=yes",
        _type_metadata,
        _parse_metadata,
    ),
    EditableField(
        "class",
        "Class",
        "changing it rewrites the object: a new generation, and the old class's minimum time is billed",
        "nearline",
        lambda info: info.storage_class.lower(),
        lambda text, _info: Edit(storage_class=parse_class(text)),
        choices=tuple(known.name.lower() for known in CLASSES),
    ),
    EditableField(
        "temporary-hold",
        "Temporary hold",
        "on: it cannot be deleted or replaced",
        "on",
        _held("temporaryHold"),
        _hold("temporaryHold"),
        choices=("on", "off"),
    ),
    EditableField(
        "event-hold",
        "Event-based hold",
        "on: it cannot be deleted or replaced; releasing it starts the bucket's retention",
        "on",
        _held("eventBasedHold"),
        _hold("eventBasedHold"),
        choices=("on", "off"),
    ),
    EditableField(
        "custom-time",
        "Custom time",
        "a time of your own for lifecycle rules; it can only be moved to a later one",
        "2026-11-22",
        _text("customTime"),
        _parse_custom_time,
    ),
)
"""All that can be changed, in the order of the details."""

_BY_KEY: Final[Mapping[str, EditableField]] = {each.key: each for each in FIELDS}


def editable(key: str) -> EditableField:
    """Return the field of a key; raises `UsageError` that names all keys."""
    found = _BY_KEY.get(key.strip().lower().replace("_", "-"))
    if found is None:
        raise UsageError(f"there is no field '{shown(key, 40)}'", remedy=f"One of: {', '.join(_BY_KEY)}.")
    return found


def changes(info: ObjectInfo, edits: Mapping[str, str]) -> Edit:
    """Return what has to be sent so that an object has the typed values; raises `UsageError`.

    What is so already is left out, so an edit of many objects touches only those that differ.  Send a patch with
    the generation and the metageneration of `info`.
    """
    patch: dict[str, Any] = {}
    storage_class = ""
    for key, text in edits.items():
        wanted = editable(key).parse(text, info)
        patch.update({name: value for name, value in wanted.patch.items() if not _is_so(info, name, value)})
        if wanted.storage_class and wanted.storage_class != info.storage_class:
            storage_class = wanted.storage_class
    if "metadata" in patch:
        patch["metadata"] = {key: value for key, value in patch["metadata"].items() if info.metadata.get(key) != value}
    return Edit(patch, storage_class)


def _is_so(info: ObjectInfo, name: str, value: Any) -> bool:
    if name == "metadata":
        return all(info.metadata.get(key) == item for key, item in value.items())
    return bool((info.resource.get(name) or None) == (value or None))


def shared(infos: Sequence[ObjectInfo]) -> dict[str, str | None]:
    """Return the typed value that all objects have in common, by key; None where they differ."""
    values = {each.key: {each.typed(info) for info in infos} for each in FIELDS}
    return {key: next(iter(found)) if len(found) == 1 else None for key, found in values.items()}


def rewrite_attributes(info: ObjectInfo, edit: Edit) -> dict[str, Any]:
    """Return the `attributes` of a rewrite that changes the class and carries everything else over.

    A rewrite with any attribute replaces all of them, so those that are there are named again.
    """
    kept = {name: info.resource[name] for name in _WRITABLE if info.resource.get(name)}
    metadata = {**info.metadata, **(edit.patch.get("metadata") or {})}
    merged = {**kept, **edit.patch, "metadata": {key: value for key, value in metadata.items() if value is not None}}
    merged["storageClass"] = edit.storage_class or info.storage_class
    return {name: value for name, value in merged.items() if value not in (None, {})}

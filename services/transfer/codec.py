"""Messages as JSON: one codec for the journal and for the worker's socket.

A record becomes an object whose key `$` names its class; tuples become arrays.  Only the classes registered here
are ever built again, so that neither a journal nor a peer can make anything else.  Lone surrogates (local names that
are not UTF-8) survive, because JSON escapes them.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from services import errors
from services.connection import Connection, CredentialSpec
from services.errors import PailError, Rejected
from services.transfer import messages

KIND: Final = "$"
"""Key that names the class of an object."""

_CLASSES: Final[dict[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        Connection,
        CredentialSpec,
        messages.JobItem,
        messages.JobSpec,
        messages.Submit,
        messages.Control,
        messages.Reorder,
        messages.Answer,
        messages.SetBandwidth,
        messages.Reply,
        messages.TransferView,
        messages.JobView,
        messages.SnapshotQuery,
        messages.Snapshot,
        messages.ItemFact,
        messages.JobFact,
        messages.ConflictFact,
        messages.NoticeFact,
    )
}
"""Classes that may travel, by name."""

_OF_PAIRS: Final = ("LineView", "TroubleView", "ConflictView", "PlanGroup", "PlanView", "PassView", "PairView")
"""Classes of `services.sync.status` that may travel too: loaded when the first one does, which costs 9 ms."""

_FIELDS: Final[dict[type[Any], tuple[str, ...]]] = {kind: kind._fields for kind in _CLASSES.values()}
"""Field names of those classes, looked up once."""


def _admit_pairs() -> None:
    """Let the classes travel that tell of pairs."""
    from services.sync import status

    for name in _OF_PAIRS:
        kind = _CLASSES[name] = getattr(status, name)
        _FIELDS[kind] = getattr(kind, "_fields", None) or tuple(field.name for field in dataclasses.fields(kind))


def to_plain(value: Any) -> Any:
    """Return `value` as what JSON knows; raises `TypeError` for a class that may not travel."""
    kind = type(value)
    if kind.__name__ in _OF_PAIRS and kind.__name__ not in _CLASSES:
        _admit_pairs()
    if kind in _FIELDS:
        plain: dict[str, Any] = {KIND: kind.__name__}
        for name in _FIELDS[kind]:
            plain[name] = to_plain(getattr(value, name))
        return plain
    if kind in (list, tuple):
        return [to_plain(each) for each in value]
    if value is None or kind in (str, int, float, bool):
        return value
    raise TypeError(f"{kind.__name__} is not a message")


def from_plain(plain: Any) -> Any:
    """Rebuild what `to_plain` made; fields that this version does not know are ignored.

    Raises `Rejected` for an unknown class or a missing field.
    """
    if isinstance(plain, list):
        return tuple(from_plain(each) for each in plain)
    if not isinstance(plain, dict):
        return plain
    name = str(plain.get(KIND))
    if name in _OF_PAIRS and name not in _CLASSES:
        _admit_pairs()
    kind = _CLASSES.get(name)
    if kind is None:
        raise Rejected("a message of an unknown kind", remedy="Update pail; another version wrote it.")
    values = {key: from_plain(plain[key]) for key in _FIELDS[kind] if key in plain}
    try:
        return kind(**values)
    except TypeError as error:
        raise Rejected(f"a broken {kind.__name__} message: {error}", remedy="Update pail.") from error


def dumps(value: Any) -> str:
    """Return a message as compact JSON text, ASCII only."""
    return json.dumps(to_plain(value), separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """Rebuild a message from `dumps`; raises `Rejected`."""
    try:
        return from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Rejected("a message that is not JSON", remedy="Update pail; another version wrote it.") from error


def error_to_plain(error: PailError) -> dict[str, Any]:
    """Return an error as what JSON knows."""
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "remedy": error.remedy,
        "url": error.url,
        "retry_after_s": getattr(error, "retry_after_s", None),
    }


def error_from_plain(plain: dict[str, Any]) -> PailError:
    """Rebuild an error; an unknown kind becomes a plain `PailError`."""
    kind = getattr(errors, str(plain.get("kind")), PailError)
    if not (isinstance(kind, type) and issubclass(kind, PailError)):
        kind = PailError
    return kind(
        str(plain.get("message", "it failed")), remedy=str(plain.get("remedy", "")), url=str(plain.get("url", ""))
    )

"""Until when a delete can be undone, as dialogs say it before it is done (`services.history` undoes it)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from services.lifecycle import DELETE, rules_of
from services.model import BucketInfo
from services.words import DAY_S, day

FOR_GOOD: Final = "This cannot be undone."
"""What a dialog says where nothing is kept."""


@dataclass(frozen=True, slots=True)
class UndoTerms:
    """Until when, and by what, a delete can be undone."""

    sentence: str
    """One sentence for a dialog, or two."""
    final: bool
    """Whether to warn: the delete is for good, or nobody can tell that it is not."""
    until: float | None
    """Seconds since the epoch until which it can be undone; None where it is for good, unlimited or unknown."""


def undo_terms(
    bucket: BucketInfo | None,
    now: float,
    *,
    many: bool = True,
    versions: bool = False,
    may_restore: bool = True,
    zone: tzinfo | None = None,
) -> UndoTerms:
    """Say until when what is deleted now (seconds since the epoch) can be brought back.

    `bucket` is None where its settings cannot be read (normal with Replit's credentials): then the worst is assumed
    and said.  `many` chooses between "They" and "It".  `versions`: exact generations are deleted, which versioning does
    not keep.  `may_restore` is what `testIamPermissions` says of `storage.objects.restore` (soft delete) or
    `storage.objects.create` (versions).  The date is that of `zone` (None: the local one).
    """
    they = "They" if many else "It"
    if bucket is None:
        sentence = "This may not be undone: the settings of this bucket cannot be read."
        return UndoTerms(sentence, final=True, until=None)
    if bucket.versioning and not versions:
        terms = _kept_as_version(bucket, now, they, many, zone)
    elif bucket.soft_delete_s > 0:
        until = now + bucket.soft_delete_s
        terms = UndoTerms(f"{they} can be restored until {day(until, zone)} (soft delete).", final=False, until=until)
    else:
        return UndoTerms(FOR_GOOD, final=True, until=None)
    if may_restore:
        return terms
    return UndoTerms(f"{terms.sentence} Your permissions do not allow you to restore.", final=True, until=terms.until)


def _kept_as_version(bucket: BucketInfo, now: float, they: str, many: bool, zone: tzinfo | None) -> UndoTerms:
    """Say how long a noncurrent generation lasts: until a lifecycle rule deletes it, and soft delete after that."""
    stay = "stay" if many else "stays"
    form = "older versions" if many else "an older version"
    days, vague = _noncurrent_deletes(bucket.resource)
    if days is None and not vague:
        sentence = f"{they} {stay} as {form} and can be restored (versioning)."
        return UndoTerms(sentence, final=False, until=None)
    if vague or days is None:
        sentence = f"{they} can be restored (versioning) until a lifecycle rule deletes older versions."
        return UndoTerms(sentence, final=False, until=None)
    until = now + days * DAY_S + bucket.soft_delete_s
    return UndoTerms(f"{they} can be restored until {day(until, zone)} (versioning).", final=False, until=until)


def _noncurrent_deletes(resource: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Return after how many days a rule deletes noncurrent generations, and whether one does so at another time."""
    days: list[int] = []
    vague = False
    for rule in rules_of(resource):
        condition = rule.condition
        if rule.action != DELETE or condition.get("isLive") is True:
            continue
        # Only a rule of this one condition has a moment that can be named; any other depends on the object.
        after = condition.get("daysSinceNoncurrentTime")
        if isinstance(after, int) and set(condition) <= {"daysSinceNoncurrentTime", "isLive"}:
            days.append(after)
        else:
            vague = True
    return (min(days) if days else None), vague

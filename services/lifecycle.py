"""Lifecycle rules of a bucket: in plain words and back, the common ones, and which objects a rule would touch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from services.errors import UsageError
from services.model import ObjectRow
from services.storage_classes import class_title, is_colder, parse_class
from services.words import DAY_S, count, joined, parse_moment, shown

DELETE: Final = "Delete"
"""Action that deletes (a live object of a versioned bucket becomes noncurrent)."""

SET_CLASS: Final = "SetStorageClass"
"""Action that moves objects to a colder class."""

ABORT: Final = "AbortIncompleteMultipartUpload"
"""Action that drops unfinished multipart uploads, which are billed and which no listing of objects shows."""

RULES_LIMIT: Final = 100
"""Rules that a bucket may have (cloud.google.com/storage/docs/lifecycle)."""

DAYS_LIMIT: Final = 36_500
"""Days that a rule may wait: a hundred years, to catch a slip of the finger."""

_GENERATION_EPOCH_S: Final = 1_262_304_000
"""2010: generations of the service are microseconds since the epoch, and none is older than the service."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, kept exactly as the service sent it, so that nothing unknown is lost when the list is written back."""

    resource: Mapping[str, Any]
    """The JSON object with `action` and `condition`."""

    @property
    def action(self) -> str:
        """What it does: `Delete`, `SetStorageClass`, `AbortIncompleteMultipartUpload`, or what is not known here."""
        return str(_object(self.resource.get("action")).get("type", ""))

    @property
    def storage_class(self) -> str:
        """The class it moves objects to; empty for other actions."""
        return str(_object(self.resource.get("action")).get("storageClass", ""))

    @property
    def condition(self) -> Mapping[str, Any]:
        """What all has to hold."""
        return _object(self.resource.get("condition"))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def rules_of(resource: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of a bucket's JSON resource, in order."""
    rules = _object(resource.get("lifecycle")).get("rule")
    return tuple(Rule(rule) for rule in rules if isinstance(rule, Mapping)) if isinstance(rules, list) else ()


def patch_of(rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the change of a bucket that leaves exactly `rules`; raises `UsageError` for too many."""
    if len(rules) > RULES_LIMIT:
        raise UsageError(f"a bucket has at most {RULES_LIMIT} lifecycle rules", remedy="Remove one first.")
    return {"lifecycle": {"rule": [dict(rule.resource) for rule in rules]} if rules else None}


def with_rule(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """Return the rules with one more; the same ones where it is there already."""
    return tuple(rules) if rule in rules else (*rules, rule)


def without_rule(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """Return the rules without one."""
    return tuple(other for other in rules if other != rule)


def _rule(action: str, condition: dict[str, Any], prefix: str = "", storage_class: str = "") -> Rule:
    what = {"type": action, "storageClass": storage_class} if storage_class else {"type": action}
    return Rule({"action": what, "condition": condition | ({"matchesPrefix": [prefix]} if prefix else {})})


def delete_after(days: int, prefix: str = "") -> Rule:
    """Return the rule that deletes objects `days` after their creation."""
    return _rule(DELETE, {"age": _days(days)}, prefix)


def move_after(days: int, storage_class: str, prefix: str = "") -> Rule:
    """Return the rule that moves objects to a colder class `days` after their creation."""
    return _rule(SET_CLASS, {"age": _days(days)}, prefix, parse_class(storage_class))


def keep_versions(number: int, prefix: str = "") -> Rule:
    """Return the rule that deletes all but the newest `number` generations, the live one included."""
    if number < 1:
        raise UsageError("at least one version has to be kept", remedy="Write it as: keep 3 versions")
    return _rule(DELETE, {"numNewerVersions": number}, prefix)


def delete_versions_after(days: int, prefix: str = "") -> Rule:
    """Return the rule that deletes generations `days` after they were replaced or deleted."""
    return _rule(DELETE, {"daysSinceNoncurrentTime": _days(days)}, prefix)


def abort_uploads_after(days: int, prefix: str = "") -> Rule:
    """Return the rule that drops multipart uploads which are not finished `days` after their start."""
    return _rule(ABORT, {"age": _days(days)}, prefix)


def _int(digits: str) -> int:
    return int(digits.replace(",", ""))


def _days(days: int) -> int:
    if 0 <= days <= DAYS_LIMIT:
        return days
    raise UsageError(f"a rule waits 0 to {DAYS_LIMIT:,} days", remedy="Write it as: delete after 90 days")


RULE_FORMS: Final = (
    "delete after 90 days (logs/)",
    "to Nearline after 30 days",
    "delete all but the newest 3 versions",
    "delete older versions after 30 days",
    "abort unfinished uploads after 7 days",
)
"""What `parse_rule` reads: an example of each."""

_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Rule]], ...]] = tuple(
    (re.compile(pattern.replace("{N}", r"(\d[\d,]{0,8})"), re.IGNORECASE | re.ASCII), make)
    for pattern, make in (
        (r"delete(?: after)? {N} ?d(?:ays?)?", lambda m, prefix: delete_after(_int(m[1]), prefix)),
        (
            r"(?:move )?to (\w+)(?: after)? {N} ?d(?:ays?)?",
            lambda m, prefix: move_after(_int(m[2]), m[1], prefix),
        ),
        (
            r"(?:delete all but the newest|keep(?: the newest)?) {N} versions?",
            lambda m, prefix: keep_versions(_int(m[1]), prefix),
        ),
        (
            r"delete (?:older )?versions(?: after)? {N} ?d(?:ays?)?",
            lambda m, prefix: delete_versions_after(_int(m[1]), prefix),
        ),
        (
            r"abort (?:unfinished )?uploads(?: after)? {N} ?d(?:ays?)?",
            lambda m, prefix: abort_uploads_after(_int(m[1]), prefix),
        ),
    )
)


def parse_rule(text: str) -> Rule:
    """Return the rule that plain words ask for, as `words` writes the common ones; raises `UsageError`.

    A prefix follows in parentheses and is taken literally: `delete after 90 days (logs/)`.
    """
    sentence, prefix = text.strip(), ""
    if sentence.endswith(")") and " (" in sentence:
        sentence, _, prefix = sentence[:-1].partition(" (")
    for form, make in _FORMS:
        if match := form.fullmatch(sentence.strip()):
            return make(match, prefix)
    raise UsageError(
        f"'{shown(text, 80)}' is not a lifecycle rule that Pail knows",
        remedy=f"Write it as one of: {' · '.join(RULE_FORMS)}",
    )


def words(rule: Rule) -> str:
    """Return a rule in plain words, such as `delete after 90 days (logs/)`.

    A condition that is not known here is named with its value rather than left out, since every further condition
    narrows what a rule does.
    """
    condition = dict(rule.condition)
    scope = _scope(condition)
    what = _action_words(rule)
    newest = condition.get("numNewerVersions")
    if rule.action == DELETE and set(condition) == {"numNewerVersions"} and _is_number(newest):
        text = f"delete all but the newest {count(newest, 'version')}"
    elif (
        rule.action == DELETE
        and set(condition) == {"daysSinceNoncurrentTime"}
        and _is_number(days := condition["daysSinceNoncurrentTime"])
    ):
        text = f"delete older versions after {count(days, 'day')}"
    else:
        clauses = [_clause(key, value) for key, value in condition.items()]
        text = f"{what} {joined(clauses)}" if clauses else f"{what}, always"
    return f"{text} ({'; '.join(scope)})" if scope else text


def _action_words(rule: Rule) -> str:
    if rule.action == SET_CLASS:
        return f"to {class_title(rule.storage_class)}"
    if rule.action in (DELETE, ABORT):
        return "delete" if rule.action == DELETE else "abort unfinished uploads"
    return f"'{shown(rule.action, 60)}' (unknown to Pail)"


def _scope(condition: dict[str, Any]) -> list[str]:
    """Take out of `condition` what narrows the objects, and return it in words."""
    scope: list[str] = []
    for key, form in (("matchesPrefix", "{}"), ("matchesSuffix", "…{}")):
        if _is_texts(values := condition.get(key)):
            scope += [form.format(shown(value, 80)) for value in values]
            del condition[key]
    if _is_texts(values := condition.get("matchesStorageClass")):
        scope.append(f"{joined([class_title(value) for value in values], 'or')} only")
        del condition["matchesStorageClass"]
    if isinstance(live := condition.get("isLive"), bool):
        scope.append("live objects only" if live else "older versions only")
        del condition["isLive"]
    return scope


def _clause(key: str, value: Any) -> str:
    if key in _DAY_CLAUSES and _is_number(value):
        return _DAY_CLAUSES[key].format(count(value, "day"))
    if key == "numNewerVersions" and _is_number(value):
        return f"with at least {count(value, 'newer version')}"
    if key in _DATE_CLAUSES and (moment := parse_moment(value)) is not None:
        return _DATE_CLAUSES[key].format(datetime.fromtimestamp(moment, UTC).date().isoformat())
    return f"where {shown(key, 40)} is {shown(value, 80)} (unknown to Pail)"


_DAY_CLAUSES: Final = {
    "age": "after {}",
    "daysSinceCustomTime": "{} after their custom time",
    "daysSinceNoncurrentTime": "{} after they were replaced or deleted",
}
_DATE_CLAUSES: Final = {
    "createdBefore": "if created before {}",
    "customTimeBefore": "if their custom time is before {}",
    "noncurrentTimeBefore": "if replaced or deleted before {}",
}


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def created_time(row: ObjectRow) -> float:
    """Return when a generation was created, in seconds since the epoch, as near as a listing tells.

    Google's generations are microseconds since the epoch; where one is not, the last change stands in, which is later.
    """
    stamp = row.generation / 1_000_000
    return stamp if _GENERATION_EPOCH_S <= stamp <= row.updated + DAY_S else row.updated


def matches(rule: Rule, row: ObjectRow, now: float, *, newer: int = 0) -> bool:
    """Tell whether a rule would touch a generation at `now` (seconds since the epoch): an estimate for "would save".

    `newer` counts the newer generations of the same name.  What a listing does not tell (custom times), and what is
    not known here, counts as not met, so that no saving is promised that may not come.  A move to a class touches only
    what is hotter than that class.
    """
    if rule.action == SET_CLASS:
        if not is_colder(rule.storage_class, row.storage_class):
            return False
    elif rule.action != DELETE:
        return False
    condition = rule.condition
    return bool(condition) and all(_holds(key, value, row, now, newer) for key, value in condition.items())


def _holds(key: str, value: Any, row: ObjectRow, now: float, newer: int) -> bool:
    check = _CHECKS.get(key)
    return check is not None and check(value, row, now, newer)


def _days_passed(since: float | None, value: object, now: float) -> bool:
    return since is not None and _is_number(value) and now - since >= value * DAY_S


def _lies_before(since: float | None, value: object) -> bool:
    moment = parse_moment(value)
    return since is not None and moment is not None and since < moment


_CHECKS: Final[Mapping[str, Callable[[Any, ObjectRow, float, int], bool]]] = {
    "age": lambda value, row, now, _: _days_passed(created_time(row), value, now),
    "createdBefore": lambda value, row, _, __: _lies_before(created_time(row), value),
    "daysSinceNoncurrentTime": lambda value, row, now, _: _days_passed(row.deleted, value, now),
    "noncurrentTimeBefore": lambda value, row, _, __: _lies_before(row.deleted, value),
    "numNewerVersions": lambda value, _, __, newer: _is_number(value) and newer >= value,
    "isLive": lambda value, row, _, __: value is (row.deleted is None),
    "matchesStorageClass": lambda value, row, _, __: _is_texts(value) and row.storage_class in value,
    "matchesPrefix": lambda value, row, _, __: _is_texts(value) and row.name.startswith(tuple(value)),
    "matchesSuffix": lambda value, row, _, __: _is_texts(value) and row.name.endswith(tuple(value)),
}

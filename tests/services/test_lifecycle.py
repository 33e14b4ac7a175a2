"""Lifecycle rules: in words and back, nothing unknown lost, and what a rule would touch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UsageError
from services.lifecycle import (
    RULE_FORMS,
    Rule,
    abort_uploads_after,
    delete_after,
    delete_versions_after,
    keep_versions,
    matches,
    move_after,
    parse_rule,
    patch_of,
    rules_of,
    with_rule,
    without_rule,
    words,
)
from services.model import ObjectRow

DAY = 86_400
NOW = 1_795_305_600.0
days = st.integers(0, 36_500)
prefix = st.from_regex(r"([a-z0-9(]{1,8}/){0,2}", fullmatch=True)
common = st.one_of(
    st.builds(delete_after, days, prefix),
    st.builds(move_after, days, st.sampled_from(["NEARLINE", "archive"]), prefix),
    st.builds(keep_versions, st.integers(1, 99), prefix),
    st.builds(delete_versions_after, days, prefix),
    st.builds(abort_uploads_after, days, prefix),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
condition_keys = st.sampled_from(
    ["age", "createdBefore", "isLive", "numNewerVersions", "matchesPrefix", "matchesStorageClass", "brandNew"]
)
wild = st.fixed_dictionaries(
    {
        "action": st.one_of(
            json_values, st.fixed_dictionaries({"type": st.sampled_from(["Delete", "SetStorageClass"])})
        ),
        "condition": st.one_of(json_values, st.dictionaries(condition_keys, json_values)),
    }
)


def row(**changes: Any) -> ObjectRow:
    made = int((NOW - 100 * DAY) * 1e6)
    return ObjectRow("logs/a.txt", 10, NOW - 100 * DAY, made, 1, "", "text/plain", "STANDARD")._replace(**changes)


def rule(action: str, storage_class: str = "", **condition: Any) -> Rule:
    what = {"type": action} | ({"storageClass": storage_class} if storage_class else {})
    return Rule({"action": what, "condition": condition})


@pytest.mark.parametrize(
    ("given_rule", "text"),
    [
        (rule("Delete", age=90, matchesPrefix=["logs/"]), "delete after 90 days (logs/)"),
        (rule("Delete", age=1), "delete after 1 day"),
        (rule("SetStorageClass", "NEARLINE", age=30), "to Nearline after 30 days"),
        (rule("Delete", numNewerVersions=3), "delete all but the newest 3 versions"),
        (
            rule("Delete", numNewerVersions=3, isLive=False),
            "delete all but the newest 3 versions (older versions only)",
        ),
        (rule("Delete", daysSinceNoncurrentTime=7), "delete older versions after 7 days"),
        (rule("AbortIncompleteMultipartUpload", age=7), "abort unfinished uploads after 7 days"),
        (
            rule("SetStorageClass", "ARCHIVE", age=5, createdBefore="2026-01-31", matchesStorageClass=["NEARLINE"]),
            "to Archive after 5 days and if created before 2026-01-31 (Nearline only)",
        ),
        (
            rule("Delete", age=5, numNewerVersions=2, matchesSuffix=[".tmp"], isLive=False),
            "delete after 5 days and with at least 2 newer versions (….tmp; older versions only)",
        ),
        (rule("Delete", age=5, moon="full"), "delete after 5 days and where moon is full (unknown to Pail)"),
        (rule("Delete", age="5"), "delete where age is 5 (unknown to Pail)"),
        (rule("Teleport", age=5), "'Teleport' (unknown to Pail) after 5 days"),
        (rule("Delete", daysSinceCustomTime=5), "delete 5 days after their custom time"),
        (rule("Delete", age=1, matchesPrefix=["\x1b["]), "delete after 1 day (\\x1b[)"),
    ],
)
def test_a_rule_reads_as_a_person_says_it(given_rule: Rule, text: str) -> None:
    assert words(given_rule) == text


@given(common)
def test_the_common_rules_can_be_typed_as_they_are_shown(made: Rule) -> None:
    assert parse_rule(words(made)) == made


@pytest.mark.parametrize("form", RULE_FORMS)
def test_every_example_in_the_remedy_is_understood(form: str) -> None:
    assert words(parse_rule(form)) == form


@pytest.mark.parametrize("text", ["", "delete", "delete after -1 days", "to Lukewarm after 3 days", "keep 0 versions"])
def test_what_is_no_rule_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert caught.value.remedy


def test_a_delay_of_centuries_is_refused() -> None:
    with pytest.raises(UsageError, match="36,500"):
        parse_rule("delete after 99999 days")


@given(st.lists(wild, max_size=4))
def test_what_is_not_understood_survives_reading_wording_and_writing(given_rules: list[dict[str, Any]]) -> None:
    rules = rules_of({"lifecycle": {"rule": given_rules}})
    assert patch_of(rules) == {"lifecycle": {"rule": given_rules} if given_rules else None}
    for each in rules:
        assert words(each)
        assert matches(each, row(), NOW) in (True, False)


@pytest.mark.parametrize("resource", [{}, {"lifecycle": None}, {"lifecycle": {"rule": "x"}}, {"lifecycle": 5}])
def test_a_bucket_without_rules_has_none(resource: dict[str, Any]) -> None:
    assert rules_of(resource) == ()


@given(st.lists(common, max_size=5, unique_by=str), common)
def test_adding_is_idempotent_and_removing_takes_it_back(rules: list[Rule], extra: Rule) -> None:
    more = with_rule(rules, extra)
    assert with_rule(more, extra) == more
    assert extra in more
    assert without_rule(more, extra) == tuple(each for each in rules if each != extra)


def test_a_bucket_has_at_most_a_hundred_rules() -> None:
    with pytest.raises(UsageError, match="100"):
        patch_of([delete_after(number) for number in range(101)])


@pytest.mark.parametrize(
    ("given_rule", "given_row", "touched"),
    [
        (delete_after(100), row(), True),
        (delete_after(101), row(), False),
        (delete_after(9, "logs/"), row(), True),
        (delete_after(9, "logs/"), row(name="x"), False),
        (delete_after(50), row(updated=NOW), True),  # a change of metadata does not make an object younger
        (delete_after(50), row(generation=7, updated=NOW), False),
        (move_after(9, "NEARLINE"), row(), True),
        (move_after(9, "NEARLINE"), row(storage_class="REGIONAL"), True),
        (move_after(9, "NEARLINE"), row(storage_class="ARCHIVE"), False),
        (delete_versions_after(3), row(), False),
        (delete_versions_after(3), row(deleted=NOW - 3 * DAY), True),
        (rule("Delete", noncurrentTimeBefore="2026-01-01"), row(deleted=NOW), False),
        (rule("Delete", createdBefore="2027-01-01", isLive=True), row(), True),
        (rule("Delete", createdBefore="2027-01-01", isLive=False), row(), False),
        (rule("Delete", age=1, matchesSuffix=[".txt"], matchesStorageClass=["STANDARD"]), row(), True),
        (rule("Delete", age=1, daysSinceCustomTime=1), row(), False),
        (rule("Delete", age=1, moon="full"), row(), False),
        (rule("Delete"), row(), False),
        (abort_uploads_after(1), row(), False),
    ],
)
def test_what_a_rule_would_touch(given_rule: Rule, given_row: ObjectRow, touched: bool) -> None:
    assert matches(given_rule, given_row, NOW) is touched


def test_the_number_of_newer_versions_decides() -> None:
    assert [matches(keep_versions(3), row(), NOW, newer=newer) for newer in (0, 2, 3)] == [False, False, True]

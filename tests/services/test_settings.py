"""Settings of a bucket: shown in words, typed as text, changed one field at a time."""

from __future__ import annotations

from typing import Any

import pytest

from services.errors import UsageError
from services.setting_values import patched
from services.settings import SETTINGS, caution, changes, facts, setting
from tests.services.samples import bucket_of

RICH: dict[str, Any] = {
    "name": "media-1",
    "location": "EUR4",
    "locationType": "dual-region",
    "storageClass": "NEARLINE",
    "timeCreated": "2025-03-02T10:00:00Z",
    "projectNumber": "123456",
    "customPlacementConfig": {"dataLocations": ["EUROPE-NORTH1", "EUROPE-WEST4"]},
    "versioning": {"enabled": True},
    "softDeletePolicy": {"retentionDurationSeconds": "1209600"},
    "iamConfiguration": {
        "uniformBucketLevelAccess": {"enabled": True, "lockedTime": "2027-01-31T12:00:00Z"},
        "publicAccessPrevention": "enforced",
    },
    "billing": {"requesterPays": True},
    "labels": {"team": "media", "env": "prod"},
    "cors": [{"origin": ["https://a.example", "*"], "method": ["GET", "HEAD"], "maxAgeSeconds": 3600}],
    "retentionPolicy": {"retentionPeriod": "2592000", "isLocked": True},
    "defaultEventBasedHold": True,
    "website": {"mainPageSuffix": "index.html", "notFoundPage": "404.html"},
    "rpo": "ASYNC_TURBO",
    "logging": {"logBucket": "logs-1", "logObjectPrefix": "media"},
    "encryption": {"defaultKmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    "lifecycle": {
        "rule": [
            {"action": {"type": "Delete"}, "condition": {"age": 90, "matchesPrefix": ["logs/"]}},
            {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 3, "brandNew": [1]}},
        ]
    },
}
BARE: dict[str, Any] = {"name": "bare"}
GARBAGE: dict[str, Any] = {"name": "odd", "cors": 5, "retentionPolicy": "x", "lifecycle": [], "website": [], "rpo": {}}


@pytest.mark.parametrize(
    ("key", "rich", "bare"),
    [
        ("versioning", "on", "off"),
        ("soft-delete", "14 days", "off"),
        ("class", "Nearline", "Standard"),
        ("autoclass", "off", "off"),
        ("public-access", "prevented", "not prevented here"),
        ("uniform-access", "on (can be turned off until 31 Jan 2027)", "off"),
        ("requester-pays", "on", "off"),
        ("labels", "env=prod, team=media", "none"),
        ("cors", "GET, HEAD from https://a.example and *, kept for 1 hour", "none"),
        ("retention", "30 days (locked for good)", "off"),
        ("event-hold", "on", "off"),
        ("website-main", "index.html", "none"),
        ("website-404", "404.html", "none"),
        ("rpo", "turbo", "default"),
        ("logging", "gs://logs-1/media", "off"),
        ("kms-key", "projects/p/locations/l/keyRings/r/cryptoKeys/k", "Google's own"),
    ],
)
def test_a_setting_is_shown_in_words(key: str, rich: str, bare: str) -> None:
    assert setting(key).show(bucket_of(RICH)) == rich
    assert setting(key).show(bucket_of(BARE)) == bare


@pytest.mark.parametrize("resource", [RICH, BARE, GARBAGE], ids=["rich", "bare", "garbage"])
@pytest.mark.parametrize("each", SETTINGS, ids=lambda each: str(each.key))
def test_typing_what_is_there_changes_nothing_that_is_shown(each: Any, resource: dict[str, Any]) -> None:
    bucket = bucket_of(resource)
    after = patched(bucket, each.parse(each.typed(bucket), bucket))
    again = bucket_of({**after.resource, "labels": dict(after.labels)})
    assert each.show(again) == each.show(bucket)
    assert all(other.show(again) == other.show(bucket) for other in SETTINGS)


@pytest.mark.parametrize(
    ("words", "patch"),
    [
        (["versioning=on"], {"versioning": {"enabled": True}}),
        (["soft-delete=off"], {"softDeletePolicy": {"retentionDurationSeconds": "0"}}),
        (["soft_delete=30d"], {"softDeletePolicy": {"retentionDurationSeconds": "2592000"}}),
        (["class=coldline"], {"storageClass": "COLDLINE"}),
        (["autoclass=archive"], {"autoclass": {"enabled": True, "terminalStorageClass": "ARCHIVE"}}),
        (
            ["public-access=prevented", "uniform-access=on"],
            {"iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}}},
        ),
        (["requester-pays=off"], {"billing": {"requesterPays": False}}),
        (["labels=+a=1,-team"], {"labels": {"a": "1", "team": None}}),
        (["labels=+a=1", "labels=-team"], {"labels": {"a": "1", "team": None}}),
        (["labels=x=y"], {"labels": {"env": None, "team": None, "x": "y"}}),
        (["labels=off"], {"labels": {"env": None, "team": None}}),
        (["cors=off"], {"cors": None}),
        (['cors=[{"origin":["*"],"method":["GET"]}]'], {"cors": [{"origin": ["*"], "method": ["GET"]}]}),
        (["retention=60d"], {"retentionPolicy": {"retentionPeriod": "5184000"}}),
        (["event-hold=off"], {"defaultEventBasedHold": False}),
        (
            ["website-main=a.html", "website-404=off"],
            {"website": {"mainPageSuffix": "a.html", "notFoundPage": None}},
        ),
        (["website-main=off", "website-404="], {"website": None}),
        (["rpo=default"], {"rpo": "DEFAULT"}),
        (["logging=gs://other-logs"], {"logging": {"logBucket": "other-logs", "logObjectPrefix": ""}}),
        (["kms-key=off"], {"encryption": None}),
        (["lifecycle=off"], {"lifecycle": None}),
        (["lifecycle=-1", "lifecycle=-1"], {"lifecycle": None}),
    ],
)
def test_only_what_was_asked_for_is_sent(words: list[str], patch: dict[str, Any]) -> None:
    assert changes(bucket_of(RICH), words) == patch


def test_rules_are_added_and_removed_in_words_and_unknown_ones_survive() -> None:
    bucket = bucket_of(RICH)
    rules = RICH["lifecycle"]["rule"]
    added = changes(bucket, ["lifecycle=+to Nearline after 30 days"])["lifecycle"]["rule"]
    assert added[:2] == rules
    assert added[2] == {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 30}}
    assert changes(bucket, ["lifecycle=-delete after 90 days (logs/)"]) == {"lifecycle": {"rule": rules[1:]}}
    with pytest.raises(UsageError, match="no rule") as caught:
        changes(bucket, ["lifecycle=-delete after 91 days"])
    assert "1 delete after 90 days (logs/)" in caught.value.remedy


@pytest.mark.parametrize(
    ("resource", "words", "why"),
    [
        (BARE, "colour=red", "no setting 'colour'"),
        (BARE, "versioning", "no value"),
        (BARE, "versioning=maybe", "neither on nor off"),
        (BARE, "soft-delete=3d", "7 to 90 days"),
        (BARE, "class=lukewarm", "not a storage class"),
        (BARE, "retention=101y", "100 years"),
        (RICH, "retention=1d", "locked for good"),
        (RICH, "retention=off", "locked for good"),
        (BARE, "labels=Team=x", "not a label"),
        (BARE, "labels=+a=1,b=2", "some labels"),
        (BARE, "labels=team", "has no value"),
        (BARE, "cors={", "not JSON"),
        (BARE, "cors=" + "[" * 100_000, "not JSON"),
        (BARE, 'cors=[{"method":["FETCH"]}]', "CORS rule"),
        (BARE, 'cors=[{"maxAgeSeconds":true}]', "CORS rule"),
        (BARE, 'cors=["x"]', "JSON list"),
        (BARE, 'lifecycle=[{"action": 5}]', "JSON list"),
        (BARE, "rpo=turbo", "dual-region"),
        (BARE, "logging=gs://X", "not a bucket"),
        (BARE, "logging=logs", "not a gs:// URL"),
        (BARE, "kms-key=k", "not the name of a key"),
        (BARE, "public-access=yes", "public access"),
        (BARE, "website-main=/x", "object's name"),
        ({**BARE, "autoclass": {"enabled": True}}, "class=archive", "autoclass"),
        ({**BARE, "hierarchicalNamespace": {"enabled": True}}, "versioning=on", "real folders"),
        ({**BARE, "hierarchicalNamespace": {"enabled": True}}, "uniform-access=off", "real folders"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_sent(resource: dict[str, Any], words: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        changes(bucket_of(resource), [words])
    assert caught.value.remedy


@pytest.mark.parametrize("key", ["soft-delete", "retention", "lifecycle", "cors", "class", "versioning"])
def test_an_empty_value_never_turns_off_what_protects_or_deletes(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        changes(bucket_of(RICH), [f"{key}="])
    assert caught.value.remedy


def test_a_setting_is_named_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        changes(bucket_of(BARE), ["class=archive", "class=nearline"])


def test_labels_are_bounded_in_number_after_the_change() -> None:
    full = bucket_of({"labels": {f"k{number}": "v" for number in range(64)}})
    assert changes(full, ["labels=+k1=w"]) == {"labels": {"k1": "w"}}
    assert changes(full, ["labels=+new=w,-k1"])
    with pytest.raises(UsageError, match="64 labels"):
        changes(full, ["labels=+new=w"])


@pytest.mark.parametrize("each", SETTINGS, ids=lambda each: str(each.key))
def test_every_example_and_choice_can_be_typed(each: Any) -> None:
    bucket = bucket_of({"locationType": "dual-region"})
    assert each.meaning
    assert each.label
    for text in (each.example, *each.choices):
        assert each.parse(text, bucket), text


def test_h64_hostile_values_are_escaped_and_bounded() -> None:
    evil = "\x1b]0;x" * 100_000
    bucket = bucket_of(
        {
            "storageClass": evil,
            "labels": {"k": evil},
            "website": {"mainPageSuffix": evil},
            "cors": [{"origin": [evil], "method": [evil]}],
            "logging": {"logBucket": evil},
            "lifecycle": {"rule": [{"action": {"type": evil}, "condition": {evil: evil}}]},
        }
    )
    for each in SETTINGS:
        assert "\x1b" not in each.show(bucket)
        assert len(each.show(bucket)) < 2_000


def test_what_is_fixed_is_told_and_its_ids_can_be_copied() -> None:
    found = {fact.label: fact for fact in facts(bucket_of(RICH))}
    assert found["Bucket ID"].copied == "media-1"
    assert found["Address"].copied == "gs://media-1"
    assert found["Location"].value == "EUR4 (dual-region): EUROPE-NORTH1 and EUROPE-WEST4"
    assert found["Namespace"].value == "flat"
    assert found["Created"].value == "2 Mar 2025"
    assert [fact.label for fact in facts(bucket_of({"location": "", "name": "b"}))] == [
        "Bucket ID",
        "Address",
        "Namespace",
    ]


@pytest.mark.parametrize(
    ("key", "text", "warns"),
    [
        ("soft-delete", "off", True),
        ("soft-delete", "30d", False),
        ("requester-pays", "on", True),
        ("requester-pays", "off", False),
        ("lifecycle", "+delete after 90 days", True),
        ("lifecycle", "-1", False),
        ("lifecycle", "off", False),
        ("versioning", "on", False),
    ],
)
def test_a_caution_is_given_where_it_applies(key: str, text: str, warns: bool) -> None:
    assert bool(caution(setting(key), text)) is warns

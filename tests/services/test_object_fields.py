"""Fields of objects: typed, checked, sent only where they differ, for one object or for many."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from services.errors import UsageError
from services.object_details import details, protected
from services.object_fields import FIELDS, Edit, changes, editable, rewrite_attributes, shared
from tests.services.samples import NOW, info_of

RICH: dict[str, Any] = {
    "name": "docs/a.pdf",
    "size": "43620761",
    "generation": "1763000000000000",
    "metageneration": "4",
    "timeCreated": "2026-11-01T10:00:00Z",
    "updated": "2026-11-20T14:02:31.5Z",
    "contentType": "application/pdf",
    "cacheControl": "no-store",
    "contentDisposition": "inline",
    "contentLanguage": "en",
    "crc32c": "n03x6A==",
    "md5Hash": "XrY7u+Ae7tCTyyK7j1rNww==",
    "storageClass": "STANDARD",
    "customTime": "2026-11-10T00:00:00Z",
    "temporaryHold": True,
    "retention": {"mode": "Locked", "retainUntilTime": "2027-01-01T00:00:00Z"},
    "metadata": {"reviewed": "no", "goog-reserved-file-mtime": "1700000000"},
    "brandNewField": {"x": [1]},
}


@pytest.mark.parametrize(
    ("edits", "patch"),
    [
        ({"content-type": "text/html; charset=utf-8"}, {"contentType": "text/html; charset=utf-8"}),
        ({"content-type": " application/pdf "}, {}),
        ({"cache_control": ""}, {"cacheControl": None}),
        ({"encoding": "none"}, {}),
        ({"language": "pt-BR", "disposition": 'attachment; filename="x"'},
         {"contentLanguage": "pt-BR", "contentDisposition": 'attachment; filename="x"'}),
        ({"temporary-hold": "off", "event-hold": "off"}, {"temporaryHold": False}),
        ({"metadata": "+a = b=c\n-reviewed\n-gone"}, {"metadata": {"a": "b=c", "reviewed": None}}),
        ({"metadata": "+reviewed=no"}, {}),
        ({"metadata": "only=this"}, {"metadata": {"reviewed": None, "only": "this"}}),
        ({"metadata": "none"}, {"metadata": {"reviewed": None}}),
        ({"custom-time": "2026-11-22"}, {"customTime": "2026-11-22T00:00:00Z"}),
        ({"custom-time": "2026-11-10"}, {}),
    ],
)  # fmt: skip
def test_only_what_differs_is_sent(edits: dict[str, str], patch: dict[str, Any]) -> None:
    assert changes(info_of(RICH), edits) == Edit(patch)
    assert bool(changes(info_of(RICH), edits)) == bool(patch)


@pytest.mark.parametrize("resource", [RICH, {}], ids=["rich", "bare"])
def test_typing_what_is_there_sends_nothing(resource: dict[str, Any]) -> None:
    info = info_of(resource)
    edits = {each.key: each.typed(info) for each in FIELDS if each.key != "custom-time" or "customTime" in resource}
    assert not changes(info, edits)


def test_a_new_class_takes_a_rewrite_that_carries_everything_over() -> None:
    info = info_of(RICH)
    edit = changes(info, {"class": "Nearline", "cache-control": "none", "metadata": "+a=b\n-reviewed"})
    assert edit.storage_class == "NEARLINE"
    assert rewrite_attributes(info, edit) == {
        "storageClass": "NEARLINE",
        "contentType": "application/pdf",
        "contentDisposition": "inline",
        "contentLanguage": "en",
        "customTime": "2026-11-10T00:00:00Z",
        "metadata": {"a": "b", "goog-reserved-file-mtime": "1700000000"},
    }
    assert not changes(info, {"class": "standard"})


@pytest.mark.parametrize(
    ("key", "text", "why"),
    [
        ("colour", "red", "no field"),
        ("content-type", "html", "not a content type"),
        ("cache-control", "a\r\nSet-Cookie: x", "header"),
        ("cache-control", "x" * 2000, "header"),
        ("language", "english please", "not a language"),
        ("encoding", "a b", "not an encoding"),
        ("metadata", "novalue", "not metadata"),
        ("metadata", "+a=\x1b", "not metadata"),
        ("metadata", "+a=1\nb=2", "some lines"),
        ("metadata", "+a=" + "x" * 9000, "8,192"),
        ("class", "warm", "not a storage class"),
        ("temporary-hold", "maybe", "neither on nor off"),
        ("custom-time", "soon", "not a time"),
        ("custom-time", "", "not a time"),
        ("custom-time", "2026-11-09", "later"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_sent(key: str, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        changes(info_of(RICH), {key: text})
    assert caught.value.remedy
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("each", FIELDS, ids=lambda each: str(each.key))
def test_every_example_and_choice_can_be_typed(each: Any) -> None:
    for text in (each.example, *each.choices):
        assert editable(each.key).parse(text, info_of({}))


def test_many_objects_show_what_they_share() -> None:
    both = shared([info_of(RICH), info_of({**RICH, "cacheControl": "public"})])
    assert both["content-type"] == "application/pdf"
    assert both["cache-control"] is None
    assert set(both) == {each.key for each in FIELDS}


def test_the_details_tell_everything_and_copy_it_raw() -> None:
    lines = {detail.label: detail for detail in details(info_of(RICH), UTC)}
    assert lines["Size"].value == "43,620,761 bytes"
    assert lines["Updated"].value == "2026-11-20 14:02:31 UTC"
    assert lines["Updated"].copied == "2026-11-20T14:02:31.5Z"
    assert lines["Modified at source"].value == "2023-11-14 22:13:20 UTC"
    assert lines["CRC32C"].copied == "n03x6A=="
    assert lines["Temporary hold"].value == "on"
    assert lines["Own retention"].value == "until 2027-01-01 00:00:00 UTC (locked for good)"
    assert lines["Metadata reviewed"].value == "no"
    assert lines["brandNewField"].value == '{"x": [1]}'
    shown_text = "\n".join(f"{line.label} {line.value} {line.copied}" for line in lines.values())
    assert all(str(value) in shown_text for value in RICH.values() if isinstance(value, str))


def test_h64_hostile_metadata_is_escaped_and_bounded() -> None:
    evil = "\x1b[2J" * 300_000
    many = {f"key-{number}": "v" for number in range(5_000)}
    hostile = info_of({"metadata": {evil: evil, **many}, "contentType": evil, "retention": 5, "updated": evil, evil: 1})
    lines = details(hostile, UTC)
    assert all("\x1b" not in line.label + line.value and len(line.label + line.value) < 1_200 for line in lines)
    assert len(lines) < 200
    assert any(line.value == "and 4,901 more entries" for line in lines)


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ({}, ""),
        ({"temporaryHold": True}, "A temporary hold"),
        ({"eventBasedHold": True}, "An event-based hold"),
        ({"retentionExpirationTime": "2027-01-01T00:00:00Z"}, "until 1 Jan 2027."),
        ({"retentionExpirationTime": "2026-01-01T00:00:00Z"}, ""),
        ({"retention": {"retainUntilTime": "2028-01-01T00:00:00Z"}, "retentionExpirationTime": "2027-01-01T00:00:00Z"},
         "until 1 Jan 2028."),
    ],
)  # fmt: skip
def test_what_forbids_a_delete_is_told_before_it_is_tried(resource: dict[str, Any], sentence: str) -> None:
    told = protected(info_of(resource), NOW, UTC)
    assert (sentence in told) if sentence else told == ""

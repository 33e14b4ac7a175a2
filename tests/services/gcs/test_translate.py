"""Resources that arrive damaged are passing faults, whatever is wrong with them; sound ones keep every field."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

from services.errors import PreconditionFailed, Transient
from services.gcs import translate
from services.gcs.batch import decode_answers, encode_calls
from services.gcs.failures import Subject
from services.model import BucketSpec, IamBinding, IamPolicy, Precondition, WriteAttributes

OBJECT: dict[str, Any] = {
    "bucket": "b",
    "name": "n",
    "size": "3",
    "generation": "17",
    "metageneration": "2",
    "updated": "2026-01-02T03:04:05.678Z",
    "timeCreated": "2026-01-02T03:04:05Z",
    "crc32c": "AAAAAA==",
    "contentType": "text/plain",
    "storageClass": "STANDARD",
    "metadata": {"goog-reserved-file-mtime": "5"},
}
BUCKET: dict[str, Any] = {
    "name": "b",
    "generation": "1",
    "metageneration": "4",
    "timeCreated": "2026-01-02T03:04:05Z",
    "location": "EU",
    "locationType": "multi-region",
    "storageClass": "STANDARD",
    "versioning": {"enabled": True},
    "softDeletePolicy": {"retentionDurationSeconds": "604800"},
    "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"},
    "billing": {"requesterPays": True},
    "labels": {"a": "b"},
    "hierarchicalNamespace": {"enabled": True},
}
SAMPLES: list[tuple[Callable[[Any], Any], dict[str, Any]]] = [
    (translate.object_info, OBJECT),
    (translate.bucket_info, BUCKET),
    (translate.list_page, {"kind": "storage#objects", "items": [OBJECT], "prefixes": ["p/"], "nextPageToken": "t"}),
    (translate.bucket_page, {"kind": "storage#buckets", "items": [BUCKET]}),
    (
        translate.rewrite_status,
        {"done": True, "totalBytesRewritten": "3", "objectSize": "3", "rewriteToken": "t", "resource": OBJECT},
    ),
    (
        translate.policy,
        {"etag": "e", "version": 3, "bindings": [{"role": "r", "members": ["m"], "condition": {"title": "t"}}]},
    ),
]
ODD: list[Any] = [None, True, 0, -1, 1.5, 1e999, "", "x", "9" * 5000, [], {}, [None], [1], [[]], {"a": None}, {"a": []}]
"""What may stand in the place of a value after a wrong bit, a proxy or a fault."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a resource."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))][0 if path else 1 :]


@pytest.mark.parametrize(("parse", "sample"), SAMPLES)
def test_h24_a_damaged_resource_is_a_passing_fault_and_nothing_worse(
    parse: Callable[[Any], Any], sample: dict[str, Any]
) -> None:
    parse(sample)
    survived = 0
    for *above, key in places(sample):
        for odd in (..., *ODD):
            damaged = copy.deepcopy(sample)
            target: Any = damaged
            for step in above:
                target = target[step]
            if odd is ...:
                del target[key]
            else:
                target[key] = odd
            with contextlib.suppress(Transient):
                parse(damaged)
                survived += 1
    assert survived, "what is merely unusual is read"


def test_an_object_keeps_its_fields() -> None:
    info = translate.object_info(OBJECT)
    assert (info.size, info.generation, info.metageneration, info.mtime, info.md5) == (3, 17, 2, 5.0, "")
    assert math.isclose(info.updated, 1767323045.678)
    assert info.created == 1767323045
    assert translate.list_page({"kind": "storage#objects", "items": [OBJECT]}).objects == [info.row()]


def test_a_brief_page_keeps_what_is_printed_and_takes_other_servers_times_and_gaps() -> None:
    items = [OBJECT, {"name": "b", "size": "0"}, {"name": "c", "size": "7", "updated": "2026-01-02T05:04:05+02:00"}]
    rows = translate.brief_page({"kind": "storage#objects", "items": items}).objects
    assert [row[:2] for row in rows] == [(OBJECT["name"], OBJECT["size"]), ("b", "0"), ("c", "7")]
    assert rows[1][2:] == ("", "")
    assert rows[2][2] == "2026-01-02T03:04:05.000Z"
    assert translate.brief_page({"kind": "storage#objects"}).objects == []
    for odd in ({"name": 1, "size": "0"}, {"name": "a", "size": "-1"}, {"name": "a", "size": ""}, {"size": "1"}):
        with pytest.raises(Transient):
            translate.brief_page({"kind": "storage#objects", "items": [odd]})


def test_a_page_to_be_compared_keeps_what_tells_versions_apart_and_refuses_damage() -> None:
    stamped = {
        "name": "m",
        "size": "1",
        "generation": "9",
        "crc32c": "x",
        "metadata": {"goog-reserved-file-mtime": "12"},
    }
    hostile = {**stamped, "metadata": {"goog-reserved-file-mtime": "9" * 5000}}
    bare = {"name": "b", "size": "0", "generation": "7"}
    page = {"kind": "storage#objects", "items": [stamped, hostile, bare], "nextPageToken": "t"}
    rows = [("m", 1, 9, "x", "12"), ("m", 1, 9, "x", ""), ("b", 0, 7, "", "")]
    assert translate.version_rows(page) == (rows, "t")
    assert translate.version_rows({"kind": "storage#objects"}) == ([], "")
    for odd in ({"name": 1}, {"size": "-1"}, {"size": ""}, {"generation": "1e3"}, {"crc32c": 5}, {"metadata": 1}):
        with pytest.raises(Transient):
            translate.version_rows({"kind": "storage#objects", "items": [{**stamped, **odd}]})
    for broken in ({"kind": "storage#objects", "itens": []}, {"items": []}):
        with pytest.raises(Transient):
            translate.version_rows(broken)


def test_a_bucket_keeps_its_settings_and_lacks_what_may_not_be_read() -> None:
    info = translate.bucket_info(BUCKET)
    assert (info.versioning, info.soft_delete_s, info.uniform_access, info.requester_pays) == (
        True,
        604_800,
        True,
        True,
    )
    assert (info.public_access_prevention, info.hierarchical_namespace, info.labels) == ("enforced", True, {"a": "b"})
    bare = translate.bucket_info({"name": "b"})
    assert (bare.location, bare.soft_delete_s, bare.versioning, bare.labels) == ("", 0, False, {})


def test_h64_a_hostile_modification_time_is_none() -> None:
    for text in ("1e999", "nan", "-1", "x" * 1000, "9" * 20):
        assert translate.object_info({**OBJECT, "metadata": {"goog-reserved-file-mtime": text}}).mtime is None


def test_a_rewrite_that_is_not_done_has_a_token_to_go_on_with() -> None:
    status = translate.rewrite_status(
        {"done": False, "totalBytesRewritten": "5", "objectSize": "9", "rewriteToken": "t"}
    )
    assert (status.token, status.rewritten, status.size, status.done) == ("t", 5, 9, None)
    with pytest.raises(Transient):
        translate.rewrite_status({"done": False, "totalBytesRewritten": "5", "objectSize": "9"})


def test_bodies_hold_what_was_asked_for_and_nothing_empty() -> None:
    assert translate.attribute_fields(WriteAttributes(content_type="", metadata={})) == {}
    assert translate.attribute_fields(WriteAttributes(cache_control="x"))["cacheControl"] == "x"
    body = translate.bucket_resource(BucketSpec("name"))
    assert "labels" not in body
    assert "hierarchicalNamespace" not in body
    policy = translate.policy_resource(IamPolicy("e", (IamBinding("r", ("m",)),), version=1))
    assert policy["version"] == 3
    assert policy["bindings"] == [{"role": "r", "members": ["m"]}]


def test_preconditions_of_zero_are_sent() -> None:
    assert translate.precondition_params(Precondition(generation=0)) == {"ifGenerationMatch": "0"}
    assert translate.precondition_params(Precondition(1, 2, 3, 4)) == {
        "ifGenerationMatch": "1",
        "ifMetagenerationMatch": "2",
        "ifGenerationNotMatch": "3",
        "ifMetagenerationNotMatch": "4",
    }


# Batches.

SUBJECTS = [Subject("delete", "b", str(number), is_object=True) for number in range(3)]


def answers(*parts: str) -> bytes:
    return "".join(f"--x\r\n{part}\r\n" for part in parts).encode() + b"--x--\r\n"


def answer(number: int, status: str) -> str:
    return f"Content-Type: application/http\r\nContent-ID: <response-pail+{number}>\r\n\r\nHTTP/1.1 {status}\r\n\r\n"


def decode(body: bytes, content_type: str = 'multipart/mixed; boundary="x"') -> list[Exception | None]:
    return decode_answers({"content-type": content_type}, body, SUBJECTS)


def test_answers_are_matched_by_their_number_not_their_place() -> None:
    found = decode(answers(answer(2, "204 No Content"), answer(0, "412 Precondition Failed"), answer(1, "204 ")))
    assert [type(one) for one in found] == [PreconditionFailed, type(None), type(None)]


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", answers(), answers(answer(99, "204 x")), answers("\r\n\r\nHTTP"), answers(answer(0, "abc"))],
)
def test_a_delete_without_an_answer_is_never_taken_for_done(body: bytes) -> None:
    for content_type in ('multipart/mixed; boundary="x"', "text/html", "", "multipart/mixed"):
        assert [type(one) for one in decode(body, content_type)] == [Transient] * 3


def test_the_boundary_of_a_batch_is_its_own_each_time() -> None:
    first, second = encode_calls("DELETE", ["/a"]), encode_calls("DELETE", ["/a"])
    assert first[0] != second[0]
    assert b"DELETE /a HTTP/1.1" in first[1]

"""Refusals in our own words: the kind, the cause and the remedy of each."""

from __future__ import annotations

import json

import pytest

from services.errors import (
    BucketNotFound,
    Conflict,
    Corrupt,
    Forbidden,
    NotAuthenticated,
    NotModified,
    ObjectNotFound,
    PailError,
    PreconditionFailed,
    RangeNotSatisfiable,
    RateLimited,
    Rejected,
    Retained,
    Transient,
)
from services.gcs.failures import Subject, from_answer, parse_answer, tidy, wants_user_project

OBJECT = Subject("delete", "bucket", "a\x1bb", is_object=True)
BUCKET = Subject("list", "bucket")


def refused(subject: Subject, status: int, message: str = "", reason: str = "") -> PailError:
    body = json.dumps({"error": {"code": status, "message": message, "errors": [{"reason": reason}]}}).encode()
    return from_answer(subject, parse_answer(status, {}, body))


@pytest.mark.parametrize(
    ("status", "message", "reason", "kind"),
    [
        (304, "", "", NotModified),
        (400, "Invalid argument.", "invalid", Rejected),
        (400, 'Provided CRC32C "x" doesn\'t match calculated CRC32C "y".', "invalid", Corrupt),
        (401, "Invalid Credentials", "authError", NotAuthenticated),
        (401, "Anonymous caller does not have storage.objects.get access.", "required", NotAuthenticated),
        (401, "no allowed resources", "", NotAuthenticated),
        (403, "x@y does not have storage.objects.delete access to the object.", "forbidden", Forbidden),
        (403, "Object 'b/o' is subject to bucket's retention policy until 2030.", "retentionPolicyNotMet", Retained),
        (403, "Object is under active Temporary hold and cannot be deleted.", "objectUnderActiveHold", Retained),
        (403, "Object is under an active event-based hold.", "", Retained),
        (403, "x@y lacks storage.buckets.updateRetention", "forbidden", Forbidden),
        (403, "Rate limit exceeded", "rateLimitExceeded", RateLimited),
        (403, "no allowed resources", "", NotAuthenticated),
        (404, "No such object: bucket/a", "notFound", ObjectNotFound),
        (404, "The specified bucket does not exist.", "notFound", BucketNotFound),
        (404, "", "", ObjectNotFound),
        (405, "", "", Rejected),
        (408, "", "", Transient),
        (409, "The bucket you tried to delete is not empty.", "conflict", Conflict),
        (412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet", PreconditionFailed),
        (413, "Too large", "uploadTooLarge", Rejected),
        (416, "", "", RangeNotSatisfiable),
        (418, "", "", PailError),
        (429, "", "", RateLimited),
        (500, "Backend Error", "backendError", Transient),
        (501, "", "", Rejected),
        (503, "slow down", "slowDown", RateLimited),
        (503, "", "", Transient),
        (504, "", "", Transient),
    ],
)
def test_every_refusal_has_its_kind_a_cause_and_no_raw_name(
    status: int, message: str, reason: str, kind: type[PailError]
) -> None:
    error = refused(OBJECT, status, message, reason)
    assert type(error) is kind
    assert error.message
    assert "\x1b" not in error.message
    assert "\n" not in error.message
    if kind is not NotModified:
        assert error.remedy, "says what to do"
    assert error.url in ("gs://bucket/a\x1bb", "gs://bucket")


def test_a_missing_permission_is_named() -> None:
    error = refused(BUCKET, 403, "me@x does not have storage.objects.list access to the bucket.", "forbidden")
    assert error.message == "cannot list gs://bucket: storage.objects.list is not allowed"


def test_404_of_a_list_means_the_bucket() -> None:
    assert type(refused(BUCKET, 404)) is BucketNotFound


def test_replits_refusal_has_replits_remedy() -> None:
    assert "Restart the workspace" in refused(BUCKET, 401, "no allowed resources").remedy


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[]", b'{"error": 3}', b'{"error": {"errors": [1]}}', b"null", b"{"]
)
def test_a_refusal_in_any_shape_is_understood(body: bytes) -> None:
    error = from_answer(OBJECT, parse_answer(500, {}, body))
    assert isinstance(error, Transient)
    assert error.message.isprintable()


def test_a_page_of_html_is_not_quoted() -> None:
    answer = parse_answer(502, {"content-type": "text/html; charset=x"}, b"<html>huge")
    assert answer.message == ""


@pytest.mark.parametrize(
    "text",
    [
        "see https://x/upload?upload_id=SECRET&y",
        "X-Goog-Signature=SECRET",
        "Authorization: Bearer SECRET",
        "access_token: SECRET",
        '{"access_token": "SECRET"}',
    ],
)
def test_h60_secrets_are_cut_out_of_what_servers_say(text: str) -> None:
    assert "SECRET" not in tidy(text)


def test_what_servers_say_is_one_safe_bounded_line() -> None:
    said = tidy("a\nb\x1b]0;x\x07\u202e" + "c" * 5000)
    assert said.isprintable()
    assert said.startswith("a b\\x1b")
    assert len(said) < 700


def test_a_bucket_that_wants_to_know_who_pays_is_recognised() -> None:
    for message in ("Bucket is a requester pays bucket but no user project provided.", "UserProjectMissing"):
        assert wants_user_project(parse_answer(400, {}, json.dumps({"error": {"message": message}}).encode()))
    assert not wants_user_project(parse_answer(400, {}, b'{"error": {"message": "Invalid"}}'))
    assert not wants_user_project(parse_answer(404, {}, b'{"error": {"message": "user project"}}'))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("No such object: my-bucket/x", ObjectNotFound),
        ("Live version of object my-bucket/x does not exist.", ObjectNotFound),
        ("Not Found", ObjectNotFound),
        ("The specified bucket does not exist.", BucketNotFound),
        ("Bucket my-bucket does not exist.", BucketNotFound),
    ],
)
def test_a_missing_object_is_told_from_a_missing_bucket_whatever_they_are_called(
    message: str, kind: type[Exception]
) -> None:
    subject = Subject("look at", "my-bucket", "x", is_object=True)
    assert type(refused(subject, 404, message)) is kind

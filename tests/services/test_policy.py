"""Access in words, as typed, and changed without touching anything else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UsageError
from services.model import IamBinding, IamPolicy
from services.policy import grant, grant_warnings, grants, revoke, revoke_warnings
from services.policy_words import (
    PERMISSIONS,
    ROLES,
    condition_words,
    may,
    may_sentence,
    member_words,
    parse_member,
    parse_role,
    role_title,
)
from tests.services.samples import bucket_of

ADMIN = "roles/storage.admin"
VIEWER = "roles/storage.objectViewer"
ADA = "user:ada@example.com"
BOB = "user:bob@example.com"
CONDITION = {"title": "until June", "expression": 'request.time < timestamp("2027-06-01T00:00:00Z")'}

members = st.sampled_from([ADA, BOB, "allUsers", "group:g@example.com"])
roles = st.sampled_from([ADMIN, VIEWER, "roles/storage.objectUser"])
conditions = st.sampled_from([None, CONDITION, {"expression": "true"}])
policies = st.builds(
    lambda keys, who: IamPolicy(
        "etag",
        tuple(
            IamBinding(role, tuple(dict.fromkeys(each)), condition)
            for (role, condition), each in zip(keys, who, strict=False)
        ),
        3,
    ),
    st.lists(st.tuples(roles, conditions), unique_by=str, max_size=5),
    st.lists(st.lists(members, max_size=4), min_size=5, max_size=5),
)


def held(policy: IamPolicy) -> Counter[tuple[str, str, str]]:
    return Counter((each.member, each.role, str(each.condition)) for each in grants(policy))


def policy_of(*bindings: tuple[str, tuple[str, ...]]) -> IamPolicy:
    return IamPolicy("etag", tuple(IamBinding(role, who) for role, who in bindings))


@given(policies, members, roles, conditions)
def test_a_grant_adds_exactly_one_and_a_second_one_nothing(
    policy: IamPolicy, member: str, role: str, condition: dict[str, str] | None
) -> None:
    after = grant(policy, member, role, condition)
    key = (member, role, str(condition))
    assert held(after) == held(policy) | Counter([key])
    assert grant(after, member, role, condition) is after
    assert after.etag == policy.etag
    if key in held(policy):
        assert after is policy


@given(policies, members, roles, conditions)
def test_a_revocation_takes_exactly_one_and_keeps_other_conditions(
    policy: IamPolicy, member: str, role: str, condition: dict[str, str] | None
) -> None:
    after = revoke(policy, member, role, condition)
    key = (member, role, str(condition))
    assert held(after) == held(policy) - Counter([key])
    assert revoke(after, member, role, condition) is after
    if key not in held(policy):
        assert after is policy


@given(policies, members, roles, conditions)
def test_what_was_granted_can_be_taken_back(
    policy: IamPolicy, member: str, role: str, condition: dict[str, str] | None
) -> None:
    there = (member, role, str(condition)) in held(policy)
    assert there or held(revoke(grant(policy, member, role, condition), member, role, condition)) == held(policy)


@given(policies, members, roles)
def test_every_condition_can_be_revoked_at_once(policy: IamPolicy, member: str, role: str) -> None:
    after = revoke(policy, member, role, whatever_condition=True)
    assert [each for each in grants(after) if (each.member, each.role) == (member, role)] == []
    assert sum(held(policy).values()) - sum(held(after).values()) == sum(
        (each.member, each.role) == (member, role) for each in grants(policy)
    )


@pytest.mark.parametrize(
    ("typed", "member"),
    [
        ("Ada@Example.com", ADA),
        ("user:ada@example.com", ADA),
        ("app@p.iam.gserviceaccount.com", "serviceAccount:app@p.iam.gserviceaccount.com"),
        ("SERVICEACCOUNT:app@p.iam.gserviceaccount.com", "serviceAccount:app@p.iam.gserviceaccount.com"),
        ("sa:123@developer.gserviceaccount.com", "serviceAccount:123@developer.gserviceaccount.com"),
        ("group:team@example.com", "group:team@example.com"),
        ("domain:Example.com", "domain:example.com"),
        ("allusers", "allUsers"),
        ("public", "allUsers"),
        ("allAuthenticatedUsers", "allAuthenticatedUsers"),
        ("projectViewer:my-project", "projectViewer:my-project"),
        ("projectowner:example.com:my-project", "projectOwner:example.com:my-project"),
        ("deleted:user:ada@example.com?uid=12", "deleted:user:ada@example.com?uid=12"),
        (
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
            "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
        ),
        ("serviceAccount:p.svc.id.goog", None),
        ("ada", None),
        ("ada@", None),
        ("user:ada", None),
        ("usr:ada@example.com", None),
        ("user:app@p.iam.gserviceaccount.com", None),
        ("domain:example", None),
        ("", None),
        ("a b@example.com", None),
        ("ada@example.com\x1b[31m", None),
        ("ädä@example.com", None),
        ("x" * 2000 + "@example.com", None),
    ],
)
def test_a_member_is_read_as_typed_or_refused_with_an_example(typed: str, member: str | None) -> None:
    if member is not None:
        assert parse_member(typed) == member
        assert parse_member(member) == member
        return
    with pytest.raises(UsageError) as caught:
        parse_member(typed)
    assert "example.com" in caught.value.remedy or "gserviceaccount" in caught.value.remedy
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (ADA, "ada@example.com"),
        ("group:t@example.com", "members of the group t@example.com"),
        ("serviceAccount:a@b.iam.gserviceaccount.com", "service account a@b.iam.gserviceaccount.com"),
        ("domain:example.com", "everyone at example.com"),
        ("allUsers", "everyone on the internet"),
        ("allAuthenticatedUsers", "everyone with any Google account"),
        ("projectEditor:p", "editors of the project p"),
        ("deleted:user:ada@example.com?uid=1", "ada@example.com (deleted)"),
        ("principalSet://x/y", "identities x/y"),
        ("martian:zork", "martian:zork"),
        ("user:\x1b[2J{0}", "\\x1b[2J{0}"),
    ],
)
def test_a_member_is_shown_in_words(member: str, words: str) -> None:
    assert member_words(member) == words


@pytest.mark.parametrize(
    ("typed", "role"),
    [
        ("viewer", VIEWER),
        ("Reader", VIEWER),
        ("objectViewer", VIEWER),
        ("storage.objectViewer", VIEWER),
        (VIEWER, VIEWER),
        ("admin", ADMIN),
        ("object-admin", "roles/storage.objectAdmin"),
        ("projects/p/roles/custom.one", "projects/p/roles/custom.one"),
        ("king", None),
        ("roles/", None),
        ("", None),
    ],
)
def test_a_role_is_read_short_or_in_full(typed: str, role: str | None) -> None:
    if role is not None:
        assert parse_role(typed) == role
        return
    with pytest.raises(UsageError, match="not a role"):
        parse_role(typed)


def test_every_role_says_what_it_allows_and_can_be_typed() -> None:
    for role in ROLES:
        assert role.meaning
        assert parse_role(role.short) == role.name
        assert role_title(role.name) == role.title
    assert role_title("projects/p/roles/x\x1b") == "projects/p/roles/x\\x1b"


def test_a_grant_tells_who_what_when_and_from_where_and_public_ones_come_first() -> None:
    policy = IamPolicy(
        "e",
        (
            IamBinding(VIEWER, (ADA, "allUsers"), CONDITION),
            IamBinding("roles/storage.legacyBucketOwner", ("projectOwner:p",)),
        ),
    )
    first, second, third = grants(policy)
    assert (first.public, first.who, first.origin) == (True, "everyone on the internet", "here")
    assert (second.origin, second.what, second.when) == ("through the project", "Bucket owner (legacy)", "")
    assert third.when == 'only if until June: request.time < timestamp("2027-06-01T00:00:00Z")'
    assert condition_words({"expression": "a\x1b"}) == "only if a\\x1b"


@pytest.mark.parametrize(
    ("resource", "member", "role", "expected"),
    [
        ({}, ADA, VIEWER, []),
        ({}, "allUsers", VIEWER, ["Everyone on the internet will be able to read every object."]),
        ({}, "allUsers", ADMIN, ["decide who has access"]),
        ({}, "allAuthenticatedUsers", "roles/storage.objectUser", ["any Google account will be able to replace and"]),
        ({}, "allUsers", "projects/p/roles/x", ["use this role"]),
        ({"iamConfiguration": {"publicAccessPrevention": "enforced"}}, "allUsers", VIEWER, ["read every", "refuse it"]),
        ({}, ADA, "roles/editor", ["Basic roles"]),
    ],
)
def test_public_access_is_warned_of_in_words(
    resource: dict[str, Any], member: str, role: str, expected: list[str]
) -> None:
    warnings = grant_warnings(bucket_of(resource), member, role)
    assert len(warnings) == len(expected)
    assert all(part in warning for part, warning in zip(expected, warnings, strict=True))
    assert len(grant_warnings(None, member, role)) <= len(expected)


def test_removing_oneself_is_warned_of() -> None:
    policy = policy_of((ADMIN, (ADA, BOB)), (VIEWER, (ADA,)))
    assert revoke_warnings(policy, revoke(policy, BOB, ADMIN), {ADA}) == []
    viewer_lost = revoke_warnings(policy, revoke(policy, ADA, VIEWER), {ADA})
    assert viewer_lost == ["This takes away a role of your own."]
    admin_lost = revoke_warnings(policy, revoke(policy, ADA, ADMIN), {ADA})
    assert any("give it back to yourself" in warning for warning in admin_lost)
    assert not any("Nobody" in warning for warning in admin_lost)


def test_removing_the_last_who_may_change_access_is_warned_of_whoever_does_it() -> None:
    policy = policy_of((ADMIN, (BOB,)), (VIEWER, ("allUsers",)))
    (warning,) = revoke_warnings(policy, revoke(policy, BOB, ADMIN))
    assert warning.startswith("Nobody who is named here")


def test_what_testing_permissions_says_is_put_into_words() -> None:
    granted = {"storage.objects.list", "storage.objects.get", "storage.buckets.setIamPolicy"}
    assert [line.permission for line in may(granted) if line.allowed] == [
        each for each in PERMISSIONS if each in granted
    ]
    assert may_sentence(granted) == "You may read objects; change who has access."
    assert may_sentence({"storage.objects.create"}) == "You may add objects."
    assert may_sentence(()) == "You may do nothing here that Pail knows of."

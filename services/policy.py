"""Who may do what on a bucket: changes of its policy, pure and idempotent, and what to say before them.

A changed policy keeps the etag that was read, so `ControlPlane.set_policy` refuses it if somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from services.model import BucketInfo, IamBinding, IamPolicy
from services.policy_words import (
    ACCESS,
    BASIC_ROLES,
    CREATE,
    LIST,
    PUBLIC_MEMBERS,
    READ,
    READ_SETTINGS,
    WRITE,
    condition_words,
    is_through_project,
    member_words,
    role_of,
    role_title,
)

INHERITED_NOTE: Final = (
    "Roles that are given on the project, its folders or the organisation count here too, and are not listed."
)
"""What a list of a bucket's own grants has to say, since the bucket's policy does not hold them."""

REPLIT_NOTE: Final = (
    "In Replit access belongs to apps. To add the bucket to another app, choose 'Add an existing bucket' in that app's "
    "Object Storage tool: it can then read, write and delete everything in it, while you develop and when deployed. "
    "'Remove Bucket from Repl' in its Settings takes that back; the data stays."
)
"""What takes the place of roles in Replit."""

_MAY_GRANT: Final = frozenset({"roles/storage.admin", "roles/storage.legacyBucketOwner", "roles/owner"})
"""Roles that hold `storage.buckets.setIamPolicy` on a bucket."""

Condition = Mapping[str, str]
"""`title`, `description` and `expression` of a conditional grant."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of one member: a line of the access view."""

    member: str
    """As the service writes it, raw."""
    role: str
    """As the service writes it, raw."""
    condition: Condition | None
    """When it holds; None: always."""

    @property
    def who(self) -> str:
        """The member in words."""
        return member_words(self.member)

    @property
    def what(self) -> str:
        """The role in words."""
        return role_title(self.role)

    @property
    def when(self) -> str:
        """The condition in words; empty where there is none."""
        return condition_words(self.condition)

    @property
    def origin(self) -> str:
        """Whether it is given here, or by a role on the project."""
        return "through the project" if is_through_project(self.member) else "here"

    @property
    def public(self) -> bool:
        """Whether it reaches people whom nobody named."""
        return self.member in PUBLIC_MEMBERS


def grants(policy: IamPolicy) -> list[Grant]:
    """Return every grant of a policy: public ones first, then by member and role."""
    found = [Grant(member, binding.role, binding.condition) for binding, member in _pairs(policy)]
    return sorted(found, key=lambda each: (not each.public, each.member, each.role, str(each.condition)))


def _pairs(policy: IamPolicy) -> Iterator[tuple[IamBinding, str]]:
    for binding in policy.bindings:
        for member in binding.members:
            yield binding, member


def grant(policy: IamPolicy, member: str, role: str, condition: Condition | None = None) -> IamPolicy:
    """Return the policy with one more grant; the very same one where it is there already.

    `member` and `role` are as `parse_member` and `parse_role` return them.  Other conditions of the same role are
    bindings of their own and stay untouched.
    """
    bindings = list(policy.bindings)
    for index, binding in enumerate(bindings):
        if binding.role == role and _same(binding.condition, condition):
            if member in binding.members:
                return policy
            bindings[index] = binding._replace(members=(*binding.members, member))
            break
    else:
        bindings.append(IamBinding(role, (member,), dict(condition) if condition else None))
    return policy._replace(bindings=tuple(bindings), version=3)


def revoke(
    policy: IamPolicy, member: str, role: str, condition: Condition | None = None, *, whatever_condition: bool = False
) -> IamPolicy:
    """Return the policy without one grant; the very same one where it is not there.

    Only the grant with exactly this condition goes, or each of them with `whatever_condition`.  A role that nobody
    has any more disappears.
    """
    bindings: list[IamBinding] = []
    for binding in policy.bindings:
        hit = binding.role == role and (whatever_condition or _same(binding.condition, condition))
        left = tuple(other for other in binding.members if other != member) if hit else binding.members
        if left or left == binding.members:
            bindings.append(binding._replace(members=left))
    changed = tuple(bindings)
    return policy if changed == policy.bindings else policy._replace(bindings=changed)


def _same(one: Condition | None, other: Condition | None) -> bool:
    return dict(one or {}) == dict(other or {})


def grant_warnings(bucket: BucketInfo | None, member: str, role: str) -> list[str]:
    """Return what a person has to know before a grant: public access, and what would refuse it; empty for nothing.

    `bucket` is None where the settings cannot be read.
    """
    warnings: list[str] = []
    if member in PUBLIC_MEMBERS:
        known = role_of(role)
        what = next((words for ability, words in _PUBLIC if known and ability in known.abilities), "use this role")
        warnings.append(f"{member_words(member, capital=True)} will be able to {what}.")
        if bucket is not None and bucket.public_access_prevention == "enforced":
            warnings.append("Public access is prevented on this bucket: the service will refuse it.")
    if role in BASIC_ROLES:
        warnings.append("Basic roles cannot be given on a bucket: give one of the storage roles.")
    if role.startswith("roles/storage.legacyObject") and bucket is not None and bucket.uniform_access:
        warnings.append("This role is meant for single objects; prefer one without 'legacy'.")
    return warnings


_PUBLIC: Final = (
    (ACCESS, "decide who has access, and to do everything else"),
    (WRITE, "replace and delete objects"),
    (CREATE, "add objects at your cost"),
    (READ, "read every object"),
    (LIST, "see the names of all objects"),
    (READ_SETTINGS, "see the settings"),
)
"""What a public grant means, the worst first."""


def revoke_warnings(policy: IamPolicy, after: IamPolicy, me: Collection[str] = ()) -> list[str]:
    """Return what a person has to know before a policy is replaced by one with less; empty for nothing.

    `me` holds the members that stand for the person as far as they are known (`user:ada@example.com`); groups cannot
    be looked into, so a member of one is not taken to keep access through it.
    """
    warnings: list[str] = []
    mine = [each for each in grants(policy) if each.member in me]
    kept = [each for each in grants(after) if each.member in me]
    if mine and len(kept) < len(mine):
        lost = "your last role here" if not kept else "a role of your own"
        warnings.append(f"This takes away {lost}.")
        if _administers(mine) and not _administers(kept):
            warnings.append("You could not give it back to yourself, unless a role on the project lets you.")
    if _administers(grants(policy)) and not _administers(grants(after)):
        warnings.append("Nobody who is named here could change access afterwards; roles on the project still count.")
    return warnings


def _administers(held: list[Grant]) -> bool:
    return any(each.role in _MAY_GRANT and each.condition is None and not each.public for each in held)

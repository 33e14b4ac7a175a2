"""The control plane over Google's JSON API: buckets, their settings, access to them, signing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from services.errors import Conflict, PreconditionFailed, Rejected
from services.gcs.data import JSON_HEADERS, json_body, whole
from services.gcs.exchange import Exchange, Request
from services.gcs.failures import Subject
from services.gcs.paths import API, bucket_path
from services.gcs.translate import (
    bucket_info,
    bucket_page,
    bucket_resource,
    policy,
    policy_resource,
)
from services.model import BucketInfo, BucketPage, BucketSpec, IamPolicy
from services.names import bucket_name_problem, display_name

BUCKET_PAGE_SIZE: Final = 1000
"""Buckets asked for in one page."""


class Signer(Protocol):
    """Makes signed URLs.  It blocks: call it in a thread."""

    def sign(self, bucket: str, name: str, method: str, expires_s: int) -> str:
        """Return a signed URL: a secret."""


class GoogleControl:
    """Buckets (`ControlPlane`)."""

    def __init__(self, wire: Exchange, signer: Signer) -> None:
        self._wire = wire
        self._signer = signer

    async def list_buckets(self, *, token: str = "", prefix: str = "", soft_deleted: bool = False) -> BucketPage:
        """Return one page of the project's buckets; raises `Rejected` where no project is known."""
        subject = Subject("list the buckets")
        params = {
            "project": self._project(subject),
            "prefix": prefix,
            "pageToken": token,
            "maxResults": BUCKET_PAGE_SIZE,
            "softDeleted": "true" if soft_deleted else "",
            "projection": "noAcl",
        }
        request = Request(subject, "GET", f"{API}/b", whole(params), repeatable=True, operation="buckets.list")
        return await self._wire.parsed(request, bucket_page)

    async def create_bucket(self, spec: BucketSpec) -> BucketInfo:
        """Create a bucket; raises `Conflict` where the name is taken."""
        subject = Subject("create the bucket", spec.name)
        problem = bucket_name_problem(spec.name)
        if problem:
            raise Rejected(subject.failed(problem), remedy="Choose another name.", url=subject.url)
        params = {"project": self._project(subject), "projection": "noAcl"}
        request = Request(
            subject,
            "POST",
            f"{API}/b",
            params,
            JSON_HEADERS,
            json_body(bucket_resource(spec)),
            operation="buckets.insert",
        )
        try:
            return await self._wire.parsed(request, bucket_info)
        except Conflict as error:
            raise Conflict(
                f"the name {display_name(spec.name)} is taken",
                remedy="Bucket names are shared by everybody: choose another one.",
                url=subject.url,
            ) from error

    async def get_bucket(self, bucket: str) -> BucketInfo:
        """Return the settings of a bucket."""
        subject = Subject("read the settings of", bucket)
        request = Request(
            subject, "GET", bucket_path(bucket), {"projection": "noAcl"}, repeatable=True, operation="buckets.get"
        )
        return self._seen(await self._wire.parsed(request, bucket_info))

    async def patch_bucket(self, bucket: str, changes: Mapping[str, Any], *, metageneration: int) -> BucketInfo:
        """Change settings that were seen at `metageneration`; only sent fields change, None removes one."""
        subject = Subject("change the settings of", bucket)
        params = {"ifMetagenerationMatch": str(metageneration), "projection": "noAcl"}
        request = Request(
            subject, "PATCH", bucket_path(bucket), params, JSON_HEADERS, json_body(changes), operation="buckets.patch"
        )
        return self._seen(await self._wire.parsed(request, bucket_info))

    async def delete_bucket(self, bucket: str, *, metageneration: int | None = None) -> None:
        """Delete an empty bucket; raises `Conflict` where it is not empty."""
        subject = Subject("delete the bucket", bucket)
        params = whole({"ifMetagenerationMatch": metageneration})
        try:
            await self._wire.send(Request(subject, "DELETE", bucket_path(bucket), params, operation="buckets.delete"))
        except Conflict as error:
            raise Conflict(
                error.message, remedy="Delete what is in it first: 'pail rb --all'.", url=subject.url
            ) from error

    async def restore_bucket(self, bucket: str, generation: int) -> BucketInfo:
        """Bring a soft-deleted bucket back."""
        subject = Subject("restore the bucket", bucket)
        params = {"generation": str(generation), "projection": "noAcl"}
        request = Request(subject, "POST", bucket_path(bucket, "restore"), params, operation="buckets.restore")
        return await self._wire.parsed(request, bucket_info)

    async def is_hierarchical(self, bucket: str) -> bool:
        """Tell whether folders are real (storageLayout: allowed even where reading the settings is not)."""
        subject = Subject("look at", bucket)
        request = Request(
            subject, "GET", bucket_path(bucket, "storageLayout"), repeatable=True, operation="buckets.getStorageLayout"
        )
        layout = await self._wire.resource(request)
        namespace = layout.get("hierarchicalNamespace")
        return isinstance(namespace, dict) and bool(namespace.get("enabled"))

    async def get_policy(self, bucket: str) -> IamPolicy:
        """Return who may do what (policy version 3, with conditions)."""
        subject = Subject("read who has access to", bucket)
        params = {"optionsRequestedPolicyVersion": "3"}
        request = Request(
            subject, "GET", bucket_path(bucket, "iam"), params, repeatable=True, operation="buckets.getIamPolicy"
        )
        return await self._wire.parsed(request, policy)

    async def set_policy(self, bucket: str, policy_: IamPolicy) -> IamPolicy:
        """Replace the policy that was seen with this etag; raises `PreconditionFailed` if it changed since."""
        subject = Subject("change who has access to", bucket)
        request = Request(
            subject,
            "PUT",
            bucket_path(bucket, "iam"),
            {},
            JSON_HEADERS,
            json_body(policy_resource(policy_)),
            operation="buckets.setIamPolicy",
        )
        try:
            return await self._wire.parsed(request, policy)
        except Conflict as error:  # the service's answer to another etag is 409 or 412, depending on its age
            raise PreconditionFailed(subject.failed("it was changed since it was seen"), url=subject.url) from error

    async def test_permissions(self, bucket: str, permissions: list[str]) -> frozenset[str]:
        """Return those of `permissions` that these credentials have."""
        subject = Subject("ask what is allowed in", bucket)
        request = Request(
            subject,
            "GET",
            bucket_path(bucket, "iam/testPermissions"),
            {"permissions": permissions},
            repeatable=True,
            operation="buckets.testIamPermissions",
        )
        answer = await self._wire.resource(request)
        return frozenset(str(one) for one in answer.get("permissions", ())) & frozenset(permissions)

    async def sign_url(self, bucket: str, name: str, *, method: str, expires_s: int) -> str:
        """Return a V4 signed URL, valid for `expires_s` seconds (at most seven days): a secret."""
        return await self._wire.blocking(partial(self._signer.sign, bucket, name, method, expires_s))

    def _seen(self, info: BucketInfo) -> BucketInfo:
        self._wire.bills_the_reader(info.name, so=info.requester_pays)
        return info

    def _project(self, subject: Subject) -> str:
        project = self._wire.authority.project
        if not project:
            raise Rejected(
                subject.failed("no project is known"),
                remedy="Name it with --project ID; a bucket whose name you know can be opened without.",
            )
        return project

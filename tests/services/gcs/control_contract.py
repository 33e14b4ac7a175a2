"""What every implementation of the control plane has to do, over real HTTP against the embedded store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from services import access
from services.errors import (
    BucketNotFound,
    Conflict,
    PreconditionFailed,
    Rejected,
    Transient,
)
from services.gcs.interface import ControlPlane, ListQuery, Storage
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from services.model import CREATE_ONLY, BucketSpec, IamBinding, IamPolicy, WriteAttributes
from tests.services.gcs.contract import QUICK, Connect

READER = IamBinding("roles/storage.objectViewer", ("user:ada@example.com",))


class ControlPlaneContract:
    """The contract; `connect(endpoint, limits)` is the subclass's."""

    @pytest.fixture
    def connect(self) -> Connect:
        raise NotImplementedError

    @pytest.fixture
    def faults(self) -> Faults:
        return Faults()

    @pytest.fixture
    async def storage(
        self, connect: Connect, faults: Faults, store_factory: Callable[..., StoreServer]
    ) -> AsyncIterator[Storage]:
        async with await connect(store_factory(faults=faults).endpoint, QUICK) as storage:
            yield storage

    @pytest.fixture
    def control(self, storage: Storage) -> ControlPlane:
        return storage.control

    async def test_a_bucket_is_created_as_it_was_asked_for(self, control: ControlPlane) -> None:
        created = await control.create_bucket(
            BucketSpec("one-bucket", "EUROPE-WEST1", "NEARLINE", hierarchical_namespace=True, labels={"team": "x"})
        )
        assert (created.location, created.location_type, created.storage_class) == (
            "EUROPE-WEST1",
            "region",
            "NEARLINE",
        )
        assert created.uniform_access
        assert created.hierarchical_namespace
        assert (created.public_access_prevention, created.labels) == ("enforced", {"team": "x"})
        found = await control.get_bucket("one-bucket")
        assert (found.name, found.created, found.soft_delete_s) == ("one-bucket", created.created, 7 * 86_400)
        assert await control.is_hierarchical("one-bucket")
        await control.create_bucket(BucketSpec("flat-bucket"))
        assert not await control.is_hierarchical("flat-bucket")

    async def test_a_name_that_is_taken_is_a_conflict_with_a_remedy(self, control: ControlPlane) -> None:
        await control.create_bucket(BucketSpec("taken"))
        with pytest.raises(Conflict, match="taken") as caught:
            await control.create_bucket(BucketSpec("taken"))
        assert "another" in caught.value.remedy

    @pytest.mark.parametrize("name", ["ab", "Upper", "goog-x", "a..b", "1.2.3.4", "a/b", "-x-", "x\x1b[0m"])
    async def test_a_name_that_is_none_never_leaves(self, control: ControlPlane, faults: Faults, name: str) -> None:
        with pytest.raises(Rejected) as caught:
            await control.create_bucket(BucketSpec(name))
        assert "\x1b" not in str(caught.value)
        assert not faults.calls

    async def test_buckets_are_listed_in_order_and_by_prefix(self, control: ControlPlane) -> None:
        for name in ("beta", "alpha", "alpine"):
            await control.create_bucket(BucketSpec(name))
        page = await control.list_buckets()
        assert ([bucket.name for bucket in page.buckets], page.next_token) == (["alpha", "alpine", "beta"], "")
        assert [bucket.name for bucket in (await control.list_buckets(prefix="alp")).buckets] == ["alpha", "alpine"]

    async def test_settings_change_only_as_they_were_seen(self, control: ControlPlane) -> None:
        seen = await control.create_bucket(BucketSpec("bucket", labels={"keep": "1", "drop": "2"}))
        changed = await control.patch_bucket(
            "bucket",
            {"versioning": {"enabled": True}, "labels": {"drop": None, "new": "3"}},
            metageneration=seen.metageneration,
        )
        assert changed.versioning
        assert changed.labels == {"keep": "1", "new": "3"}
        assert changed.metageneration == seen.metageneration + 1
        with pytest.raises(PreconditionFailed):
            await control.patch_bucket("bucket", {"versioning": {"enabled": False}}, metageneration=seen.metageneration)
        assert (await control.get_bucket("bucket")).versioning

    async def test_only_an_empty_bucket_is_deleted(self, storage: Storage, control: ControlPlane) -> None:
        await control.create_bucket(BucketSpec("bucket"))
        await storage.data.insert(
            "bucket", "x", b"", attributes=WriteAttributes(), crc32c="AAAAAA==", precondition=CREATE_ONLY
        )
        with pytest.raises(Conflict, match="not empty") as caught:
            await control.delete_bucket("bucket")
        assert "rb --all" in caught.value.remedy
        (row,) = (await storage.data.list_page("bucket", ListQuery())).objects
        assert await storage.data.delete_many("bucket", [(row.name, row.generation)]) == [None]
        seen = await control.get_bucket("bucket")
        with pytest.raises(PreconditionFailed):
            await control.delete_bucket("bucket", metageneration=seen.metageneration + 1)
        await control.delete_bucket("bucket", metageneration=seen.metageneration)
        with pytest.raises(BucketNotFound):
            await control.get_bucket("bucket")

    async def test_a_deleted_bucket_is_listed_and_restored(self, control: ControlPlane) -> None:
        await control.create_bucket(BucketSpec("bucket"))
        await control.delete_bucket("bucket")
        (deleted,) = (await control.list_buckets(soft_deleted=True)).buckets
        assert deleted.hard_delete is not None
        restored = await control.restore_bucket("bucket", deleted.generation)
        assert restored.name == "bucket"
        assert [bucket.name for bucket in (await control.list_buckets()).buckets] == ["bucket"]

    async def test_access_is_granted_only_on_what_was_seen(self, control: ControlPlane) -> None:
        await control.create_bucket(BucketSpec("bucket"))
        seen = await control.get_policy("bucket")
        conditional = IamBinding("roles/storage.admin", ("user:bob@example.com",), {"title": "t", "expression": "true"})
        changed = await control.set_policy("bucket", IamPolicy(seen.etag, (*seen.bindings, READER, conditional)))
        assert READER in changed.bindings
        assert (await control.get_policy("bucket")).bindings == changed.bindings
        assert any(binding.condition and binding.condition["title"] == "t" for binding in changed.bindings)
        with pytest.raises(PreconditionFailed):
            await control.set_policy("bucket", IamPolicy(seen.etag, ()))

    async def test_permissions_are_told(self, control: ControlPlane) -> None:
        await control.create_bucket(BucketSpec("bucket"))
        assert await control.test_permissions("bucket", access.ASKED) == frozenset(access.ASKED)
        with pytest.raises(BucketNotFound):
            await control.test_permissions("missing", access.ASKED)

    async def test_a_missing_bucket_is_missing_for_everything(self, control: ControlPlane) -> None:
        for call in (
            control.get_bucket("missing"),
            control.patch_bucket("missing", {}, metageneration=1),
            control.delete_bucket("missing"),
            control.restore_bucket("missing", 1),
            control.is_hierarchical("missing"),
            control.get_policy("missing"),
        ):
            with pytest.raises(BucketNotFound):
                await call

    async def test_h6_a_change_whose_answer_was_lost_is_sent_once(self, control: ControlPlane, faults: Faults) -> None:
        await control.create_bucket(BucketSpec("bucket"))
        policy = await control.get_policy("bucket")
        for operation, call in (
            ("buckets.insert", lambda: control.create_bucket(BucketSpec("other"))),
            ("buckets.patch", lambda: control.patch_bucket("bucket", {}, metageneration=1)),
            ("buckets.set_iam_policy", lambda: control.set_policy("bucket", policy)),
            ("buckets.delete", lambda: control.delete_bucket("other")),
        ):
            before = faults.calls[operation]
            faults.add(Fault(operation, "reset", "after"))
            with pytest.raises(Transient):
                await call()
            assert faults.calls[operation] == before + 1

"""The control plane over requests keeps the contract, and what only Google's service answers."""

from __future__ import annotations

import pytest

from services import access
from services.connection import Connection
from services.errors import BucketNotFound, Rejected
from services.gcs.exchange import Limits
from services.gcs.interface import Storage
from services.gcs.open import open_storage
from services.model import BucketSpec
from tests.services.gcs.contract import Connect
from tests.services.gcs.control_contract import ControlPlaneContract
from tests.services.gcs.scripted import Asked, Says, refusal, serving


class TestGoogleControl(ControlPlaneContract):
    @pytest.fixture
    def connect(self) -> Connect:
        async def connect(endpoint: str, limits: Limits) -> Storage:
            return await open_storage(Connection(endpoint=endpoint), limits=limits)

        return connect


async def test_google_without_a_project_lists_and_creates_nothing() -> None:
    async with await open_storage(Connection()) as storage:
        with pytest.raises(Rejected, match="no project") as caught:
            await storage.control.list_buckets()
        assert "--project" in caught.value.remedy
        with pytest.raises(Rejected, match="no project"):
            await storage.control.create_bucket(BucketSpec("bucket"))


async def test_the_project_goes_along() -> None:
    with serving(lambda _asked: Says(200, {"kind": "storage#buckets", "nextPageToken": "t"})) as server:
        async with await open_storage(Connection(endpoint=server.url, project="mine")) as storage:
            assert (await storage.control.list_buckets(token="before")).next_token == "t"
    assert (server.asked[0].query["project"], server.asked[0].query["pageToken"]) == (["mine"], ["before"])


# The badge.

ALLOWED = {"storage.objects.list", "storage.objects.get", "storage.objects.create", "storage.objects.delete"}
DENIED = refusal(403, "me does not have storage.buckets.getIamPolicy access", "forbidden")


@pytest.mark.parametrize(
    ("allowed", "ability"),
    [
        (ALLOWED, "read/write"),
        (ALLOWED - {"storage.objects.delete"}, "read/write"),
        ({"storage.objects.get"}, "read only"),
        ({"storage.objects.list"}, "read only"),
        ({"storage.objects.create"}, "write only"),
        ({"storage.buckets.get"}, "no access"),
        (set(), "no access"),
    ],
)
def test_permissions_amount_to_an_ability(allowed: set[str], ability: str) -> None:
    found = access.judge(frozenset(allowed))
    assert found.ability == ability
    assert bool(found.reason) == (allowed != ALLOWED)


@pytest.mark.parametrize(
    ("permissions", "listing", "ability"),
    [
        (Says(200, {"permissions": sorted(ALLOWED)}), DENIED, "read/write"),
        (Says(200, {}), DENIED, "no access"),
        (DENIED, Says(200, {"kind": "storage#objects"}), "unknown"),
        (DENIED, DENIED, "no access"),
        (refusal(401, "Anonymous caller"), refusal(401, "Anonymous caller"), "no access"),
    ],
)
async def test_being_denied_the_answer_is_no_failure(permissions: Says, listing: Says, ability: str) -> None:
    def answer(asked: Asked) -> Says:
        return permissions if asked.path.endswith("testPermissions") else listing

    with serving(answer) as server:
        async with await open_storage(Connection(endpoint=server.url)) as storage:
            assert (await access.probe(storage, "bucket")).ability == ability


async def test_a_bucket_that_is_not_there_is_said_to_be_missing() -> None:
    def answer(asked: Asked) -> Says:
        return refusal(404, "The specified bucket does not exist.") if "gone" in asked.path else Says(200, {})

    with serving(answer) as server:
        async with await open_storage(Connection(endpoint=server.url)) as storage:
            with pytest.raises(BucketNotFound):
                await access.probe(storage, "gone")
            found = await access.probe_all(storage, ["gone", "here"])
    assert [one.ability for one in found.values()] == ["no access", "no access"]
    assert "no bucket" in found["gone"].reason

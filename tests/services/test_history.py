"""Older versions and deleted objects: listed with the live ones and brought back, against a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import checksum
from services.connection import Connection
from services.errors import ObjectNotFound, PreconditionFailed, UsageError
from services.estimates import monthly
from services.gcs.exchange import Limits
from services.gcs.interface import ANY, ListQuery, Storage
from services.gcs.open import open_storage
from services.history import Version, by_name, deleted_below, hidden, restore_plan, versions
from services.lifecycle import delete_after, rules_of
from services.localstore.faults import Faults
from services.localstore.server import StoreServer
from services.model import CREATE_ONLY, BucketSpec, ObjectInfo, Precondition, WriteAttributes
from services.object_fields import changes as object_changes
from services.object_fields import rewrite_attributes
from services.policy import grant, grants, revoke
from services.prices import GOOGLE, Place
from services.settings import SETTINGS, changes
from services.usage_count import Count
from tests.services.samples import DAY, NOW, Listing, row_of

BUCKET = "history"
QUICK = Limits(connect_s=5, answer_s=5, stall_s=1, deadline_s=10, attempts=2, backoff_s=0.001, backoff_cap_s=0.002)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def storage(
    faults: Faults, store_factory: Callable[..., StoreServer], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Storage]:
    for name in ("HTTP_PROXY", "http_proxy", "STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    endpoint = store_factory(faults=faults).endpoint
    async with await open_storage(Connection(endpoint=endpoint), limits=QUICK) as storage:
        await storage.control.create_bucket(BucketSpec(BUCKET))
        yield storage


async def put(storage: Storage, name: str, data: bytes) -> ObjectInfo:
    return await storage.data.insert(
        BUCKET, name, data, attributes=WriteAttributes(), crc32c=checksum.of(data), precondition=ANY
    )


async def delete(storage: Storage, name: str) -> None:
    info = await storage.data.stat(BUCKET, name)
    await storage.data.delete(BUCKET, name, precondition=Precondition(generation=info.generation))


async def versioned(storage: Storage) -> None:
    seen = await storage.control.get_bucket(BUCKET)
    patch = changes(seen, ["versioning=on"])
    await storage.control.patch_bucket(BUCKET, patch, metageneration=seen.metageneration)


async def content(storage: Storage, name: str) -> bytes:
    async with storage.data.read(BUCKET, name) as stream:
        return b"".join([piece async for piece in stream])


async def test_a_deleted_object_is_listed_with_its_date_and_comes_back(storage: Storage) -> None:
    await put(storage, "a", b"one")
    await put(storage, "a", b"two")
    await put(storage, "ab", b"other")
    await delete(storage, "a")
    found = await versions(storage.data, BUCKET, "a", soft_delete_s=7 * DAY)
    assert [version.state for version in found] == ["soft-deleted", "soft-deleted"]
    assert all(version.until == (version.row.deleted or 0) + 7 * DAY for version in found)
    back = restore_plan(found, "a")
    assert (back, back.row.size) == (found[0], 3)
    await storage.data.restore(BUCKET, "a", back.row.generation, precondition=CREATE_ONLY)
    with pytest.raises(UsageError, match="not deleted"):
        restore_plan(await versions(storage.data, BUCKET, "a"), "a")


async def test_a_folder_shows_what_was_in_it_and_all_of_it_comes_back(storage: Storage) -> None:
    for name in ("d/a", "d/b", "d/sub/c", "e"):
        await put(storage, name, name.encode())
    for name in ("d/a", "d/sub/c", "e"):
        await delete(storage, name)
    async with aclosing(hidden(storage.data, BUCKET, "d/")) as pages:
        seen = [page async for page in pages]
    assert [version.row.name for page in seen for version in page.versions] == ["d/a"]
    assert {prefix for page in seen for prefix in page.prefixes} == {"d/sub/"}
    plans = [plan async for plan in deleted_below(storage.data, BUCKET, "d/")]
    assert [plan.row.name for plan in plans] == ["d/a", "d/sub/c"]
    for plan in plans:
        await storage.data.restore(BUCKET, plan.row.name, plan.row.generation, precondition=CREATE_ONLY)
    assert [plan async for plan in deleted_below(storage.data, BUCKET, "d/")] == []
    live = await storage.data.list_page(BUCKET, ListQuery("d/"))
    assert [row.name for row in live.objects] == ["d/a", "d/b", "d/sub/c"]


async def test_what_is_not_there_is_said(storage: Storage) -> None:
    assert await versions(storage.data, BUCKET, "nothing") == []
    with pytest.raises(ObjectNotFound, match="not there"):
        restore_plan([], "nothing")
    await put(storage, "a", b"")
    found = await versions(storage.data, BUCKET, "a")
    with pytest.raises(ObjectNotFound, match="generation 7"):
        restore_plan(found, "a", 7)
    with pytest.raises(UsageError, match="live one"):
        restore_plan(found, "a", found[0].row.generation)


names = st.sampled_from(["a", "a/b", "ab", "é", "\U0001f600"])
rows = st.lists(st.tuples(names, st.integers(1, 5)), unique=True, max_size=12)


@given(rows, rows, rows, st.integers(1, 3))
async def test_two_listings_are_merged_name_by_name(
    live: list[tuple[str, int]], older: list[tuple[str, int]], gone: list[tuple[str, int]], page_size: int
) -> None:
    newest = dict(sorted(live))
    listing = Listing([row_of(name, generation=10 + number) for name, number in newest.items()], page_size=page_size)
    listing.noncurrent = [row_of(name, generation=number, deleted=NOW) for name, number in older]
    listing.soft_deleted = [row_of(name, generation=100 + number, deleted=NOW) for name, number in gone]
    groups: list[list[Version]] = [found async for found in by_name(listing, "b", "")]  # type: ignore[arg-type]
    order = [group[0].row.name for group in groups]
    assert order == sorted({name for name, _ in [*live, *older, *gone]}, key=str.encode)
    assert sum(len(group) for group in groups) == len(newest) + len(older) + len(gone)
    for group in groups:
        generations = [version.row.generation for version in group if version.state != "live"]
        assert generations == sorted(generations, reverse=True)
        assert [version.state for version in group].count("live") <= 1
        assert group[0].state == "live" or group[0].row.name not in newest


# The descriptions of settings, access, fields and usage are taken by a real store.


async def test_every_setting_is_taken_by_the_store_and_read_back(storage: Storage) -> None:
    for assignment, shown in (
        ("soft-delete=30d", "30 days"),
        ("class=nearline", "Nearline"),
        ("labels=+team=media", "team=media"),
        ("labels=-team", "none"),
        ("lifecycle=+delete after 90 days (logs/)", "delete after 90 days (logs/)"),
        ("lifecycle=off", "none"),
        ("requester-pays=off", "off"),
        ('cors=[{"origin": ["*"], "method": ["GET"]}]', "GET from *"),
        ("retention=1d", "1 day"),
        ("retention=off", "off"),
        ("website-main=index.html", "index.html"),
        ("public-access=inherited", "not prevented here"),
        ("versioning=on", "on"),
    ):
        seen = await storage.control.get_bucket(BUCKET)
        patch = changes(seen, [assignment])
        after = await storage.control.patch_bucket(BUCKET, patch, metageneration=seen.metageneration)
        key = assignment.partition("=")[0]
        assert next(each for each in SETTINGS if each.key == key).show(after) == shown, assignment


async def test_two_people_who_change_access_do_not_overwrite_each_other(storage: Storage) -> None:
    role, ada, bob = "roles/storage.objectViewer", "user:ada@example.com", "user:bob@example.com"
    seen = await storage.control.get_policy(BUCKET)
    await storage.control.set_policy(BUCKET, grant(seen, ada, role))
    with pytest.raises(PreconditionFailed):
        await storage.control.set_policy(BUCKET, grant(seen, bob, role))
    now = await storage.control.get_policy(BUCKET)
    after = await storage.control.set_policy(BUCKET, grant(now, bob, role))
    assert {each.member for each in grants(after) if each.role == role} == {ada, bob}
    last = await storage.control.set_policy(BUCKET, revoke(after, ada, role))
    assert ada not in {each.member for each in grants(last) if each.role == role}


async def test_an_edited_object_keeps_what_was_not_edited(storage: Storage) -> None:
    info = await put(storage, "a", b"one")
    edit = object_changes(info, {"content-type": "text/css", "metadata": "+a=b", "cache-control": "no-store"})
    seen = Precondition(metageneration=info.metageneration)
    patched = await storage.data.patch(BUCKET, "a", edit.patch, generation=info.generation, precondition=seen)
    assert (patched.content_type, dict(patched.metadata)) == ("text/css", {"a": "b"})
    assert not object_changes(patched, {"content-type": "text/css", "metadata": "+a=b"})
    colder = object_changes(patched, {"class": "archive"})
    moved = await storage.data.rewrite(
        BUCKET,
        "a",
        patched.generation,
        BUCKET,
        "a",
        precondition=Precondition(generation=patched.generation),
        attributes=rewrite_attributes(patched, colder),
    )
    assert moved.done is not None
    done = moved.done
    assert (done.storage_class, done.content_type, dict(done.metadata)) == ("ARCHIVE", "text/css", {"a": "b"})
    assert done.resource["cacheControl"] == "no-store"


async def test_a_bucket_is_counted_with_what_nobody_sees(storage: Storage) -> None:
    await versioned(storage)
    for name in ("logs/a", "logs/b", "top"):
        await put(storage, name, b"x" * 100)
    await put(storage, "top", b"y" * 50)
    await delete(storage, "logs/b")
    older = (await versions(storage.data, BUCKET, "logs/b"))[0].row
    await storage.data.delete(BUCKET, "logs/b", generation=older.generation, precondition=ANY)
    bucket = await storage.control.get_bucket(BUCKET)
    rules = [*rules_of(bucket.resource), delete_after(0, "logs/")]
    usage = await Count(storage.data, BUCKET, now=older.updated + DAY, rules=rules).run()
    assert [usage.amount(state).size for state in ("live", "noncurrent", "soft-deleted")] == [150, 100, 100]
    assert [(share.prefix, share.size) for share in usage.children()] == [("logs/", 100), ("", 50)]
    assert usage.touched[-1]["STANDARD"].objects == 1
    assert monthly(GOOGLE, Place.of(bucket), usage).exact

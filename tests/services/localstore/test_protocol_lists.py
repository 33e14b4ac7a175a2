"""Protocol checks: lists."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.localstore.listing import prefix_end
from services.localstore.server import StoreServer
from services.localstore.store import StoreOptions
from tests.services.localstore.raw import Raw

NAMES = ["a", "a/", "a/b", "a/b/c", "a/d", "a//e", "a0", "b/x", "b/y", "c", "c/", "é/ü", "z"]


@pytest.fixture
def filled(raw: Raw) -> Raw:
    for name in NAMES:
        raw.made(name)
    return raw


def pages(raw: Raw, **query: Any) -> tuple[list[str], list[str], int]:
    """Follow the tokens; return items, prefixes and the number of pages."""
    items: list[str] = []
    prefixes: list[str] = []
    count = 0
    token: dict[str, str] = {}
    while True:
        page = raw.list(**query, **token)
        found = [item["name"] for item in page.get("items", [])]
        assert len(found) + len(page.get("prefixes", [])) <= int(query.get("maxResults", 1000))
        items += found
        prefixes += page.get("prefixes", [])
        count += 1
        if "nextPageToken" not in page:
            return items, prefixes, count
        token = {"pageToken": page["nextPageToken"]}


LISTS: list[tuple[dict[str, str], list[str], list[str]]] = [
    ({}, sorted(NAMES, key=str.encode), []),
    ({"delimiter": "/"}, ["a", "a0", "c", "z"], ["a/", "b/", "c/", "é/"]),
    ({"delimiter": "/", "prefix": "a"}, ["a", "a0"], ["a/"]),
    ({"delimiter": "/", "prefix": "a/"}, ["a/", "a/b", "a/d"], ["a//", "a/b/"]),
    ({"delimiter": "/", "prefix": "a/b/"}, ["a/b/c"], []),
    (
        {"delimiter": "/", "includeTrailingDelimiter": "true"},
        ["a", "a/", "a0", "c", "c/", "z"],
        ["a/", "b/", "c/", "é/"],
    ),
    ({"prefix": "b/"}, ["b/x", "b/y"], []),
    ({"prefix": "none"}, [], []),
    ({"startOffset": "b", "endOffset": "c/"}, ["b/x", "b/y", "c"], []),
    ({"startOffset": "a/b", "prefix": "a/", "delimiter": "/"}, ["a/b", "a/d"], ["a/b/"]),
    ({"matchGlob": "a/*"}, ["a/", "a/b", "a/d"], []),
    ({"matchGlob": "**/c"}, ["a/b/c", "c"], []),
    ({"matchGlob": "{b,z}**"}, ["b/x", "b/y", "z"], []),
    ({"matchGlob": "[a-b]/?"}, ["a/b", "a/d", "b/x", "b/y"], []),
    ({"delimiter": "b"}, ["a", "a/", "a//e", "a/d", "a0", "c", "c/", "z", "é/ü"], ["a/b", "b"]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "items", "prefixes"), LISTS)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_list_is_complete_and_in_order_at_every_page_size(
    filled: Raw, query: dict[str, str], items: list[str], prefixes: list[str], size: int
) -> None:
    found = pages(filled, maxResults=size, **query)
    assert found[:2] == (items, prefixes)


def test_a_list_has_at_most_a_thousand_entries_a_page(raw: Raw) -> None:
    source = raw.made("n/0000", b"")
    assert source["size"] == "0"
    for start in range(1, 1005, 100):
        calls = range(start, min(start + 100, 1005))
        body = "".join(
            f"--b\r\nContent-Type: application/http\r\n\r\n"
            f"POST /storage/v1/b/bucket/o/n%2F0000/copyTo/b/bucket/o/n%2F{index:04d} HTTP/1.1\r\n\r\n\r\n"
            for index in calls
        )
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        assert raw.call("POST", "/batch/storage/v1", f"{body}--b--", headers).status == 200
    first = raw.list(maxResults=5000)
    assert len(first["items"]) == 1000
    items, _, count = pages(raw)
    assert (len(items), count) == (1005, 2)


def test_versions_are_listed_oldest_first_across_pages(filled: Raw) -> None:
    filled.call("PATCH", "/storage/v1/b/bucket", {"versioning": {"enabled": True}})
    made = [filled.made("v", b"%d" % index)["generation"] for index in range(5)]
    found = []
    query: dict[str, Any] = {"versions": "true", "prefix": "v", "maxResults": 2}
    while True:
        page = filled.list(**query)
        found += [item["generation"] for item in page.get("items", [])]
        if "nextPageToken" not in page:
            break
        query["pageToken"] = page["nextPageToken"]
    assert found == made
    assert filled.call("GET", "/storage/v1/b/bucket/o?versions=true&softDeleted=true").status == 400


@pytest.mark.parametrize(
    "query",
    [
        {"pageToken": "?"},
        {"pageToken": "bm9jb2xvbg=="},
        {"maxResults": "x"},
        {"maxResults": "-1"},
        {"versions": "perhaps"},
    ],
)
def test_a_bad_list_parameter_is_refused(raw: Raw, query: dict[str, str]) -> None:
    assert raw.call("GET", "/storage/v1/b/bucket/o", **query).status == 400


def test_fields_cut_a_list_to_what_is_needed(filled: Raw) -> None:
    page = filled.list(fields="items(name,size),nextPageToken", maxResults=2)
    assert page["items"] == [{"name": "a", "size": "4"}, {"name": "a/", "size": "4"}]
    assert set(page) == {"items", "nextPageToken"}
    assert set(filled.list(fields="prefixes", delimiter="/")) == {"prefixes"}


def test_a_page_of_a_narrow_glob_is_bounded_and_goes_on(store_factory: Any) -> None:
    raw = Raw(store_factory(options=StoreOptions(scan_limit=4)))
    raw.make_bucket()
    for name in NAMES:
        raw.made(name)
    items, _, count = pages(raw, matchGlob="z")
    assert items == ["z"]
    assert count > 2


def test_folders_of_a_hierarchical_bucket(store: StoreServer) -> None:
    raw = Raw(store)
    uniform = {"uniformBucketLevelAccess": {"enabled": True}}
    raw.make_bucket(hierarchicalNamespace={"enabled": True}, iamConfiguration=uniform)
    folders = "/storage/v1/b/bucket/folders"
    assert raw.call("POST", folders, {"name": "empty/"}).status == 200
    assert raw.call("POST", folders, {"name": "empty/"}).status == 409
    assert raw.call("POST", folders, {"name": "no/parent/"}).status == 404
    assert raw.call("POST", folders, {"name": "with/parent/"}, recursive="true").status == 200
    raw.made("src/deep/x", b"content")
    listed = [item["name"] for item in raw.call("GET", folders).json["items"]]
    assert listed == ["empty/", "src/", "src/deep/", "with/", "with/parent/"]
    assert raw.list(delimiter="/")["prefixes"] == ["src/"]
    _, prefixes, _ = pages(raw, delimiter="/", includeFoldersAsPrefixes="true", maxResults=1)
    assert prefixes == ["empty/", "src/", "with/"]
    assert raw.call("DELETE", f"{folders}/src%2F").status == 409
    renamed = raw.call("POST", f"{folders}/src%2F/renameTo/folders/dst%2F")
    assert (renamed.status, renamed.json["done"]) == (200, False)
    operations = "/storage/v1/b/bucket/operations"
    ended = raw.call("GET", f"{operations}/{renamed.json['name'].rpartition('/')[2]}")
    assert (ended.json["done"], ended.json["response"]["name"]) == (True, "dst/")
    assert raw.call("GET", f"{operations}/other").status == 404
    assert raw.names() == ["dst/deep/x"]
    assert raw.media("dst/deep/x").body == b"content"
    assert raw.call("GET", f"{folders}/src%2F").status == 404
    assert raw.call("GET", f"{folders}/dst%2Fdeep%2F").json["name"] == "dst/deep/"
    assert raw.call("DELETE", f"{folders}/empty%2F").status == 204


def test_a_flat_bucket_has_no_folders(raw: Raw) -> None:
    assert raw.call("GET", "/storage/v1/b/bucket/folders").status == 409


@given(st.binary(max_size=6), st.binary(max_size=8))
def test_the_end_of_a_prefix_is_past_everything_with_it_and_nothing_else(prefix: bytes, name: bytes) -> None:
    end = prefix_end(prefix)
    inside = name >= prefix and (end is None or name < end)
    assert inside == name.startswith(prefix)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 10_000))
def test_lists_agree_with_a_plain_model(raw: Raw, seed: int) -> None:
    chance = random.Random(seed)
    bucket = f"model-{seed}-{chance.random()}".replace(".", "-")
    raw.make_bucket(bucket)
    names = {"".join(chance.choice("ab/é") for _ in range(chance.randint(1, 6))) for _ in range(25)}
    for name in names:
        raw.made(name, b"", bucket)
    prefix = "".join(chance.choice("ab/") for _ in range(chance.randint(0, 2)))
    items, prefixes = [], []
    for name in sorted(names, key=str.encode):
        if name.startswith(prefix):
            head, mark, _ = name[len(prefix) :].partition("/")
            if not mark:
                items.append(name)
            elif prefix + head + "/" not in prefixes:
                prefixes.append(prefix + head + "/")
    found = pages(raw, bucket=bucket, prefix=prefix, delimiter="/", maxResults=chance.randint(1, 5))
    assert found[:2] == (items, prefixes)

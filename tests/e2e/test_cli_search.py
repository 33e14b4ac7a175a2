"""Searching, measuring and linking with the real command: `find du url`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e import hostile
from tests.e2e.conftest import Pail

Put = Callable[..., None]


def test_find_by_name_size_age_and_type(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "d/a.csv", b"1" * 2000, "text/csv")
    put("bucket", "d/e/b.csv", b"1", "text/csv")
    put("bucket", "d/it's two.txt", b"1")
    put("bucket", "top.png", b"1", "image/png")

    def found(*words: str) -> set[str]:
        return {line.removeprefix("gs://bucket/") for line in pail("find", *words).lines}

    assert found("gs://bucket", "*.csv") == {"d/a.csv", "d/e/b.csv"}
    assert found("gs://bucket/d/e", "*.csv") == {"d/e/b.csv"}
    assert found("gs://bucket", "d/*.csv") == {"d/a.csv"}
    assert found("gs://bucket", "it's two*") == {"d/it's two.txt"}, "a word of the shell is one word"
    assert found("gs://bucket", "--larger", "1K") == {"d/a.csv"}
    assert found("gs://bucket", "csv", "--smaller", "1K") == {"d/e/b.csv"}
    assert found("gs://bucket", "--type", "image") == {"top.png"}
    assert found("gs://bucket", "--older", "1h") == set()
    assert len(found("gs://bucket", "--newer", "1h")) == 4
    assert len(found("gs://bucket")) == 4
    [record] = pail("--json", "find", "gs://bucket", "top*").records
    assert (record["kind"], record["url"], record["size"]) == ("object", "gs://bucket/top.png", 1)
    assert pail("find", "-l", "gs://bucket", "top*").lines[0].split()[0] == "1"


def test_find_says_what_is_wrong(pail: Pail, put: Put) -> None:
    put("bucket")
    assert pail("find", "gs://bucket", "*").lines == []
    pail("find", "gs://bucket/none/", "*", code=3)
    pail("find", "gs://typo-1", "*", code=3)
    assert "span of time" in pail("find", "gs://bucket", "--older", "30", code=2).err
    assert "size" in pail("find", "gs://bucket", "--larger", "30 days", code=2).err
    pail("find", "gs://", "x", code=2)


def test_find_and_du_cope_with_every_name(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in hostile.ALL:
        put("bucket", name, b"1")
    records = pail("--json", "find", "gs://bucket").records
    assert sorted(r["name"] for r in records) == sorted(hostile.ALL)
    total = pail("--json", "du", "gs://bucket").records[-1]
    assert (total["url"], total["objects"], total["size"]) == ("gs://bucket", len(hostile.ALL), len(hostile.ALL))


def test_du_counts_folder_by_folder(pail: Pail, put: Put) -> None:
    put("bucket")
    for name in ("a", "d/1", "d/e/2", "d/e/3", "z/4"):
        put("bucket", name, b"12345")
    assert pail("du", "gs://bucket").lines == [
        "15\tgs://bucket/d/",
        "10\tgs://bucket/d/e/",
        "5\tgs://bucket/z/",
        "25\tgs://bucket",
    ]
    assert pail("du", "-s", "gs://bucket/d", "gs://bucket/a").lines == ["15\tgs://bucket/d/", "5\tgs://bucket/a"]
    [record] = pail("--json", "du", "-s", "gs://bucket/d/").records
    assert record == {"kind": "usage", "url": "gs://bucket/d/", "objects": 3, "size": 15}
    pail("du", "gs://bucket/none/", code=3)
    pail("du", "gs://bucket/none", code=4)
    pail("du", "gs://bucket/none", "gs://bucket/a", code=6)


def test_credentials_that_may_not_list_are_told_so(home: Path, store_factory: Callable[..., StoreServer]) -> None:
    faults = Faults(Fault("objects.list", "status", status=403, count=None))
    pail = Pail(home, ("--endpoint", store_factory(faults=faults).endpoint))
    pail("mb", "gs://bucket")
    pail("cp", "-", "gs://bucket/a", stdin=b"mine")
    for command in (
        ["find", "gs://bucket", "x"],
        ["du", "gs://bucket"],
        ["versions", "gs://bucket/a"],
        ["usage", "gs://bucket"],
    ):
        refused = pail(*command, code=7)
        assert "gs://bucket" in refused.err
        assert "permission" in refused.err, "what to do is said"
    assert pail("du", "gs://bucket/a").lines == ["4\tgs://bucket/a"], "an object that is named needs no list"


def test_a_link_needs_credentials_that_can_sign(pail: Pail, put: Put) -> None:
    put("bucket")
    put("bucket", "a", b"1")
    refused = pail("url", "gs://bucket/a", code=7)
    assert refused.out == ""
    assert "no credentials to sign with" in refused.err
    assert "--credentials" in refused.err
    pail("url", "gs://bucket/none", code=4)
    pail("url", "gs://bucket/d/", code=2)
    pail("url", "gs://bucket/a", "--for", "soon", code=2)
    pail("url", "gs://bucket/a", "--method", "DELETE", code=2)

from __future__ import annotations

from pathlib import Path

import pytest

from services.connection import Connection
from services.errors import BucketNotFound, LocalFileError, ObjectNotFound, PailError, UsageError
from services.transfer import inprocess
from services.transfer.messages import JobItem, JobSpec
from services.transfer.resolve import action_for, resolve
from tests.services.transfer.conftest import BUCKET, Lab


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


async def ask(lab: Lab, action: str, *sources: str, target: str = "", **options: object) -> list[tuple[str, str, bool]]:
    items = await resolve(action, sources, target, storage=lab.storage, **options)  # type: ignore[arg-type]
    return [(item.source, item.target, item.tree) for item in items]


@pytest.mark.parametrize(
    ("target", "became"),
    [("new", "new"), ("new/", "new/f"), ("there", "there/f"), ("there/", "there/f"), ("taken", "taken"), ("", "f")],
)
async def test_a_file_goes_into_a_folder_that_is_there_or_is_written_as_one(lab: Lab, target: str, became: str) -> None:
    await lab.put("there/x", b"")
    await lab.put("taken", b"")
    await lab.put("taken/x", b"")
    path = str(lab.file("f"))
    assert await ask(lab, "upload", path, target=at(target)) == [(path, at(became), False)]


@pytest.mark.parametrize(
    ("target", "became"), [("new", "new/"), ("new/", "new/dir/"), ("there", "there/dir/"), ("", "dir/")]
)
async def test_a_folder_goes_into_a_folder_or_becomes_it(lab: Lab, target: str, became: str) -> None:
    await lab.put("there/x", b"")
    lab.file("dir/f")
    path = str(lab.folder / "dir")
    assert await ask(lab, "upload", path, target=at(target), recursive=True) == [(path, at(became), True)]


@pytest.mark.parametrize(("target", "fresh"), [("new", True), ("new/", False), ("there", False)])
async def test_only_what_was_looked_for_and_not_found_is_fresh(lab: Lab, target: str, fresh: bool) -> None:
    await lab.put("there/x", b"")
    lab.file("dir/f")
    [item] = await resolve(
        "upload", [str(lab.folder / "dir")], at(target), storage=lab.storage, recursive=True
    )  # fmt: skip
    assert item.fresh is fresh
    [single] = await resolve("upload", [str(lab.folder / "dir/f")], at(target), storage=lab.storage)
    assert not single.fresh


def test_what_was_seen_of_the_target_makes_no_other_request() -> None:
    item = JobItem("/dir", at("p/"), tree=True)
    one, other = (JobSpec("upload", Connection(), (item._replace(fresh=fresh),)) for fresh in (False, True))
    assert inprocess._same(one, other)
    assert not inprocess._same(one, one._replace(items=(item._replace(target=at("q/")),)))


async def test_the_content_of_a_folder_alone(lab: Lab) -> None:
    lab.file("dir/f")
    found = await ask(lab, "upload", f"{lab.folder}/dir/.", target=at("p/"), recursive=True)
    assert found == [(str(lab.folder / "dir"), at("p/"), True)]


@pytest.mark.parametrize(("target", "became"), [("there", "there/dir"), ("new", "new"), ("new/", "new/dir")])
async def test_a_prefix_goes_into_a_folder_on_disk_or_becomes_it(lab: Lab, target: str, became: str) -> None:
    await lab.put("a/dir/f", b"")
    lab.file("there/x")
    found = await ask(lab, "download", at("a/dir"), target=f"{lab.folder}/{target}", recursive=True)
    assert found == [(at("a/dir/"), str(lab.folder / became), True)]


async def test_the_exact_name_comes_before_the_glob(lab: Lab) -> None:
    await lab.put("a*", b"")
    await lab.put("ab", b"")
    assert await ask(lab, "delete", at("a*")) == [(at("a*"), "", False)]
    assert await ask(lab, "delete", at("a?")) == [(at("a*"), "", False), (at("ab"), "", False)]
    with pytest.raises(ObjectNotFound):
        await ask(lab, "delete", at("a?"), literal=True)


async def test_globs_stay_within_a_segment_unless_doubled(lab: Lab) -> None:
    for name in ("l/a.csv", "l/b.csv", "l/x/c.csv", "m/a.csv", "m/n"):
        await lab.put(name, b"")
    assert [found[0] for found in await ask(lab, "delete", at("l/*.csv"))] == [at("l/a.csv"), at("l/b.csv")]
    assert [found[0] for found in await ask(lab, "delete", at("*/a.csv"))] == [at("l/a.csv"), at("m/a.csv")]
    assert len(await ask(lab, "delete", at("**.csv"))) == 4
    assert await ask(lab, "delete", at("l/*"), recursive=True) == [
        (at("l/a.csv"), "", False),
        (at("l/b.csv"), "", False),
        (at("l/x/"), "", True),
    ]


async def test_an_object_and_the_prefix_beside_it_are_both_meant_by_a_recursive_delete(lab: Lab) -> None:
    await lab.put("a", b"")
    await lab.put("a/b", b"")
    assert await ask(lab, "delete", at("a"), recursive=True) == [(at("a"), "", False), (at("a/"), "", True)]
    assert await ask(lab, "delete", at("a")) == [(at("a"), "", False)]


async def test_generations_are_pinned(lab: Lab) -> None:
    first = await lab.put("a", b"1")
    await lab.overwrite("a", b"2")
    live = (await lab.storage.data.stat(BUCKET, "a")).generation
    assert (await resolve("delete", [at("a")], storage=lab.storage))[0] == JobItem(at("a"), generation=live)
    with pytest.raises(ObjectNotFound):
        await resolve("delete", [at("a")], storage=lab.storage, generation=first.generation)


@pytest.mark.parametrize(
    ("sources", "target", "options", "error"),
    [
        ([at("none")], "/tmp/x", {}, ObjectNotFound),
        ([at("none")], "/tmp/x", {"recursive": True}, BucketNotFound),
        (["gs://nosuchbucket/x"], "/tmp/x", {}, BucketNotFound),
        ([at("d")], "/tmp/x", {}, UsageError),
        ([at("")], "/tmp/x", {}, UsageError),
        ([at("one"), at("d/f")], "/tmp/none-of-this", {}, UsageError),
        (["/none/of/this"], at("x"), {}, LocalFileError),
        (["/tmp"], at("x"), {}, UsageError),
        (["gs://"], "/tmp/x", {}, UsageError),
        ([at("one"), at("d")], "/tmp/", {"generation": 3}, UsageError),
        ([], "/tmp/", {}, UsageError),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_remedy(
    lab: Lab, sources: list[str], target: str, options: dict[str, object], error: type[PailError]
) -> None:
    await lab.put("one", b"")
    await lab.put("d/f", b"")
    action = action_for("copy", sources, target) if sources else "download"
    with pytest.raises(error) as caught:
        await ask(lab, action, *sources, target=target, **options)
    assert caught.value.message
    assert caught.value.remedy


def test_the_action_follows_from_where_things_are() -> None:
    assert action_for("copy", ["/a"], "gs://b/") == "upload"
    assert action_for("copy", ["gs://b/a"], "gs://c/") == "copy"
    assert action_for("copy", ["gs://b/a"], "/x") == "download"
    assert action_for("move", ["/a"], "gs://b/") == "move"
    assert action_for("delete", ["gs://b/a"]) == "delete"
    for verb, sources, target in (
        ("copy", ["/a"], "/b"),
        ("copy", ["/a", "gs://b/a"], "gs://b/"),
        ("delete", ["/a"], ""),
    ):
        with pytest.raises(UsageError):
            action_for(verb, sources, target)  # type: ignore[arg-type]


def test_local_globs(tmp_path: Path) -> None:
    from services.transfer.resolve import find_local

    (tmp_path / "a[1]").touch()
    (tmp_path / "a1").touch()
    assert [found.name for found in find_local(f"{tmp_path}/a[1]", recursive=False, literal=False)] == ["a[1]"]
    assert [found.name for found in find_local(f"{tmp_path}/*", recursive=False, literal=False)] == ["a1", "a[1]"]

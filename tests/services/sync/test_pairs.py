"""The pairs that are kept on a machine, and what a project may propose."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from services.connection import Connection
from services.errors import LocalFileError, Unsafe, UsageError
from services.names import GsUrl
from services.sync.gate import MaxDelete
from services.sync.overview import PairBook
from services.sync.pair import Pair, claim, make_pair
from services.sync.pairs import KeptPair, PairList
from services.sync.proposals import is_still_named, proposals, propose, withdraw
from services.sync.status import PairDraft
from services.sync.wanted import is_claimed, wants_worker

PLACE = Connection(endpoint="http://127.0.0.1:1")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "assets").mkdir(parents=True)
    return made


def pair(tmp_path: Path, folder: str = "a", prefix: str = "p", **changes: object) -> Pair:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return make_pair(tmp_path / folder, GsUrl("bucket", prefix), PLACE)._replace(**changes)  # type: ignore[arg-type]


def test_the_list_keeps_every_field_in_a_private_file(tmp_path: Path, state: Path) -> None:
    wanted = pair(tmp_path, mode="push", delete=True, max_delete=MaxDelete(5, percent=True), excludes=("*.o",))
    pairs = PairList.of(state)
    pairs.add(KeptPair(wanted, on=False, ask=True))
    assert pairs.load() == (KeptPair(wanted, on=False, ask=True),)
    assert stat.S_IMODE((state / "sync/pairs.json").stat().st_mode) == 0o600
    pairs.change(wanted.id, on=True)
    assert pairs.find(wanted.id) == KeptPair(wanted, ask=True)
    pairs.remove(wanted.id)
    assert pairs.load() == ()


@pytest.mark.parametrize(("folder", "prefix"), [("a/inner", "q"), ("b", "p/inner"), ("a", "q"), ("b", "p"), ("b", "")])
def test_hazard_35_a_pair_that_overlaps_with_one_of_the_list_is_refused_whether_or_not_it_runs(
    tmp_path: Path, state: Path, folder: str, prefix: str
) -> None:
    pairs = PairList.of(state)
    pairs.add(KeptPair(pair(tmp_path), on=False))
    with pytest.raises(UsageError, match="overlaps"):
        pairs.add(KeptPair(pair(tmp_path, folder, prefix)))
    pairs.add(KeptPair(pair(tmp_path, mode="push")))
    assert len(pairs.load()) == 1


def test_hazard_66_a_list_that_others_may_write_is_refused(tmp_path: Path, state: Path) -> None:
    pairs = PairList.of(state)
    pairs.add(KeptPair(pair(tmp_path)))
    (state / "sync/pairs.json").chmod(0o666)
    with pytest.raises(Unsafe):
        pairs.load()


@pytest.mark.parametrize("text", ["{", '{"format": 99, "pairs": []}', "[]"])
def test_a_list_that_cannot_be_understood_is_refused_and_kept(tmp_path: Path, state: Path, text: str) -> None:
    pairs = PairList.of(state)
    pairs.add(KeptPair(pair(tmp_path)))
    (state / "sync/pairs.json").write_text(text)
    with pytest.raises(LocalFileError):
        pairs.add(KeptPair(pair(tmp_path, "b", "q")))
    assert (state / "sync/pairs.json").read_text() == text


def test_a_worker_is_wanted_by_a_pair_that_is_on_and_that_nobody_has(tmp_path: Path, state: Path) -> None:
    wanted, pairs = pair(tmp_path), PairList.of(state)
    assert not wants_worker(state)
    pairs.add(KeptPair(wanted, on=False))
    assert not wants_worker(state)
    pairs.change(wanted.id, on=True)
    assert wants_worker(state)
    held = claim(wanted, state)
    assert is_claimed(wanted.id, state)
    assert not wants_worker(state)
    held.release()
    assert wants_worker(state)


def write_toml(project: Path, **entry: object) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    (project / "pail.toml").write_text("\n".join(["[[sync]]", *lines, f'endpoint = "{PLACE.endpoint}"']))


def test_hazard_67_what_a_project_says_is_a_proposal_bound_to_every_word_of_it(project: Path) -> None:
    write_toml(project, folder="assets", url="gs://bucket/p", mode="push", delete=True, ignore=["*.o"])
    (found,), problems = proposals(project, PLACE)
    assert (found.pair.root, found.pair.url, found.pair.mode) == (str(project / "assets"), "gs://bucket/p/", "push")
    assert found.pair.delete
    assert found.pair.excludes == ("*.o",)
    assert not problems
    kept = found.approved()
    assert is_still_named(kept)
    write_toml(project, folder="assets", url="gs://bucket/p", mode="push", delete=True, ignore=[])
    assert not is_still_named(kept)


def test_hazard_67_a_folder_that_leads_elsewhere_by_now_is_no_longer_approved(project: Path, tmp_path: Path) -> None:
    write_toml(project, folder="assets", url="gs://bucket/p")
    kept = proposals(project, PLACE)[0][0].approved()
    (project / "other").mkdir()
    (project / "assets").rmdir()
    (project / "assets").symlink_to(project / "other")
    assert not is_still_named(kept)
    (project / "assets").unlink()
    (project / "assets").symlink_to(tmp_path)
    assert not is_still_named(kept)
    assert "inside the project" in proposals(project, PLACE)[1][0]


@pytest.mark.parametrize(
    "entry",
    [
        {"folder": "../outside", "url": "gs://bucket/p"},
        {"folder": "/etc", "url": "gs://bucket/p"},
        {"folder": ".", "url": "gs://bucket/p"},
        {"folder": "assets", "url": "s3://bucket/p"},
        {"folder": "assets", "url": "gs://bucket/p", "mode": "sideways"},
        {"folder": "assets", "url": "gs://bucket/p", "ignore": "*.o"},
        {"folder": "assets", "url": "gs://bucket/p", "delete": "yes"},
        {"url": "gs://bucket/p"},
    ],
)
def test_an_entry_that_makes_no_pair_is_named(project: Path, entry: dict[str, object]) -> None:
    write_toml(project, **entry)
    found, problems = proposals(project, PLACE)
    assert not found
    assert len(problems) == 1


def test_an_entry_of_another_place_is_no_proposal_here(project: Path) -> None:
    write_toml(project, folder="assets", url="gs://bucket/p")
    assert proposals(project, Connection()) == ([], [])


def test_a_pair_is_written_into_a_project_and_taken_out_with_all_else_left_alone(project: Path) -> None:
    before = '# ours\n[[buckets]]\nname = "b"\n'
    (project / "pail.toml").write_text(before)
    made = make_pair(project / "assets", GsUrl("bucket", "p"), PLACE)._replace(mode="pull", excludes=("x",))
    kept = propose(project, made).approved()
    assert (project / "pail.toml").read_text().startswith(before)
    assert proposals(project, PLACE)[0][0].approved() == kept
    withdraw(kept)
    assert proposals(project, PLACE) == ([], [])
    assert (project / "pail.toml").read_text().startswith(before)


def test_a_folder_outside_of_the_project_is_not_written_into_it(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="inside the project"):
        propose(project, pair(tmp_path))
    assert not (project / "pail.toml").exists()


async def test_a_pair_that_the_project_keeps_is_approved_where_it_was_made(project: Path, state: Path) -> None:
    book = PairBook(state, project, PLACE)
    draft = PairDraft(str(project / "assets"), "gs://bucket/p/", "push", delete=True, ignore=("*.o",), in_project=True)
    identifier = await book.make(draft)
    (kept,) = PairList.of(state).load()
    assert (kept.id, kept.project, kept.ask) == (identifier, str(project), True)
    assert is_still_named(kept)
    assert [look.proposed for look in (await book.look()).pairs] == [False]
    await book.remove(identifier)
    assert proposals(project, PLACE) == ([], [])
    assert PairList.of(state).load() == ()


async def test_a_pair_outside_of_the_project_is_not_left_half_made(project: Path, state: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    book = PairBook(state, project, PLACE)
    with pytest.raises(UsageError, match="inside the project"):
        await book.make(PairDraft(str(tmp_path / "elsewhere"), "gs://bucket/p/", in_project=True))
    assert PairList.of(state).load() == ()

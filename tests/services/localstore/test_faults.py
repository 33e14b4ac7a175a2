"""The faults that tests of other parts plant."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.services.localstore.raw import Raw

DATA = bytes(range(256)) * 4000


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def faulty(store_factory: Callable[..., StoreServer], faults: Faults) -> Raw:
    raw = Raw(store_factory(faults=faults))
    raw.make_bucket()
    raw.made("x", DATA)
    return raw


BROKEN = (http.client.HTTPException, OSError)


def test_a_status_before_the_operation_changes_nothing(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.insert", "status", status=429, retry_after="3"))
    answer = faulty.put("x", b"new")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert faulty.media("x").body == DATA
    assert faulty.put("x", b"new").status == 200


def test_a_status_after_the_operation_leaves_it_committed(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.insert", "status", stage="after"))
    assert faulty.put("x", b"new").status == 503
    assert faulty.media("x").body == b"new"


@pytest.mark.parametrize(("stage", "content"), [("before", DATA), ("after", b"new")])
def test_a_reset_cuts_the_connection(faulty: Raw, faults: Faults, stage: str, content: bytes) -> None:
    faults.add(Fault("objects.insert", "reset", stage=stage))  # type: ignore[arg-type]
    with pytest.raises(BROKEN):
        faulty.put("x", b"new")
    assert faulty.media("x").body == content


def test_a_reset_in_the_requests_body_commits_nothing(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.insert", "reset", stage="request", at=300_000))
    with pytest.raises(BROKEN):
        faulty.put("x", bytes(1_000_000))
    assert faulty.media("x").body == DATA


def test_a_reset_in_the_answer_comes_after_so_many_bytes(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.get_media", "reset", stage="response", at=400_000))
    connection = http.client.HTTPConnection("127.0.0.1", faulty.store.port, timeout=20)
    connection.request("GET", "/bucket/x")
    response = connection.getresponse()
    with pytest.raises(BROKEN) as caught:
        response.read()
    if isinstance(caught.value, http.client.IncompleteRead):
        assert DATA.startswith(caught.value.partial)
        assert len(caught.value.partial) <= 400_000
    connection.close()


def test_a_truncated_answer_ends_cleanly(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.get_media", "truncate", stage="response", at=1000))
    answer = faulty.media("x")
    assert (answer.status, answer.body) == (200, DATA[:1000])
    assert faulty.media("x").body == DATA


def test_a_wrong_byte_is_wrong_at_its_offset_alone(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.get_media", "corrupt", stage="response", at=500_001))
    body = faulty.media("x").body
    assert [index for index in range(len(DATA)) if body[index] != DATA[index]] == [500_001]


def test_a_stall_lasts_until_the_client_goes(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.get_media", "stall", stage="response", at=10))
    connection = http.client.HTTPConnection("127.0.0.1", faulty.store.port, timeout=0.3)
    connection.request("GET", "/bucket/x")
    with pytest.raises(TimeoutError):
        connection.getresponse().read()
    connection.close()
    assert faulty.media("x").body == DATA


def test_a_stall_with_an_end_goes_on(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.get_media", "stall", stage="response", at=10, seconds=0.05))
    faults.add(Fault("objects.get_media", "latency", seconds=0.01))
    assert faulty.media("x").body == DATA


def test_faults_count_skip_and_name_their_operation(faulty: Raw, faults: Faults) -> None:
    faults.add(Fault("objects.list", "status", skip=1, count=2))
    statuses = [faulty.call("GET", "/storage/v1/b/bucket/o").status for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert faults.calls["objects.list"] == 4
    assert faults.struck["objects.list"] == 2
    faults.add(Fault("*", "status", count=None))
    assert faulty.obj("x").status == 503
    faults.clear()
    assert faulty.obj("x").status == 200


def test_chances_are_the_same_for_the_same_seed() -> None:
    def run() -> list[int]:
        faults = Faults(Fault("x", "status", probability=0.3, count=None), seed=5)
        return [len(faults.take("x")) for _ in range(50)]

    assert run() == run()
    assert 0 < sum(run()) < 50


@pytest.mark.parametrize(("arguments", "status"), [(["--faults"], 503), ([], 200)])
def test_a_process_reads_faults_only_when_it_is_told_to(tmp_path: Path, arguments: list[str], status: int) -> None:
    planted = json.dumps([{"operation": "buckets.list", "action": "status"}])
    process = subprocess.Popen(
        [sys.executable, "-m", "services.localstore", str(tmp_path / "s"), "--open", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PAIL_STORE_FAULTS": planted},
    )
    try:
        assert process.stdout is not None
        host = process.stdout.readline().strip().removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("GET", "/storage/v1/b")
        assert connection.getresponse().status == status
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=20)

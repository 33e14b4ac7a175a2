"""The engine of a sub-command: killed, interrupted, repeated."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from services.transfer import codec
from services.transfer.inprocess import open_engine
from services.transfer.journal import JOURNALS
from services.transfer.local import PARTIAL_PREFIX
from services.transfer.messages import JobFact, JobItem, SnapshotQuery, Submit
from tests.services.transfer.conftest import BUCKET, KIB, Lab, OpenLab, eventually, some_bytes

MIB = 1024 * KIB

COMMAND = """
import asyncio, sys
from pathlib import Path
from services.transfer import codec
from services.transfer.inprocess import open_engine
from services.transfer.messages import JobFact, Submit

async def main():
    engine = await open_engine(Path(sys.argv[1]))
    facts = engine.facts()
    await engine.submit(Submit(codec.loads(sys.argv[2])))
    async for fact in facts:
        if isinstance(fact, JobFact):
            print(fact.job.state)
            break
    await engine.close()

asyncio.run(main())
"""


def at(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def command(state: Path, lab: Lab, *items: JobItem, action: str, bandwidth: int = 0) -> subprocess.Popen[bytes]:
    spec = codec.dumps(lab.spec(action, *items, bandwidth=bandwidth))
    return subprocess.Popen([sys.executable, "-c", COMMAND, str(state), spec], stdout=subprocess.PIPE)


async def finish(process: subprocess.Popen[bytes]) -> bytes:
    out, _ = await asyncio.to_thread(process.communicate, timeout=60)
    return out


def journals(state: Path) -> list[str]:
    return [entry.name for entry in (state / JOURNALS).glob("*.db")]


async def test_h05_a_download_command_that_was_killed_goes_on_when_it_is_repeated(lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "other-state"
    data = some_bytes(12 * MIB)
    await lab.put("a", data)
    target = lab.file("out/a", b"old")
    item = JobItem(at("a"), str(target))
    first = command(state, lab, item, action="download", bandwidth=6 * MIB)
    await eventually(lambda: any(entry.stat().st_size > 2 * MIB for entry in target.parent.iterdir()))
    first.send_signal(signal.SIGKILL)
    await finish(first)
    assert target.read_bytes() == b"old"
    assert len(journals(state)) == 1
    second = command(state, lab, item, action="download", bandwidth=6 * MIB)
    assert await finish(second) == b"done\n"
    assert target.read_bytes() == data
    assert [entry.name for entry in target.parent.iterdir()] == ["a"]
    assert journals(state) == []


async def test_h05_small_downloads_that_were_killed_are_whole_or_absent_and_go_on(lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "other-state"
    contents = {f"d/{number % 5}/{number}": some_bytes(4 * KIB, seed=number) for number in range(400)}
    for name, content in contents.items():
        await lab.put(name, content)
    folder = lab.folder / "d"
    item = JobItem(at("d/"), f"{folder}/", tree=True)

    def placed() -> dict[str, bytes]:
        found = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(PARTIAL_PREFIX)]
        return {str(path.relative_to(lab.folder)): path.read_bytes() for path in found}

    for least in (20, 150):
        killed = command(state, lab, item, action="download", bandwidth=500 * KIB)
        await eventually(lambda least=least: len(placed()) >= least)
        killed.send_signal(signal.SIGKILL)
        await finish(killed)
        before = placed()
        assert len(before) < len(contents)
        assert before.items() <= contents.items()
    last = command(state, lab, item, action="download", bandwidth=500 * KIB)
    assert await finish(last) == b"done\n"
    assert placed() == contents
    assert not list(folder.rglob(f"{PARTIAL_PREFIX}*"))
    assert journals(state) == []


async def test_h12_an_upload_command_that_was_killed_goes_on_with_its_session(lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "other-state"
    data = some_bytes(28 * MIB)
    item = JobItem(str(lab.file("a", data)), at("a"))
    first = command(state, lab, item, action="upload", bandwidth=24 * MIB)
    await eventually(lambda: lab.faults.calls["uploads.put"] >= 2)
    first.send_signal(signal.SIGKILL)
    await finish(first)
    assert await finish(command(state, lab, item, action="upload", bandwidth=24 * MIB)) == b"done\n"
    assert lab.faults.calls["uploads.start"] == 1
    assert await lab.get("a") == data


async def test_a_command_leaves_no_journal_when_all_is_done(lab: Lab, tmp_path: Path) -> None:
    await lab.run("make-folder", JobItem("", at("f/")))
    assert len(journals(tmp_path / "state")) == 1
    await lab.engine.close()
    assert list((tmp_path / "state" / JOURNALS).iterdir()) == []


async def test_two_commands_at_once_have_journals_of_their_own(open_lab: OpenLab, tmp_path: Path) -> None:
    state = tmp_path / "state"
    one = await open_lab(state=state)
    two = await open_engine(state)
    try:
        assert len(journals(state)) == 2
        assert (await one.run("make-folder", JobItem("", at("f/")))).job.state == "done"
    finally:
        await two.close()


async def test_a_job_that_differs_is_not_taken_for_an_interrupted_one(lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "other-state"
    path = lab.file("a", some_bytes(4 * MIB))
    engine = await open_engine(state)
    await engine.submit(Submit(lab.spec("upload", JobItem(str(path), at("a")), bandwidth=64 * KIB)))
    await engine.close()
    assert len(journals(state)) == 1
    engine = await open_engine(state)
    facts = engine.facts()
    job = (await engine.submit(Submit(lab.spec("upload", JobItem(str(path), at("b")))))).id
    async for fact in facts:
        if isinstance(fact, JobFact):
            break
    assert await lab.names() == ["b"]
    assert (await engine.snapshot(SnapshotQuery(job=job))).total == 1
    await engine.close()
    assert len(journals(state)) == 1

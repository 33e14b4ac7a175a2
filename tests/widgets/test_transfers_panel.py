"""The Transfers view: jobs, their transfers, and what can be done with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from services.transfer.messages import JobView, Snapshot, SnapshotQuery, TransferView
from tests.widgets.support import NOW, Stage, lines
from widgets.transfer_rows import ItemRow, JobRow, NoteRow, build_rows, verbs_for
from widgets.transfers_panel import TransfersPanel

BIG = JobView(
    "1", "upload", "/home/ada/dist", "gs://b/raw/", "running",
    items=1_204, done=412, bytes=730, size=1_200, planned=True, rate=38.4e6, eta_s=12, created=NOW - 10,
)  # fmt: skip
DENIED = JobView(
    "2", "upload", "/home/ada/notes.txt", "gs://b/notes.txt", "failed",
    items=1, failed=1, size=812, reason="permission denied", remedy="Ask an owner.", created=NOW - 20,
)  # fmt: skip
DONE = JobView("3", "download", "gs://b/x", "/home/x", "done", items=1, done=1, size=5, bytes=5, finished=NOW)
ITEMS = (
    TransferView("1.5", "1", "upload", "/d/intro.mp4", "gs://b/raw/intro.mp4", "running", bytes=3_000, size=3_001),
    TransferView("1.6", "1", "upload", "/d/\x1b[2J.mp4", "gs://b/raw/e", "verifying", bytes=5, size=5),
    TransferView("1.7", "1", "upload", "/d/bad", "gs://b/raw/bad", "failed", size=9, reason="wrong checksum"),
)
SNAPSHOT = Snapshot(jobs=(BIG, DENIED, DONE), transfers=ITEMS, total=1_204, running=2)


async def shown(pilot: Pilot[None], snapshot: Snapshot = SNAPSHOT) -> TransfersPanel:
    panel = pilot.app.query_one(TransfersPanel)
    panel.focus()
    panel.update(snapshot)
    await pilot.pause()
    return panel


async def test_jobs_hold_their_transfers_and_say_why_they_failed() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(120, 20)) as pilot:
        await shown(pilot)
        text = lines(app)
        assert text[1].startswith(" ▾ running    upload /home/ada/dist → gs://b/raw/")
        assert "12 s" in text[1]
        assert "38.4 MB/s" in text[1]
        assert "99%" in text[2]
        assert text[3].startswith("   verifying    \\x1b[2J.mp4")
        assert "99%" in text[3]
        assert text[5].strip() == "wrong checksum"
        assert text[6].strip() == "1,201 more"
        assert [line.strip() for line in text[8:10]] == ["permission denied", "Ask an owner."]
        assert "100%" in text[10]


async def test_keys_ask_for_what_applies_to_the_row() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(120, 20)) as pilot:
        panel = await shown(pilot)
        await pilot.press("full_stop", "R", "down", "X", "down", "down", "R", "down", "R", "X", "down", "delete")
        wanted = [(message.verb, message.target) for message in app.of(TransfersPanel.VerbWanted)]
        assert wanted == [
            ("pause", "1"),
            ("cancel", "1.5"),
            ("retry", "1.7"),
            ("retry", "2"),
            ("dismiss", "2"),
            ("dismiss", "3"),
        ]
        app.heard.clear()
        panel.update(replace(SNAPSHOT, jobs=(replace(BIG, state="asking", conflicts=2),)))
        await pilot.press("home", "enter")
        assert [message.job for message in app.of(TransfersPanel.DecisionWanted)] == ["1"]


async def test_words_at_the_end_of_a_row_can_be_clicked() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(120, 20)) as pilot:
        await shown(pilot)
        await pilot.hover(TransfersPanel, offset=(20, 2))
        line = lines(app)[2]
        await pilot.click(TransfersPanel, offset=(line.index("pause"), 2))
        await pilot.click(TransfersPanel, offset=(line.index("cancel") + 5, 2))
        wanted = [(message.verb, message.target) for message in app.of(TransfersPanel.VerbWanted)]
        assert wanted == [("pause", "1.5"), ("cancel", "1.5")]


async def test_jobs_open_and_close_and_the_cursor_stays_on_its_transfer() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(100, 20)) as pilot:
        panel = await shown(pilot)
        await pilot.press("down", "down")
        earlier = replace(BIG, id="0", created=NOW, items=1)
        panel.update(replace(SNAPSHOT, jobs=(earlier, *SNAPSHOT.jobs)))
        row = panel._cursor_row()
        assert isinstance(row, ItemRow)
        assert row.transfer.id == "1.6"
        await pilot.press("left", "left")
        assert panel.row_total() == 6
        await pilot.press("right")
        assert panel.row_total() == 11
        await pilot.click(TransfersPanel, offset=(1, 2))
        assert panel.row_total() == 6


async def test_only_lines_that_changed_are_drawn() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(100, 20)) as pilot:
        panel = await shown(pilot)
        drawn: list[int] = []
        repaint = panel.repaint_row
        panel.repaint_row = lambda row: (drawn.append(row), repaint(row))[1]  # type: ignore[func-returns-value, method-assign]
        panel.update(SNAPSHOT)
        assert drawn == []
        panel.update(replace(SNAPSHOT, transfers=(replace(ITEMS[0], bytes=10), *ITEMS[1:])))
        assert drawn == [1]


async def test_ten_thousand_transfers_scroll_and_more_are_asked_for_at_the_end() -> None:
    items = tuple(replace(ITEMS[0], id=f"1.{n}", source=f"/d/{n}") for n in range(10_000))
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, Snapshot(jobs=(replace(BIG, items=20_000),), transfers=items[:100]))
        assert panel.query_wanted == SnapshotQuery(limit=100)
        await pilot.press("end")
        panel.update(Snapshot(jobs=(replace(BIG, items=20_000),), transfers=items[:100]))
        assert panel.query_wanted.limit == 200
        panel.update(Snapshot(jobs=(replace(BIG, items=10_000),), transfers=items))
        await pilot.press("end")
        assert "9999" in lines(app)[-1]


async def test_the_transfers_of_a_failed_job_are_asked_for_and_kept() -> None:
    failed = replace(BIG, state="failed", failed=3)
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, Snapshot(jobs=(failed,)))
        assert panel.query_wanted.job == "1"
        panel.update(Snapshot(jobs=(failed,), transfers=ITEMS), panel.query_wanted)
        rows = panel.row_total()
        panel.update(Snapshot(jobs=(failed,)))
        assert panel.row_total() == rows
        panel.update(Snapshot())
        await pilot.pause()
        assert "Nothing is moving." in lines(app)[1]
        assert panel.cursor_verbs == ()


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("queued", ("pause", "cancel")),
        ("paused", ("resume", "cancel")),
        ("asking", ("decide", "cancel")),
        ("failed", ("retry", "dismiss")),
        ("done", ("dismiss",)),
        ("cancelled", ("dismiss",)),
    ],
)
def test_what_can_be_done_with_a_job(state: str, verbs: tuple[str, ...]) -> None:
    assert verbs_for(JobRow(replace(BIG, state=state), None)) == verbs  # type: ignore[arg-type]
    assert verbs_for(NoteRow("1", "reason", "x")) == ()


def test_what_is_unfinished_or_failed_comes_first_then_the_newest() -> None:
    rows = build_rows((DONE, DENIED, BIG), {}, {})
    assert [row.job.id for row in rows if isinstance(row, JobRow)] == ["1", "2", "3"]

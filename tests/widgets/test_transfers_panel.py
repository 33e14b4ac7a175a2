"""The Transfers view: jobs, their transfers, and what can be done with them."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from services.transfer.messages import JobView, Snapshot, SnapshotQuery, TransferView
from tests.widgets.support import NOW, Stage, lines
from widgets.symbols import ASCII, UNICODE
from widgets.transfer_cells import sparkline
from widgets.transfer_list import Known, TransferList
from widgets.transfer_rows import ItemRow, JobRow, NoteRow, PendingRow, verbs_for
from widgets.transfers_panel import TransfersPanel

BIG = JobView(
    "1", "upload", "/ada/dist", "gs://b/raw/", "running",
    items=3, done=1, bytes=730, size=1_200, planned=True, rate=38.4e6, eta_s=12, created=NOW - 10,
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
SNAPSHOT = Snapshot(jobs=(BIG, DENIED, DONE), transfers=ITEMS, total=3, running=2)


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
        assert text[1].startswith(" ▾ running    upload /ada/dist → gs://b/raw/")
        assert "12 s" in text[1]
        assert "38.4 MB/s" in text[1]
        assert "99%" in text[2]
        assert text[3].startswith("   verifying    \\x1b[2J.mp4")
        assert "99%" in text[3]
        assert text[5].strip() == "wrong checksum"
        assert [line.strip() for line in text[7:9]] == ["permission denied", "Ask an owner."]
        assert "100%" in text[9]


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
        panel.update(SNAPSHOT._replace(jobs=(BIG._replace(state="asking", conflicts=2),)))
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
        earlier = BIG._replace(id="0", created=NOW, items=1)
        panel.update(SNAPSHOT._replace(jobs=(earlier, *SNAPSHOT.jobs)))
        row = panel._cursor_row()
        assert isinstance(row, ItemRow)
        assert row.transfer.id == "1.6"
        await pilot.press("left", "left")
        assert panel.row_total() == 6
        await pilot.press("right")
        assert panel.row_total() == 10
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
        panel.update(SNAPSHOT._replace(transfers=(ITEMS[0]._replace(bytes=10), *ITEMS[1:])))
        assert drawn == [1]


MANY = tuple(ITEMS[0]._replace(id=f"1.{n}", source=f"/d/{n}", state="queued") for n in range(10_000))
QUEUE = Snapshot(jobs=(BIG._replace(items=10_000),), transfers=MANY[:100])


def window(query: SnapshotQuery) -> Snapshot:
    return QUEUE._replace(transfers=MANY[query.offset : query.offset + query.limit])


async def test_ten_thousand_transfers_scroll_and_only_those_in_sight_are_asked_for_and_painted() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, QUEUE)
        panel.action_unfold()
        assert panel.query_wanted == SnapshotQuery(limit=100)
        assert panel.row_total() == 10_001
        painted: list[int] = []
        paint = panel.whole_line
        panel.whole_line = lambda row, *rest: (painted.append(row), paint(row, *rest))[1]  # type: ignore[func-returns-value, method-assign]
        await pilot.press("end")
        await pilot.pause()
        assert "…" in lines(app)[-1]
        wanted = panel.query_wanted
        assert wanted.job == "1"
        assert wanted.limit <= 200
        assert wanted.offset <= 9_977
        assert [message for message in app.heard if isinstance(message, TransfersPanel.Looked)]
        panel.update(window(wanted), wanted)
        await pilot.pause()
        assert "9999" in lines(app)[-1]
        # Two screens of 23 rows at the most for the jump, and one when the answer came.
        assert len(set(painted)) <= 2 * 23
        assert len(painted) <= 6 * 23
        for _ in range(3):
            await pilot.press("pageup")
            panel.update(window(panel.query_wanted), panel.query_wanted)
        await pilot.pause()
        assert not [line for line in lines(app)[1:] if line.strip() == "…"]
        assert len(panel._known["1"].seen) <= 1_000


async def test_of_a_long_job_only_what_needs_a_look_is_listed_until_it_is_opened() -> None:
    busy = QUEUE._replace(jobs=(BIG._replace(items=10_000), DONE), transfers=(*ITEMS, *MANY[3:90]))
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, busy)
        text = [line.strip() for line in lines(app)]
        assert [line.split()[0] for line in text[1:5]] == ["▾", "running", "verifying", "failed"]
        assert text[6] == "9,997 more; Enter on the job lists all"
        assert "100%" in text[7]
        await pilot.press("right")
        assert panel.row_total() == 10_003
        await pilot.press("left")
        assert panel.row_total() == 2
        await pilot.press("enter")
        assert panel.row_total() == 10_003


async def test_a_line_of_scrolling_asks_for_nothing_new() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, QUEUE)
        panel.action_unfold()
        panel.scroll_to(y=5_000, animate=False, force=True)
        await pilot.pause()
        app.heard.clear()
        for y in range(5_001, 5_011):
            panel.scroll_to(y=y, animate=False, force=True)
            await pilot.pause()
        assert len([message for message in app.heard if isinstance(message, TransfersPanel.Looked)]) <= 1


async def test_the_cursor_stays_on_a_transfer_far_down_the_queue() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await shown(pilot, QUEUE)
        panel.action_unfold()
        panel.scroll_to(y=5_000, animate=False, force=True)
        await pilot.pause()
        panel.update(window(panel.query_wanted), panel.query_wanted)
        panel.cursor = 5_010
        row = panel._cursor_row()
        assert isinstance(row, ItemRow)
        assert row.behind
        query = panel.query_wanted
        shifted = MANY[query.offset + 1 : query.offset + 1 + query.limit]
        panel.update(QUEUE._replace(transfers=shifted), query)
        again = panel._cursor_row()
        assert isinstance(again, ItemRow)
        assert again.transfer.id == row.transfer.id
        assert panel.cursor == 5_009


async def test_keys_and_a_drag_ask_for_another_place_in_the_queue() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(100, 24)) as pilot:
        (await shown(pilot, QUEUE)).action_unfold()
        await pilot.press("shift+down", "T", "down", "down", "shift+up", "T")
        wanted = [(m.target, m.place, m.other) for m in app.of(TransfersPanel.ReorderWanted)]
        assert wanted == [("1", "down", ""), ("1", "top", ""), ("1.1", "up", ""), ("1.1", "top", "")]
        app.heard.clear()
        await pilot.mouse_down(TransfersPanel, offset=(20, 8))
        await pilot._post_mouse_events([events.MouseMove], TransfersPanel, offset=(20, 5), button=1)
        await pilot._post_mouse_events([events.MouseMove], TransfersPanel, offset=(20, 4), button=1)
        await pilot.mouse_up(TransfersPanel, offset=(20, 4))
        wanted = [(m.target, m.place, m.other) for m in app.of(TransfersPanel.ReorderWanted)]
        assert wanted == [("1.6", "before", "1.2")]
        assert app.of(TransfersPanel.VerbWanted) == []


async def test_what_runs_or_has_ended_has_no_place_in_the_queue() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(100, 24)) as pilot:
        panel = await shown(pilot)
        assert "move" in panel.cursor_verbs
        await pilot.press("down", "T", "end", "T", "shift+up")
        assert app.of(TransfersPanel.ReorderWanted) == []


async def test_goodput_is_a_line_of_signs() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(140, 10)) as pilot:
        await shown(pilot, SNAPSHOT._replace(jobs=(BIG._replace(goodput=(0, 5, 10)),)))
        assert "▁▅█" in lines(app)[1]
    assert sparkline((), 5, UNICODE.spark) == ""
    assert sparkline((0, 0), 5, UNICODE.spark) == ""
    assert sparkline(range(9), 4, ASCII.spark) == "+*##"


async def test_a_transfer_that_is_tried_again_says_which_try_it_is() -> None:
    app = Stage(TransfersPanel)
    async with app.run_test(size=(140, 10)) as pilot:
        await shown(pilot, SNAPSHOT._replace(transfers=(ITEMS[0]._replace(attempt=3),)))
        assert "try 3" in lines(app)[2]


async def test_the_transfers_of_a_failed_job_are_asked_for_and_kept() -> None:
    failed = BIG._replace(state="failed", failed=3)
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
    assert verbs_for(JobRow(BIG._replace(state=state), None)) == verbs  # type: ignore[arg-type]
    assert verbs_for(NoteRow("1", "reason", "x")) == ()


def test_what_is_unfinished_or_failed_comes_first_then_the_newest() -> None:
    rows = TransferList((DONE, DENIED, BIG), {}, {"1": False})
    found = [rows[row] for row in range(len(rows))]
    assert [row.job.id for row in found if isinstance(row, JobRow)] == ["1", "2", "3"]


def test_what_was_moved_up_stands_above_what_is_newer() -> None:
    jobs = (BIG._replace(id="4", created=NOW, state="queued"), BIG._replace(rank=1, state="queued"))
    rows = TransferList(jobs, {}, {"1": False, "4": False})
    assert [row.job.id for row in (rows[0], rows[1]) if isinstance(row, JobRow)] == ["1", "4"]


def test_rows_behind_the_first_ones_are_made_when_they_are_looked_at() -> None:
    known = Known(MANY[:3])
    known.take(5, MANY[5:7])
    rows = TransferList((BIG._replace(items=10),), {"1": known}, {"1": True})
    assert len(rows) == 11
    kinds = [type(rows[row]) for row in range(11)]
    assert kinds == [JobRow] + [ItemRow] * 3 + [PendingRow] * 2 + [ItemRow] * 2 + [PendingRow] * 3
    assert rows.find("1.6", 0) == 7
    assert rows.find("1.8", 0) == -1
    known.take(1, MANY[2:6])
    assert [transfer.id for transfer in known.first] == ["1.0", "1.2", "1.3"]
    assert known.seen[3].id == "1.4"

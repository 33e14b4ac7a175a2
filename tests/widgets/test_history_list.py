"""The history: jobs that have ended, what they come to, at any width."""

from __future__ import annotations

import pytest

from services.transfer.chronicle import PastJob, add_up
from tests.widgets.support import NOW, Stage, lines
from widgets.history_list import HistoryList, totals_line
from widgets.symbols import ASCII, UNICODE

UP = PastJob(
    "upload", "/home/ada/dist", "gs://b/raw/", "done", 1_204, 1_204, 0, 0, 1_200_000_000, NOW - 160, NOW - 120,
    "screen", "Google", "",
)  # fmt: skip
GONE = PastJob("delete", "gs://b/\x1b[2J/", "", "failed", 3, 2, 1, 0, 0, NOW - 90_000, NOW - 89_000, "pail rm", "", "")


@pytest.mark.parametrize("size", [(120, 12), (80, 12), (40, 10)])
async def test_jobs_are_listed_with_what_they_moved(size: tuple[int, int]) -> None:
    app = Stage(HistoryList)
    async with app.run_test(size=size) as pilot:
        panel = app.query_one(HistoryList)
        panel.show((UP, GONE), NOW)
        await pilot.pause()
        text = lines(app)
        assert text[1].split()[:3] == ["2", "min", "ago"]
        assert "upload" in text[1]
        assert "1.2 GB" in text[1]
        assert "\x1b" not in "".join(text)
        if size[0] >= 80:
            assert "30.0 MB/s" in text[1]
            assert "delete gs://b/" in text[2]
            assert "failed" in text[2]


async def test_an_empty_history_says_so() -> None:
    app = Stage(HistoryList)
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        assert "Nothing was transferred" in lines(app)[1]


def test_totals_are_one_line() -> None:
    totals = add_up((UP, GONE))
    assert totals_line(totals, UNICODE) == "2 jobs · 1,206 items · 1.2 GB · 30.0 MB/s · 1 failed"
    assert "·" not in totals_line(totals, ASCII)

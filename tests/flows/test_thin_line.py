"""What the screen does without where the line to its terminal is long or thin."""

from __future__ import annotations

import pytest

from app.line import REMOTE_LINE, THIN, WIDE, LineMode
from app.themes import ANSI_DARK, DARK, Look
from tests.flows.conftest import OpenDesk


@pytest.mark.parametrize(
    ("line", "seconds", "theme"), [(WIDE, 0.25, DARK), (REMOTE_LINE, 0.5, DARK), (THIN, 0.5, ANSI_DARK)]
)
async def test_progress_is_sampled_seldom_hover_is_off_and_nothing_is_animated(
    desk: OpenDesk, line: LineMode, seconds: float, theme: Look
) -> None:
    async with desk(line=line) as d:
        assert d.main.desk.bridge._sample_s == seconds
        assert d.app.hover is (line is WIDE)
        assert d.app.animation_level == "none"
        assert d.app.theme == theme.name
        await d.see("Upload")

"""Pairs that are written down: for pictures, which come out the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.sync.status import (
    Choice,
    ConflictView,
    LineView,
    Overview,
    Owner,
    PairDraft,
    PairLook,
    PairView,
    PlanGroup,
    PlanView,
    Ticks,
    TroubleView,
)
from widgets.plan_list import Fetch

MINUTE, HOUR, DAY = 60, 3_600, 86_400
HOME = "/home/ada"


def overview(now: float) -> Overview:
    """Return four pairs: one at work, one halted, one in a terminal, one proposed by the project."""
    worker, terminal = Owner(4711, "laptop", "worker"), Owner(5120, "laptop", "watch")
    assets = PairView(
        "a1",
        f"{HOME}/site/assets",
        "gs://filevault-1/assets/",
        "two-way",
        False,
        4711,
        "laptop",
        stand="watching",
        since=now - 3,
        tracked=1_204,
        ignored=12,
        changed=now - 3,
        interval_s=5,
        requests=731,
        looks=712,
        requests_limit=2_000,
        recent=(
            LineView("upload", "logo.svg", size=12_310, why="edited here", state="done", at=now - 3),
            LineView("download", "data/prices.csv", size=80_412, why="edited in the bucket", state="done", at=now - 40),
            LineView(
                "conflict",
                "readme.md",
                copy="readme.conflict-laptop-1a2b3c4d.md",
                size=4_211,
                why="edited on both sides",
                state="done",
                at=now - 6 * MINUTE,
            ),
            LineView("move", "img/team.jpg", "img/crew.jpg", size=2_310_554, why="renamed here", at=now - 2 * HOUR),
        ),
        conflicts=(ConflictView("readme.md", "readme.conflict-laptop-1a2b3c4d.md", "laptop", 4_211, 4_198),),
        troubles=(
            TroubleView(
                "latest",
                "latest is a symbolic link, which is left alone",
                "Replace it by a file, or name it in .pailignore.",
            ),
        ),
        troubles_total=1,
    )
    backup = PairView(
        "b2",
        f"{HOME}/backup",
        "gs://filevault-1/backup/",
        "push",
        True,
        4711,
        "laptop",
        stand="halted",
        why=f"{HOME}/backup has no files any more, though 8,112 were in step: it may not be mounted; nothing was done",
        remedy="Mount or restore it; to delete everything in the bucket as well: --max-delete 100%.",
        since=now - HOUR,
        tracked=8_112,
        changed=now - DAY,
        requests=4,
        looks=4,
        requests_limit=2_000,
        planned=(("delete", 8_112),),
    )
    notes = PairView(
        "c3",
        f"{HOME}/notes",
        "gs://filevault-1/notes/",
        "two-way",
        False,
        5120,
        "laptop",
        kind="watch",
        stand="transferring",
        to_do=40,
        done=12,
        tracked=311,
        changed=now - 1,
        interval_s=5,
        requests=90,
        looks=61,
        requests_limit=2_000,
    )
    return Overview(
        (
            PairLook("a1", assets.root, assets.url, on=True, listed=True, owner=worker, view=assets),
            PairLook("b2", backup.root, backup.url, "push", True, on=True, listed=True, owner=worker, view=backup),
            PairLook("c3", notes.root, notes.url, listed=True, owner=terminal, view=notes),
            PairLook(
                "d4", f"{HOME}/site/dist", "gs://filevault-1/www/", "push", True, project=f"{HOME}/site", proposed=True
            ),
        )
    )


LINES = (
    LineView(
        "conflict", "readme.md", copy="readme.conflict-laptop-1a2b3c4d.md", size=4_211, why="differs on both sides"
    ),
    LineView("delete", "www/old.html", size=8_120, why="is not here"),
    LineView("delete", "www/old.css", size=1_204, why="is not here", ticked=False),
    LineView("download", "data/prices.csv", size=80_412, why="new in the bucket"),
    LineView("upload", "img/crew.jpg", size=2_310_554, why="new here"),
    LineView("upload", "index.html", size=12_310, why="new here"),
    LineView("upload", "logo.svg", size=12_310, why="new here"),
)


def plan_of(lines: Sequence[LineView], **rest: Any) -> tuple[PlanView, Fetch]:
    """Return a plan of these lines, and what returns them."""
    by_word: dict[str, list[LineView]] = {}
    for line in lines:
        by_word.setdefault(line.action, []).append(line)
    groups = []
    for word, some in by_word.items():
        out = [line for line in some if not line.ticked]
        sums = [(len(of), sum(x.size for x in of), sum(not x.key.endswith("/") for x in of)) for of in (some, out)]
        groups.append(PlanGroup(word, *sums[0], *sums[1]))
    deletes = sum(group.files for group in groups if group.action in ("delete", "delete-local"))

    async def fetch(action: str, offset: int, limit: int) -> Sequence[LineView]:
        return by_word[action][offset : offset + limit]

    return PlanView(7, tuple(groups), len(lines), deletes, **rest), fetch


PLAN, FETCH = plan_of(
    LINES,
    troubles=(TroubleView("latest", "latest is a symbolic link, which is left alone", "Name it in .pailignore."),),
    troubles_total=1,
    ignored=12,
    tracked=3,
    first=True,
)


class PaintedPairs:
    """Pairs that stand still."""

    def __init__(self, now: float, *, calm: bool = False) -> None:
        """Stand at `now`; `calm` shows one pair that is in step."""
        self._now = now
        self._calm = calm

    async def look(self) -> Overview:
        found = overview(self._now)
        if not self._calm:
            return found
        first = found.pairs[0]
        assert first.view is not None
        return Overview((first._replace(view=first.view._replace(conflicts=())),))

    async def plan(self, identifier: str) -> PlanView:
        return PLAN

    async def lines(self, identifier: str, plan: int, action: str, offset: int, limit: int) -> Sequence[LineView]:
        return await FETCH(action, offset, limit)

    async def go(self, identifier: str, ticks: Ticks, deletes: int) -> None:
        pass

    async def look_now(self, identifier: str) -> None:
        pass

    async def resolve(self, identifier: str, copy: str, choice: Choice) -> None:
        pass

    async def make(self, draft: PairDraft) -> str:
        return "a1"

    async def approve(self, identifier: str) -> None:
        pass

    async def switch(self, identifier: str, *, on: bool) -> None:
        pass

    async def remove(self, identifier: str) -> None:
        pass

    async def close(self) -> None:
        pass

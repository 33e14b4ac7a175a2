"""What the Sync view says of pairs, and how plans and choices answer to keys and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Button

from app.screens.sync_plan import Go, PlanDialog
from services.errors import Busy
from services.sync.status import (
    ConflictView,
    LineView,
    Overview,
    Owner,
    PairLook,
    PairView,
    PlanGroup,
    PlanView,
    Stand,
    Ticks,
    TroubleView,
)
from tests.painted_pairs import FETCH, PLAN, overview, plan_of
from tests.widgets.support import until
from widgets.choices import Choices, Switch
from widgets.plan_list import PlanList, Sum
from widgets.symbols import UNICODE
from widgets.sync_panel import SyncPanel
from widgets.sync_rows import (
    ConflictRow,
    PairRow,
    TextRow,
    build_rows,
    cost_of,
    needs_person,
    stand_of,
    summary_of,
    verbs_for,
)

NOW = 1_800_000_000.0
WORKER = Owner(1, "box", "worker")


def look(stand: Stand | None = None, **changes: object) -> PairLook:
    view = PairView("x", "/a", "gs://b/a/", "push", stand=stand) if stand is not None else None
    fields: dict[str, object] = {"listed": True, "on": True, "owner": WORKER if view else None, "view": view, **changes}
    return PairLook("x", "/a", "gs://b/a/", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pair", "word", "tone"),
    [
        (look("watching"), "watching", "good"),
        (look("halted"), "halted", "bad"),
        (look("asking"), "waits for you", "asking"),
        (look("waiting"), "waiting", "asking"),
        (look(on=True), "starting", "busy"),
        (look(on=False), "paused", "quiet"),
        (look(on=False, owner=Owner(2, "box", "once")), "one pass", "busy"),
        (look(proposed=True, listed=False), "proposed", "asking"),
        (look(changed=True), "changed", "asking"),
    ],
)
def test_a_pair_says_where_it_stands_in_words(pair: PairLook, word: str, tone: str) -> None:
    assert stand_of(pair) == (word, tone)
    assert needs_person(pair) == (word in ("halted", "waits for you", "proposed", "changed"))


@pytest.mark.parametrize(
    ("pair", "verbs"),
    [
        (look("watching"), ("look", "pause", "remove")),
        (look("asking"), ("plan", "look", "pause", "remove")),
        (look("halted"), ("look", "pause", "remove")),
        (look(on=False), ("resume", "remove")),
        (look("watching", on=False, owner=Owner(2, "box", "watch")), ("look", "remove")),
        (look("watching", listed=False, owner=Owner(2, "box", "watch")), ("look",)),
        (look(proposed=True, listed=False), ("approve",)),
        (look(changed=True), ("approve", "remove")),
    ],
)
def test_what_can_be_done_depends_on_who_runs_it(pair: PairLook, verbs: tuple[str, ...]) -> None:
    assert verbs_for(PairRow(pair, opened=True), {"x": pair}) == verbs


def texts(rows: list[object]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, TextRow):
            yield row.text


def test_a_halt_is_said_with_its_remedy_and_wrapped_to_its_end() -> None:
    rows = build_rows(overview(NOW).pairs, {}, NOW, 60)
    said = " ".join(texts(list(rows)))
    assert "it may not be mounted; nothing was done" in said
    assert "--max-delete" in said
    assert "8,112 to delete in the bucket" in said
    assert all(len(row.text) <= 56 for row in rows if isinstance(row, TextRow))
    assert sum(isinstance(row, ConflictRow) for row in rows) == 1


def test_a_closed_pair_is_one_line() -> None:
    pairs = overview(NOW).pairs
    rows = build_rows(pairs, {pair.id: False for pair in pairs}, NOW)
    assert [row.look.id for row in rows if isinstance(row, PairRow)] == ["a1", "b2", "c3", "d4"]
    assert len(rows) == 7


def test_a_bucket_that_keeps_nothing_is_named_where_deletes_are_carried() -> None:
    def said(mode: str, *, delete: bool) -> bool:
        view = PairView("x", "/a", "gs://b/a/", mode, delete, stand="watching", unprotected=True)
        return any("for good" in text for text in texts(list(build_rows([look("watching", view=view)], {}, NOW))))

    assert said("two-way", delete=False)
    assert said("push", delete=True)
    assert not said("push", delete=False)


def test_the_strip_says_what_needs_a_person_first() -> None:
    moving = PairView("x", "/a", "gs://b/a/", "push", stand="transferring", done=1, to_do=4)
    cases = [
        ([look("watching"), look("halted"), look("asking")], "! sync: 1 pair halted", True),
        ([look("watching"), look("asking"), look(proposed=True)], "! sync: 2 pairs to look at", True),
        ([look("watching"), look("transferring", view=moving)], "⇄ sync: 1 of 4", True),
        ([look("watching"), look("watching")], "⇄ in sync · 2 pairs", False),
        ([look("watching")], "⇄ in sync · /a", False),
        ([look(on=False)], "", False),
    ]
    for looks, text, urgent in cases:
        found = summary_of(looks, UNICODE)
        assert (found.text, found.is_urgent) == (text, urgent)


def test_the_cost_is_said_with_its_limit() -> None:
    said = cost_of(PairView("x", "/a", "gs://b", "push", interval_s=5, requests=731, looks=712, requests_limit=2000))
    assert said == "looks every 5 s · class A in an hour: 712 of 2,000 looking, 19 changes"


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield SyncPanel()


async def test_hazard_55_a_hostile_name_is_shown_escaped() -> None:
    view = PairView(
        "x",
        "/a",
        "gs://b/a/",
        "push",
        stand="watching",
        conflicts=(ConflictView("a\x1b]52;c", "b", "box", 1, 1),),
        troubles=(TroubleView("a", "ok"),),
        troubles_total=1,
    )
    app = Shown()
    async with app.run_test(size=(100, 20)) as pilot:
        app.query_one(SyncPanel).update(Overview((look("watching", view=view),)))
        await pilot.pause()
        lines = app.screen._compositor.render_strips()
        text = "\n".join("".join(segment.text for segment in line) for line in lines)
        assert "\x1b" not in text
        assert "]52;c" in text


class Planned(App[None]):
    def compose(self) -> ComposeResult:
        yield PlanList()


def lines_of(plan: PlanList) -> list[str]:
    """Return the keys of the lines on the screen, as far as they have come."""
    found = [plan.line_at(row) for row in range(round(plan.scroll_y), round(plan.scroll_y) + plan.page_lines)]
    return [line.key for line in found if line is not None]


async def test_lines_and_groups_of_a_plan_are_unticked_by_keys_and_by_mouse() -> None:
    app = Planned()
    async with app.run_test(size=(80, 20)) as pilot:
        plan = app.query_one(PlanList)
        plan.show(PLAN, FETCH)
        plan.focus()
        await until(pilot, lambda: len(lines_of(plan)) == 7)
        assert plan.left_out == Sum(1, 1_204, 1)
        assert plan.ticks == Ticks(PLAN.number)
        assert [one.group.action for one in plan._groups] == ["conflict", "delete", "download", "upload"]
        await pilot.press("space")
        assert plan.ticks.groups == {"conflict": False}
        assert plan.left_out.count == 2
        await pilot.click(PlanList, offset=(4, 1))
        assert plan.ticks.lines == {"readme.md": True}
        assert plan.left_out.count == 1
        await pilot.click(PlanList, offset=(4, 1))
        assert plan.ticks.lines == {}
        await pilot.press("a")
        assert plan.left_out.count == 0
        assert plan.deletes == 2
        await pilot.press("a")
        assert plan.left_out.count == 7
        assert (plan.deletes, plan.moved) == (0, 0)
        await pilot.press("f")
        await until(pilot, lambda: lines_of(plan) == ["readme.md", "www/old.html", "www/old.css"])


async def test_a_line_that_was_left_out_is_ticked_again_and_counted() -> None:
    app = Planned()
    async with app.run_test(size=(80, 20)) as pilot:
        plan = app.query_one(PlanList)
        plan.show(PLAN, FETCH)
        await until(pilot, lambda: len(lines_of(plan)) == 7)
        plan.focus()
        await pilot.press("down", "down", "down", "down", "space")
        assert plan.ticks.lines == {"www/old.css": True}
        assert plan.deletes == 2
        await pilot.press("up", "space")
        assert plan.ticks.lines == {}
        assert plan.deletes == 1


async def test_a_plan_of_any_length_is_seen_to_its_end_and_only_what_is_in_sight_is_asked_for() -> None:
    app = Planned()
    asked: list[tuple[str, int, int]] = []

    async def fetch(action: str, offset: int, limit: int) -> list[LineView]:
        asked.append((action, offset, limit))
        return [LineView(action, f"f{number}", size=1) for number in range(offset, min(offset + limit, 100_000))]

    async with app.run_test(size=(80, 20)) as pilot:
        plan = app.query_one(PlanList)
        view = PlanView(3, (PlanGroup("delete", 100_000, 100_000, 100_000),), 100_000, 100_000)
        plan.show(view, fetch)
        plan.focus()
        await until(pilot, lambda: bool(lines_of(plan)))
        assert plan.row_total() == 100_001
        await pilot.press("end")
        await until(pilot, lambda: "f99999" in lines_of(plan))
        await pilot.press("space")
        assert plan.ticks.lines == {"f99999": False}
        assert plan.deletes == 99_999
        for _ in range(3):
            await pilot.press("pageup")
        await until(pilot, lambda: "f99939" in lines_of(plan))
        assert len(asked) <= 4, "whoever jumps does not wait for what lies between"
        assert sum(limit for _, _, limit in asked) < 1_000


async def test_lines_that_cannot_be_had_are_told() -> None:
    class Unlucky(Planned):
        lost: ClassVar[list[str]] = []

        def on_plan_list_lost(self, message: PlanList.Lost) -> None:
            self.lost.append(message.error.message)

    async def fetch(action: str, offset: int, limit: int) -> list[LineView]:
        raise Busy("this plan is not waiting any more")

    app = Unlucky()
    async with app.run_test(size=(80, 20)) as pilot:
        app.query_one(PlanList).show(PLAN, fetch)
        await until(pilot, lambda: bool(app.lost))
        assert app.lost[0] == "this plan is not waiting any more"


class Chosen(App[None]):
    def compose(self) -> ComposeResult:
        yield Choices((("one", "first"), ("two", "second")))
        yield Switch("a switch")


async def test_choices_and_switches_answer_to_keys_and_to_clicks() -> None:
    app = Chosen()
    async with app.run_test(size=(40, 10)) as pilot:
        choices, switch = app.query_one(Choices), app.query_one(Switch)
        choices.focus()
        await pilot.press("down")
        assert choices.value == "two"
        await pilot.click(Choices, offset=(2, 0))
        assert choices.value == "one"
        switch.focus()
        await pilot.press("space")
        assert switch.on
        await pilot.click(Switch)
        assert not switch.on


class Asked(App[None]):
    def on_mount(self) -> None:
        self.answers: list[Go | None] = []
        lines = [LineView("delete", f"f{number}", size=1) for number in range(8_112)]
        plan, fetch = plan_of(lines, stopped="8,112 of 8,112 files would be deleted")
        self.push_screen(PlanDialog(look("halted"), plan, UNICODE, fetch), self.answers.append)


async def test_the_button_of_a_plan_says_how_much_is_deleted() -> None:
    app = Asked()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        button = app.screen.query_one("#go", Button)
        assert str(button.label) == "Go, and delete 8,112"
        plan = app.screen.query_one(PlanList)
        await until(pilot, lambda: plan.line_at(1) is not None)
        await pilot.press("down", "space")
        await until(pilot, lambda: str(button.label) == "Go, and delete 8,111")
        await pilot.click("#go")
        await pilot.pause()
        assert app.answers == [Go(Ticks(7, {}, {"f0": False}), 8_111)]

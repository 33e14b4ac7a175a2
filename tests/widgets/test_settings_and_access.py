"""Settings that are changed, access that is given and taken, and snippets that are copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, OptionList

from services.lifecycle import delete_after, patch_of
from services.model import BucketInfo
from services.policy import Grant
from services.snippets import snippets
from tests.widgets.support import Stage, lines
from widgets.access_panel import AccessPanel, GrantForm
from widgets.facts import Facts
from widgets.settings_pane import SettingsPane
from widgets.snippets_panel import SnippetsPanel
from widgets.symbols import ASCII

RULES = (delete_after(90, "logs/"), delete_after(7, "tmp/"))
INFO = BucketInfo(
    "b-1", "EU", "multi-region", "STANDARD", 1.0e9, 3, False, 604_800, True, "enforced", False, False,
    resource=patch_of(RULES),
)  # fmt: skip
GRANTS = [
    Grant("allUsers", "roles/storage.objectViewer", None),
    Grant("user:[b]ada@example.com", "roles/storage.admin", {"title": "t\x1b", "expression": "x < 1"}),
    Grant("projectOwner:p", "roles/storage.legacyBucketOwner", None),
]
MINE = {"storage.objects.list", "storage.objects.get"}


@asynccontextmanager
async def stage(widget: Widget, size: tuple[int, int] = (100, 40)) -> AsyncIterator[tuple[Pilot[Any], Stage]]:
    app = Stage(lambda: widget)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, app


def text(app: Stage) -> str:
    return "\n".join(lines(app))


async def go_to(pilot: Pilot[Any], facts: Facts, action: str) -> None:
    await pilot.pause()
    facts.focus()
    await pilot.press(*["j"] * next(i for i, fact in enumerate(facts.facts) if fact.action == action))


async def test_each_setting_is_a_line_that_is_changed_by_e_enter_or_a_click() -> None:
    pane = SettingsPane()
    async with stage(pane) as (pilot, app):
        pane.show_bucket(INFO, editable=True)
        await go_to(pilot, pane, "change:soft-delete")
        await pilot.press("e", "enter")
        y = next(y for y, line in enumerate(lines(app)) if line.strip().startswith("Versioning"))
        await pilot.click(offset=(lines(app)[y].index("e change") + 2, y))
        assert [message.setting.key for message in app.of(SettingsPane.ChangeWanted)] == [
            "soft-delete", "soft-delete", "versioning",
        ]  # fmt: skip
        assert not app.of(Facts.CopyWanted)


async def test_lifecycle_rules_are_told_in_words_and_removed_one_by_one() -> None:
    pane = SettingsPane()
    async with stage(pane) as (pilot, app):
        pane.show_bucket(INFO, editable=True)
        await go_to(pilot, pane, "rule:1")
        assert "delete after 90 days (logs/)" in text(app)
        await pilot.press("X")
        assert [message.rule for message in app.of(SettingsPane.RuleRemovalWanted)] == [RULES[1]]
        await pilot.press("j", "enter")
        assert [message.key for message in app.of(Facts.ActionWanted)] == ["add-rule"]


async def test_access_and_code_are_reached_from_the_settings() -> None:
    pane = SettingsPane()
    async with stage(pane) as (pilot, app):
        pane.show_bucket(INFO, editable=True, members="4 members")
        await go_to(pilot, pane, "access")
        await pilot.press("enter", "j", "enter")
        assert [message.key for message in app.of(Facts.ActionWanted)] == ["access", "code"]
        assert "4 members" in text(app)


async def test_what_is_only_read_offers_no_change() -> None:
    pane = SettingsPane()
    async with stage(pane) as (pilot, app):
        pane.show_bucket(INFO)
        await pilot.pause()
        assert "change" not in text(app)


async def test_grants_are_told_in_words_and_revoked() -> None:
    panel = AccessPanel()
    async with stage(panel) as (pilot, app):
        panel.show_access(GRANTS, MINE)
        await pilot.pause()
        shown = text(app)
        assert "everyone on the internet" in shown
        assert "! public" in shown
        assert "[b]ada@example.com" in shown
        assert "only if" in shown
        assert "through the project" in shown
        assert "\x1b" not in shown
        panel.focus()
        await pilot.press("j", "j", "j", "X")
        assert [message.grant for message in app.of(AccessPanel.RevokeWanted)] == [GRANTS[1]]
        await pilot.press("n")
        assert len(app.of(AccessPanel.GrantWanted)) == 1


async def test_a_click_revokes_the_grant_it_is_on() -> None:
    panel = AccessPanel()
    async with stage(panel) as (pilot, app):
        panel.show_access(GRANTS, MINE)
        await pilot.pause()
        y = next(y for y, line in enumerate(lines(app)) if "owners of the project" in line)
        await pilot.click(offset=(lines(app)[y].index("X revoke") + 3, y))
        assert [message.grant for message in app.of(AccessPanel.RevokeWanted)] == [GRANTS[2]]


async def test_without_the_right_nothing_can_be_given_or_taken() -> None:
    panel = AccessPanel()
    async with stage(panel) as (pilot, app):
        panel.show_access(GRANTS, MINE, may_change=False)
        await pilot.pause()
        panel.focus()
        await pilot.press("j", "j", "X", "n", "enter")
        assert not app.of(AccessPanel.RevokeWanted)
        assert not app.of(AccessPanel.GrantWanted)
        panel.show_refused(MINE, "refused", "ask somebody")
        await pilot.pause()
        assert "ask somebody" in text(app)


async def test_a_grant_is_checked_and_warned_about_while_it_is_made() -> None:
    form = GrantForm(INFO)
    async with stage(form) as (pilot, app):
        form.focus()
        await pilot.press(*"public")
        assert "Everyone on the internet will be able to read every object." in text(app)
        assert "Public access is prevented" in text(app)
        form.query_one(Input).value = "nobody"
        await pilot.press("enter")
        assert "is not a member" in text(app)
        assert not app.of(GrantForm.Submitted)
        form.query_one(Input).value = "ada@example.com"
        form.query_one(OptionList).focus()
        await pilot.press("down", "down", "enter")
        [given] = app.of(GrantForm.Submitted)
        assert (given.member, given.role) == ("user:ada@example.com", "roles/storage.objectUser")


async def test_snippets_turn_by_key_and_click_and_are_copied() -> None:
    panel = SnippetsPanel()
    async with stage(panel) as (pilot, app):
        panel.show(snippets("b-1", "a/[b]'x\x1b.txt"))
        panel.focus()
        await pilot.pause()
        assert "replit.object_storage" in text(app)
        assert "\x1b" not in text(app)
        await pilot.press("left", "c")
        await pilot.click(offset=(lines(app)[0].index("gcloud"), 0))
        await pilot.click(offset=(lines(app)[0].index("copy"), 0))
        assert [message.snippet.key for message in app.of(SnippetsPanel.CopyWanted)] == ["pail", "gcloud"]
        panel.show(snippets("b-1", "other"))
        assert panel.snippet is not None
        assert panel.snippet.key == "gcloud"


@pytest.mark.parametrize("size", [(40, 10), (160, 50)])
async def test_snippets_fit_every_window(size: tuple[int, int]) -> None:
    panel = SnippetsPanel(symbols=ASCII)
    async with stage(panel, size) as (pilot, app):
        panel.show(snippets("b-1", "x.txt"))
        panel.focus()
        for _ in range(6):
            await pilot.press("l")
            assert f"[{panel.snippet.title if panel.snippet else ''}]" in lines(app)[0]

"""Editing what is kept about objects: one or many, and only what was changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from services.model import ObjectInfo
from tests.widgets.support import NOW, Stage, lines
from widgets.object_editor import ObjectEditor


def info(name: str, kind: str = "text/plain", **metadata: str) -> ObjectInfo:
    resource = {"contentType": kind}
    return ObjectInfo("b", name, 1, 1, 1, NOW, NOW, "", "", kind, "", "STANDARD", metadata, resource)


@asynccontextmanager
async def editor(
    *infos: ObjectInfo, size: tuple[int, int] = (90, 30)
) -> AsyncIterator[tuple[ObjectEditor, Pilot[Any], Stage]]:
    app = Stage(lambda: ObjectEditor(infos))
    async with app.run_test(size=size) as pilot:
        widget = app.query_one(ObjectEditor)
        widget.focus()
        await pilot.pause()
        yield widget, pilot, app


async def test_only_changed_fields_are_applied() -> None:
    async with editor(info("a", k="v")) as (widget, pilot, app):
        widget.query_one("#field-cache-control", Input).value = "no-cache"
        widget.query_one("#field-metadata", TextArea).text = "k=v\nreviewed=yes"
        await pilot.press("ctrl+o")
        [applied] = app.of(ObjectEditor.Applied)
        assert applied.edits == {"cache-control": "no-cache", "metadata": "k=v\nreviewed=yes"}


async def test_values_that_differ_are_shown_as_such_and_left_alone() -> None:
    async with editor(info("a"), info("b", "image/png")) as (widget, pilot, app):
        assert "(differ)" in lines(app)[0]
        await pilot.press("enter")
        assert app.of(ObjectEditor.Applied)[0].edits == {}
        widget.query_one("#field-content-type", Input).value = "image/gif"
        await pilot.press("enter")
        assert app.of(ObjectEditor.Applied)[1].edits == {"content-type": "image/gif"}
        assert len(app.of(ObjectEditor.Applied)[1].infos) == 2


async def test_what_is_wrong_is_said_below_its_field() -> None:
    async with editor(info("a")) as (widget, pilot, app):
        widget.query_one("#field-content-type", Input).value = "[b]nonsense"
        await pilot.press("ctrl+o")
        assert not app.of(ObjectEditor.Applied)
        assert "is not a content type" in lines(app)[1]


async def test_the_field_with_the_focus_says_what_it_means() -> None:
    async with editor(info("a")) as (_, pilot, app):
        assert "what browsers take it for" in lines(app)[1]
        await pilot.press("down")
        await pilot.pause()
        assert "how long browsers and proxies may keep it" in "\n".join(lines(app))
        assert "what browsers take it for" not in "\n".join(lines(app))


async def test_hostile_values_are_shown_safely_and_not_sent() -> None:
    async with editor(info("a", "x/[b]\x1b]0;y", k="\x1b[2J")) as (_, pilot, app):
        assert "\x1b" not in "".join(lines(app))
        await pilot.press("ctrl+o")
        assert app.of(ObjectEditor.Applied)[0].edits == {}


@pytest.mark.parametrize("size", [(40, 10), (160, 50)])
async def test_it_fits_every_window(size: tuple[int, int]) -> None:
    async with editor(info("a"), size=size) as (_, _, app):
        assert "Content type" in lines(app)[0]
        assert "text/plain" in lines(app)[0]

"""What the tests of widgets share: an app around one widget, a fixed clock, a picture of the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from services.model import ListPage, ObjectRow

NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC).timestamp()
"""The moment at which all tests take place."""

STYLES = Path(__file__).parents[2] / "styles.tcss"


def clock() -> float:
    return NOW


def row(name: str, size: int = 1, ago: float = 60.0, kind: str = "text/plain", generation: int = 1) -> ObjectRow:
    return ObjectRow(name, size, NOW - ago, generation, 1, "n03x6A==", kind, "STANDARD")


def page(*objects: ObjectRow, prefixes: tuple[str, ...] = ()) -> ListPage:
    return ListPage(list(objects), list(prefixes), "")


class Stage(App[None]):
    """An app that shows one widget and keeps the messages it posts."""

    CSS_PATH = str(STYLES)

    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self.make = make
        self.heard: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the themes of the app define beyond Textual's."""
        return {"text-quiet": "#808080"}

    def compose(self) -> ComposeResult:
        self.subject = self.make()
        self.listen(self.subject)
        yield self.subject

    def listen(self, subject: Widget) -> None:
        """Keep the messages that a widget posts."""
        post = subject.post_message

        def hear(message: Message) -> bool:
            if type(message).__module__.startswith("widgets."):
                self.heard.append(message)
            return post(message)

        subject.post_message = hear  # type: ignore[method-assign]

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]


def lines(app: App[Any]) -> list[str]:
    """The text on the screen, a string a line, without blanks at the ends."""
    screen = app.screen
    strips = screen._compositor.render_strips(screen.size)
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


async def until(pilot: Pilot[Any], condition: Callable[[], bool], patience_s: float = 20.0) -> None:
    """Wait for a condition, letting the app work meanwhile."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while not condition():
        assert loop.time() < end, "it did not happen"
        await pilot.pause(0.01)


async def mouse(pilot: Pilot[Any], kind: type[events.MouseEvent], x: int, y: int, button: int = 1) -> None:
    """Let the mouse do something at a cell of the screen, with a button held down as terminals tell it."""
    await pilot._post_mouse_events([kind], offset=(x, y), button=button)


async def drag(pilot: Pilot[Any], *way: tuple[int, int], drop: bool = True) -> None:
    """Press at the first cell, move over the others, and let go at the last."""
    await mouse(pilot, events.MouseDown, *way[0])
    for x, y in way[1:]:
        await mouse(pilot, events.MouseMove, x, y)
        await pilot.pause()
    if drop:
        await mouse(pilot, events.MouseUp, *way[-1])
        await pilot.pause()

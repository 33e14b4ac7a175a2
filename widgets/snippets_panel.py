"""Use from code: a tab for each tool, its code in colour, copied by one key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from rich.syntax import Syntax
from rich.text import Span, Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from services.names import display_name
from services.snippets import Snippet
from widgets.span_line import Part, SpanLine, fit_tabs, spread
from widgets.symbols import UNICODE, Symbols

_COPY: Final = -1
"""Stands for the word that copies, among the numbers of the tabs."""


class SnippetTabs(SpanLine[int]):
    """One title for each snippet, and what copies the one that is shown."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"snippets--current", "snippets--key"}

    titles: tuple[str, ...] = ()
    current: int = 0

    @dataclass
    class Chosen(Message):
        """A title, or the word that copies, was clicked."""

        index: int
        """Number of the snippet; -1 to copy."""

    def chosen(self, target: int) -> None:
        """Tell what was clicked."""
        self.post_message(self.Chosen(target))

    def parts(self, width: int) -> Sequence[Part[int]]:
        """Return as many titles around the current one as fit beside what copies."""
        copy: list[Part[int]] = [Part("c", "snippets--key", _COPY), Part(" copy", "span-line--muted", _COPY)]
        room = width - sum(len(part.text) for part in copy) - 3
        left = [
            Part(text, "snippets--current" if number == self.current else "span-line--muted", number)
            for text, number in fit_tabs(self.titles, self.current, room, self.symbols.ellipsis)
        ]
        return spread(left, copy, width)


class SnippetsPanel(Vertical, can_focus=True):
    """Snippets for one bucket, folder or object."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,right_square_bracket", "turn(1)", "Next", show=False, id="snippets.next"),
        Binding("left,h,left_square_bracket", "turn(-1)", "Previous", show=False, id="snippets.previous"),
        Binding("down,j", "scroll_code(1)", "Down", show=False, id="snippets.down"),
        Binding("up,k", "scroll_code(-1)", "Up", show=False, id="snippets.up"),
        Binding("c,enter", "copy", "Copy", show=False, id="snippets.copy"),
    ]

    @dataclass
    class CopyWanted(Message):
        """The code should go to the clipboard."""

        snippet: Snippet
        """The snippet."""

    def __init__(self, *, symbols: Symbols = UNICODE, id: str | None = None, classes: str | None = None) -> None:
        """Make an empty panel."""
        super().__init__(id=id, classes=classes)
        self._snippets: tuple[Snippet, ...] = ()
        self._index = 0
        self._tabs = SnippetTabs(symbols=symbols)
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out tabs, code and note."""
        yield self._tabs
        with VerticalScroll(can_focus=False):
            yield Static(classes="snippets--code", markup=False)
        yield Static(classes="snippets--note", markup=False)

    def on_mount(self) -> None:
        """Show what is there already, in the colours of the theme."""
        self.watch(self.app, "theme", self._show)

    def show(self, snippets: Sequence[Snippet]) -> None:
        """Show other snippets; the tool that was chosen stays."""
        key = self.snippet.key if self.snippet is not None else ""
        self._snippets = tuple(snippets)
        self._index = next((i for i, snippet in enumerate(snippets) if snippet.key == key), 0)
        if self.is_mounted:
            self._show()

    @property
    def snippet(self) -> Snippet | None:
        """The snippet that is shown."""
        return self._snippets[self._index] if self._snippets else None

    def _show(self) -> None:
        self._tabs.titles = tuple(self._symbols.say(snippet.title) for snippet in self._snippets)
        self._tabs.current = self._index
        self._tabs.refresh()
        snippet = self.snippet
        code, note = self.query_one(".snippets--code", Static), self.query_one(".snippets--note", Static)
        if snippet is None:
            code.update("")
            note.update("")
            return
        # Snippets hold printable characters only; this makes it true of whatever comes here.
        text = "\n".join(_indented(line) for line in snippet.text.split("\n"))
        dark = self.app.current_theme.dark
        look = "ansi_dark" if self.app.ansi_color else "github-dark" if dark else "friendly"
        code.update(_plain_ground(Syntax(text, snippet.syntax, theme=look).highlight(text)))
        note.update(self._symbols.say(snippet.note))

    def action_turn(self, step: int) -> None:
        """Show the snippet of another tool."""
        if self._snippets:
            self._index = (self._index + step) % len(self._snippets)
            self._show()

    def action_scroll_code(self, lines: int) -> None:
        """Scroll the code."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        """Copy the code that is shown."""
        if (snippet := self.snippet) is not None:
            self.post_message(self.CopyWanted(snippet))

    @on(SnippetTabs.Chosen)
    def _tab_chosen(self, event: SnippetTabs.Chosen) -> None:
        event.stop()
        if event.index == _COPY:
            self.action_copy()
        else:
            self._index = event.index
            self._show()


def _indented(line: str) -> str:
    """Return a line of code made safe; its indentation stays, since it is code."""
    code = line.lstrip(" ")
    return " " * (len(line) - len(code)) + display_name(code)


def _plain_ground(text: Text) -> Text:
    """Return highlighted text on the background that it stands on, without the one that its colours come with."""

    def bare(style: Style | str) -> Style:
        full = Style.parse(style) if isinstance(style, str) else style
        return Style(color=full.color, bold=full.bold, italic=full.italic, underline=full.underline)

    spans = [Span(span.start, span.end, bare(span.style)) for span in text.spans]
    return Text(text.plain.rstrip("\n"), bare(text.style), spans=spans, overflow="fold")

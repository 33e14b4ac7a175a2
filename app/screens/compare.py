"""Two generations side by side, in a tall dialog that scrolls."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.screens.dialog import Label
from app.screens.over import Over
from services.compare import Comparison
from services.names import display_name
from widgets.symbols import Symbols

LABEL_WIDTH: Final = 18
"""Cells of the column that says what differs."""


class CompareScreen(Over[None]):
    """What differs: the first one on lines that begin with `-`, the second one on lines with `+`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, before: str, after: str, found: Comparison, symbols: Symbols) -> None:
        """Show a comparison; `before` and `after` say what was compared, safe to show."""
        super().__init__()
        self._before = before
        self._after = after
        self._found = found
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out what was compared, the bytes, what is kept, and the keys."""
        found = self._found
        with Vertical(classes="dialog dialog-tall"):
            yield Label("Compare", classes="dialog-title")
            yield Static(Text(f"- {self._before}"), classes="compare--before", markup=False)
            yield Static(Text(f"+ {self._after}"), classes="compare--after", markup=False)
            with VerticalScroll(id="comparison"):
                if found.note:
                    yield Label(found.note, classes="dialog-text")
                if found.lines:
                    yield Static(self._lines(), id="lines", markup=False)
                if found.kept:
                    yield Static(self._kept(), id="kept", markup=False)
                else:
                    yield Label("What is kept about them is the same.", id="kept", classes="dialog-text")
            yield Label(self._symbols.say("↑ ↓ scroll · Esc closes"), classes="dialog-note")

    def _lines(self) -> Content:
        """Return the lines of both, told apart by their first sign and by colour."""
        looks = {"-": "$text-error", "+": "$text-success", "@": "$text-quiet"}
        lines = []
        for line in self._found.lines:
            sign, rest = line[:1], display_name(line[1:].expandtabs(4))
            lines.append(Content.styled(line if sign == "@" else f"{sign} {rest}", looks.get(sign, "")))
        return Content("\n").join(lines)

    def _kept(self) -> Content:
        """Return what differs of what is kept about them, a line each."""
        arrow = f" {self._symbols.arrow} "
        lines = []
        for each in self._found.kept:
            label = (f"{each.label} ".ljust(LABEL_WIDTH), "$text-quiet")
            before, after = (each.before or "none", "$text-error"), (each.after or "none", "$text-success")
            lines.append(Content.assemble(label, before, (arrow, "$text-quiet"), after))
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.query_one("#comparison").focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#comparison", VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

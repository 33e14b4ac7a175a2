"""The line of keys: as many as fit, and a way to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.message import Message
from textual.reactive import reactive

from services.names import display_name
from widgets.span_line import Part, SpanLine


@dataclass(frozen=True, slots=True)
class KeyHint:
    """A key and what it does now."""

    key: str
    """The key as it is written on the line, such as `u` or `ctrl+f`."""
    label: str
    """What it does, in a word or two."""
    command: str
    """Id of the command that a click runs."""
    short: str = ""
    """A shorter label for narrow windows; empty for none."""
    off: bool = False
    """Whether it cannot be done here: it is greyed out, and choosing it says why."""


MORE: Final = KeyHint("?", "more", "help")
"""Stands at the end where not all keys fit."""


class KeyLine(SpanLine[str]):
    """The last line of the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key"}

    hints: reactive[tuple[KeyHint, ...]] = reactive(())
    """The keys that apply now, the most useful first."""

    @dataclass
    class HintChosen(Message):
        """A key was clicked."""

        command_id: str
        """Id of its command."""

    def chosen(self, target: str) -> None:
        """Tell which command was clicked."""
        self.post_message(self.HintChosen(target))

    def parts(self, width: int) -> Sequence[Part[str]]:
        """Return whole hints only: with full labels, else with short ones, else as many as leave room for `? more`."""
        for short in (False, True):
            if _width(self.hints, short=short) <= width:
                return _parts(self.hints, short=short)
        kept = [hint for hint in self.hints if hint.key != MORE.key]
        while kept and _width([*kept, MORE], short=True) > width:
            kept.pop()
        return _parts([*kept, MORE], short=True)


def _label(hint: KeyHint, *, short: bool) -> str:
    return hint.short if short and hint.short else hint.label


def _width(hints: Sequence[KeyHint], *, short: bool) -> int:
    gap = 1 if short else 2
    return sum(cell_len(display_name(hint.key)) + 1 + cell_len(_label(hint, short=short)) + gap for hint in hints) + (
        1 - gap
    )


def _parts(hints: Sequence[KeyHint], *, short: bool) -> list[Part[str]]:
    parts: list[Part[str]] = []
    for index, hint in enumerate(hints):
        parts.append(Part(" " if short or not index else "  "))
        style = "span-line--muted" if hint.off else "key-line--key"
        parts.append(Part(display_name(hint.key), style, hint.command))
        parts.append(Part(f" {_label(hint, short=short)}", "span-line--muted", hint.command))
    return parts

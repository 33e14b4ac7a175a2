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


HELP: Final = "help"
"""Id of the command that shows all keys."""

MORE: Final = KeyHint("F1", "more", HELP)
"""Stands at the end where not all keys fit; works in lines to type in as well."""


class KeyLine(SpanLine[str]):
    """The last line of the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key"}

    hints: reactive[tuple[KeyHint, ...]] = reactive(())
    """The keys that apply now, the most useful first."""

    most: reactive[int] = reactive(99)
    """How many hints are shown at the most, however wide the line is: what one can take in."""
    more: reactive[KeyHint] = reactive(MORE)
    """What stands at the end where there are more than are shown."""

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
        hints = self.hints
        if len(hints) > self.most:
            hints = (*[hint for hint in hints if hint.command != HELP][: self.most - 1], self.more)
        for short in (False, True):
            if _width(hints, short=short) <= width:
                return _parts(hints, short=short)
        kept = [hint for hint in hints if hint.command != HELP]
        while kept and _width([*kept, self.more], short=True) > width:
            kept.pop()
        return _parts([*kept, self.more], short=True)


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

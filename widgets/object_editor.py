"""Editing what Google keeps about objects: one form for one object or for many; only what is changed is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from services.errors import UsageError
from services.model import ObjectInfo
from services.names import display_name
from services.object_fields import FIELDS, EditableField, changes, shared
from widgets.symbols import UNICODE, Symbols

DIFFERS: Final = "(differ)"
"""Stands where objects have different values; leaving it leaves each its own."""

_MULTILINE: Final = frozenset({"metadata"})
"""Fields of several lines."""


class ObjectEditor(VerticalScroll, can_focus=False):
    """A field a line; Tab and arrows move, `ctrl+o` applies, what is wrong is said below its field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "apply", "Apply", show=False, id="editor.apply"),
        Binding("up", "app.focus_previous", "Previous", show=False, id="editor.previous"),
        Binding("down", "app.focus_next", "Next", show=False, id="editor.next"),
    ]

    @dataclass
    class Applied(Message):
        """Fields were changed: `services.object_fields.changes` says for each object what that sends."""

        infos: tuple[ObjectInfo, ...]
        """The objects as they were seen."""
        edits: Mapping[str, str]
        """What was typed, by key of the field; only what was changed."""

    def __init__(
        self,
        infos: Sequence[ObjectInfo],
        *,
        symbols: Symbols = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Edit objects; there is at least one."""
        super().__init__(id=id, classes=classes)
        self._infos = tuple(infos)
        self._before = shared(self._infos)
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        for field in FIELDS:
            before = self._before[field.key]
            with Horizontal(classes="editor--row"):
                yield Static(field.label, classes="editor--label", markup=False)
                if field.key in _MULTILINE:
                    area = TextArea(_safe(before or ""), id=f"field-{field.key}", compact=True, tab_behavior="focus")
                    area.placeholder = DIFFERS if before is None else field.example
                    yield area
                else:
                    hint = DIFFERS if before is None else f"e.g. {field.example}"
                    yield Input(
                        _safe(before or ""), placeholder=hint, id=f"field-{field.key}", compact=True,
                        select_on_focus=False,
                    )  # fmt: skip
            yield Static(id=f"note-{field.key}", classes="editor--note", markup=False)

    def on_mount(self) -> None:
        """Let nothing blink."""
        for line in self.query(Input):
            line.cursor_blink = False
        for area in self.query(TextArea):
            area.cursor_blink = False

    def focus(self, scroll_visible: bool = True) -> ObjectEditor:
        """Focus the first field."""
        self.query(Input).first().focus(scroll_visible)
        return self

    @property
    def edits(self) -> dict[str, str]:
        """What was changed, by key of the field."""
        typed = {field.key: self._value(field) for field in FIELDS}
        return {key: text for key, text in typed.items() if text != _safe(self._before[key] or "")}

    def _value(self, field: EditableField) -> str:
        if field.key in _MULTILINE:
            return self.query_one(f"#field-{field.key}", TextArea).text
        return self.query_one(f"#field-{field.key}", Input).value

    def apply(self) -> None:
        """Post `Applied`, or say at the first wrong field what is wrong with it."""
        edits = self.edits
        for field in FIELDS:
            problem = self._problem(field, edits)
            self._say(field, problem, wrong=bool(problem))
            if problem:
                self.query_one(f"#field-{field.key}").focus()
                return
        self.post_message(self.Applied(self._infos, edits))

    def action_apply(self) -> None:
        """Apply what was changed."""
        self.apply()

    def _problem(self, field: EditableField, edits: Mapping[str, str]) -> str:
        if field.key not in edits:
            return ""
        try:
            for info in self._infos:
                changes(info, {field.key: edits[field.key]})
        except UsageError as error:
            return f"{error.message}. {error.remedy}"
        return ""

    def _say(self, field: EditableField, text: str, *, wrong: bool) -> None:
        note = self.query_one(f"#note-{field.key}", Static)
        note.update(f"{self._symbols.warning} {display_name(text)}" if wrong else self._symbols.say(text))
        note.set_class(wrong, "-wrong")
        note.display = bool(text)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say below the field what it means, and what may be typed."""
        for field in FIELDS:
            here = event.widget.id == f"field-{field.key}"
            choices = f" ({' / '.join(field.choices)})" if field.choices else ""
            problem = self._problem(field, self.edits)
            self._say(field, problem or (f"{field.meaning}{choices}" if here else ""), wrong=bool(problem))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.apply()


def _safe(text: str) -> str:
    """Return a value that cannot steer the terminal, line by line; what is not changed is never sent."""
    return "\n".join(display_name(line) for line in text.split("\n"))

from __future__ import annotations

from app.commands import shown_key


def test_keys_are_written_as_people_write_them() -> None:
    keys = ("question_mark", "f8", "ctrl+d", "X", "shift+left")
    assert [shown_key(key) for key in keys] == ["?", "F8", "^d", "X", "Shift+←"]

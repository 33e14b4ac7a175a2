"""Keys of one's own: presets, names of keys, conflicts named with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.keys import _character_to_key

from app.context import Context
from app.registry import COMMANDS, UNBOUND, applying
from app.registry.keymap import _CHARACTERS, Keymap, arrange, unit
from app.registry.presets import PRESETS
from services.config import KeySettings, parse, schema
from services.errors import UsageError

FILE = Path("/somewhere/config.toml")


def settings(text: str) -> KeySettings:
    return parse(f"[keys]\n{text}".encode(), FILE).config.keys


def keys(keymap: Keymap, identifier: str) -> tuple[str, ...]:
    return next(entry.keys for entry in keymap.commands if entry.id == identifier)


def test_without_settings_the_keys_are_those_of_the_registry() -> None:
    assert arrange(KeySettings()) == Keymap(COMMANDS, None)


def test_a_command_takes_keys_of_ones_own_and_loses_its_old_ones() -> None:
    keymap = arrange(settings('upload = ["ctrl+k", "!"]\ndownload = []'))
    assert keys(keymap, "upload") == ("ctrl+k", "exclamation_mark")
    assert keys(keymap, "download") == ()
    assert keymap.bindings is not None
    assert keymap.bindings["upload"] == "ctrl+k,exclamation_mark"
    assert keymap.bindings["download"] == UNBOUND
    assert keymap.bindings["delete"] == "X,delete,f8", "all are named, so that none is taken away by another's key"
    assert keymap.key("upload") == "^k"
    assert keymap.key("download") == ": Download"


def test_commands_with_one_action_keep_one_set_of_keys() -> None:
    keymap = arrange(settings('cancel = "K"'))
    assert keys(keymap, "cancel") == keys(keymap, "dismiss") == ("K",)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_no_conflict(preset: str) -> None:
    keymap = arrange(settings(f'preset = "{preset}"'))
    assert {unit(entry): entry.keys for entry in keymap.commands}.items() >= {
        unit(entry): keys for name, keys in PRESETS[preset].items() for entry in COMMANDS if entry.id == name
    }.items()
    context = Context("objects", True, "object", 2, 9)
    pressed = [key for entry in applying(context, keymap.commands) for key in entry.keys]
    assert len(pressed) == len(set(pressed))


def test_the_settings_know_every_preset() -> None:
    assert tuple(PRESETS) == schema.PRESETS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('uplod = "k"', ["line 2", "no command 'uplod'", "Did you mean upload?"]),
        ('upload = "hyper+k"', ["line 2", "no key 'hyper+k'"]),
        ('upload = "pgdn"', ["line 2", "no key 'pgdn'", "enter"]),
        ('upload = ""', ["line 2", "no key ''"]),
        ('upload = "d"', ["'d' would be both download and upload", "line 2"]),
        ('upload = "ctrl+k"\ndownload = "ctrl+k"', ["line 3", "upload (line 2) and download"]),
        ('toggle_mark = "u"', ["'u' would be both upload and toggle_mark"]),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        arrange(settings(text))
    for word in words:
        assert word in f"{caught.value.message} {caught.value.remedy}"


@pytest.mark.parametrize("text", ["upload = 3", 'upload = ["a", 1]', 'preset = "emacs"', 'upload = "\\u001b"'])
def test_what_is_no_key_at_all_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(UsageError, match="line 2"):
        settings(text)


def test_keys_may_be_shared_where_two_commands_never_meet() -> None:
    keymap = arrange(settings('retry = "u"'))
    assert keys(keymap, "retry") == keys(keymap, "upload") == ("u",), "one is for the transfers, one for the objects"


def test_characters_are_called_as_textual_calls_them() -> None:
    assert all(_character_to_key(character) == name for character, name in _CHARACTERS.items())

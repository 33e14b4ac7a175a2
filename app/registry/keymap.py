"""The keys in force: those of the registry, as a preset and the `[keys]` of `config.toml` change them."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, get_args

from app.commands import Command, shown_key
from app.context import Context, View
from app.registry import COMMANDS, UNBOUND
from app.registry.presets import PRESETS
from services.config import KeySettings
from services.errors import UsageError
from services.names import display_name

_NAMED: Final = frozenset(
    (
        *("enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown"),
        *("up", "down", "left", "right"),
        *(f"f{number}" for number in range(1, 25)),
    )
)
"""Keys that are no characters, in Textual's names."""

_CHARACTERS: Final = {
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "@": "at",
    "[": "left_square_bracket",
    "\\": "backslash",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}
"""What Textual calls the characters that are neither letters nor digits."""

_MODIFIERS: Final = ("ctrl", "alt", "shift")


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force."""

    commands: tuple[Command, ...] = COMMANDS
    """Every command with its keys, in the order of the help."""
    bindings: Mapping[str, str] | None = None
    """Keys by binding id, as `App.set_keymap` takes them; None where all keys are Pail's own."""

    def key(self, identifier: str) -> str:
        """Return how the first key of a command is written; `:` and its title where it has none."""
        entry = next(entry for entry in self.commands if entry.id == identifier)
        return shown_key(entry.keys[0]) if entry.keys else f": {entry.title}"


def unit(entry: Command) -> str:
    """Return the id under which a command's keys are bound: commands with one action have one set of keys."""
    return entry.action or entry.id


def arrange(settings: KeySettings) -> Keymap:
    """Return the keys in force.

    Raises `UsageError` with the lines for an unknown command or key, and for a key that would do two things.
    """
    wanted: dict[str, tuple[str, ...]] = {}
    for name, keys in PRESETS[settings.preset].items():
        wanted.update(_of_unit(name, keys))
    for name, written in settings.own.items():
        keys = tuple(_key(word, name, settings) for word in written)
        wanted.update(_of_unit(_known(name, settings), keys))
    if not wanted:
        return Keymap()
    commands = tuple(replace(entry, keys=wanted.get(unit(entry), entry.keys)) for entry in COMMANDS)
    _refuse_conflicts(commands, settings)
    bindings = {unit(entry): ",".join(entry.keys) or UNBOUND for entry in commands}
    return Keymap(commands, bindings)


def _of_unit(identifier: str, keys: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the keys under the id of their binding; a command that this version has not got changes nothing."""
    return {unit(entry): keys for entry in COMMANDS if entry.id == identifier}


def _known(name: str, settings: KeySettings) -> str:
    identifiers = [entry.id for entry in COMMANDS]
    if name in identifiers:
        return name
    near = difflib.get_close_matches(name, identifiers, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"config.toml: {_line(name, settings)}there is no command '{display_name(name)}'",
        remedy=f"{meant}The page of the keys in the documents lists every command.",
    )


def _key(written: str, name: str, settings: KeySettings) -> str:
    """Return a key as Textual calls it; takes `?`, `ctrl+k`, `f5`, `question_mark`."""
    *modifiers, last = written.split("+") if len(written) > 1 and not written.endswith("+") else [written]
    is_named = last in _NAMED or last in _CHARACTERS.values()
    is_character = len(last) == 1 and last.isprintable() and last != " "
    unknown = [word for word in modifiers if word not in _MODIFIERS]
    if unknown or not (is_named or is_character):
        raise UsageError(
            f"config.toml: {_line(name, settings)}keys.{name}: there is no key '{display_name(written)}'",
            remedy="Write a character, or a name such as enter or f5; ctrl+, alt+ and shift+ may stand before it.",
        )
    return "+".join((*modifiers, _CHARACTERS.get(last, last)))


def _refuse_conflicts(commands: Sequence[Command], settings: KeySettings) -> None:
    """Raise where one key would do two things in some place; where contexts never meet a key may be shared."""
    changed = {entry.id for entry in commands if entry.keys != _own_keys(entry.id)}
    for one, other in itertools.combinations(commands, 2):
        shared = set(one.keys) & set(other.keys)
        if shared and changed & {one.id, other.id} and unit(one) != unit(other) and _meet(one, other):
            first, second = sorted((one, other), key=lambda entry: settings.lines.get(entry.id, 0))
            raise UsageError(
                f"config.toml: {_line(second.id, settings)}'{shown_key(min(shared))}' would be both {first.id}"
                f"{_where(first.id, settings)} and {second.id}",
                remedy="Give one of them another key; [] leaves a command without one.",
            )


def _own_keys(identifier: str) -> tuple[str, ...]:
    return next(entry.keys for entry in COMMANDS if entry.id == identifier)


def _meet(one: Command, other: Command) -> bool:
    """Tell whether there is a place where both apply; tries every combination of what the two look at."""
    looked_at: set[str] = set()
    while True:
        known = len(looked_at)
        for context in _contexts(sorted(looked_at)):
            watched = _Watched(context, looked_at)
            if one.applies(watched) and other.applies(watched):
                return True
            other.applies(watched)
        if len(looked_at) == known:
            return False


class _Watched(Context):
    """A context that notes which of its facts are looked at."""

    __slots__ = ("_context", "_seen")

    def __init__(self, context: Context, seen: set[str]) -> None:
        object.__setattr__(self, "_context", context)
        object.__setattr__(self, "_seen", seen)

    def __getattribute__(self, name: str) -> Any:
        if name not in _FACTS:
            return object.__getattribute__(self, name)
        object.__getattribute__(self, "_seen").add(name)
        return getattr(object.__getattribute__(self, "_context"), name)


_FACTS: Final = frozenset(entry.name for entry in fields(Context))


def _contexts(names: Sequence[str]) -> Iterator[Context]:
    """Yield every combination of some facts: switches both ways, other values from those that matter."""
    samples: dict[str, Sequence[Any]] = {
        "view": get_args(View),
        "cursor": ("", "object", "folder"),
        "marked": (0, 2),
        "rows": (0, 5),
        "pair_verbs": ((), ("approve", "remove"), ("plan", "look", "pause", "remove"), ("decide", "resume", "look")),
        "verbs": ((), ("pause", "cancel"), ("resume", "cancel"), ("retry", "dismiss"), ("decide",)),
    }
    for values in itertools.product(*(samples.get(name, (False, True)) for name in names)):
        yield replace(Context(), **dict(zip(names, values, strict=True)))


def _line(name: str, settings: KeySettings) -> str:
    line = settings.lines.get(name)
    return f"line {line}: " if line else ""


def _where(name: str, settings: KeySettings) -> str:
    line = settings.lines.get(name)
    return f" (line {line})" if line else ""

"""Sets of keys for hands that learned another program: what differs from Pail's own keys, by command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Preset = Mapping[str, tuple[str, ...]]
"""Keys in Textual's names by the id of a command."""

VIM: Final[Preset] = {
    "toggle_mark": ("space", "v"),
    "range": ("V",),
    "toggle_past": ("O",),
    "take_cut": ("d", "x"),
    "download": ("o",),
    "download_to": ("D",),
    "undo": ("u",),
    "upload": ("i", "insert"),
    "upload_folder": ("I",),
    "details": ("K",),
    "rename": ("r", "c", "f2"),
    "copy": ("y",),
    "page_down": ("pagedown", "ctrl+f"),
    "page_up": ("pageup", "ctrl+b"),
    "find": ("F",),
    "view_content": ("f3",),
    "edit_search": ("slash",),
}
"""As in vim: u undoes, d cuts, y takes, p puts, V marks a range, ctrl+f and ctrl+b turn pages."""

MC: Final[Preset] = {
    "toggle_mark": ("insert", "space"),
    "palette": ("f9", "colon", "ctrl+p"),
    "refresh": ("ctrl+r", "R"),
    "restore": ("f11",),
    "up": ("backspace", "ctrl+pageup"),
    "buckets": ("ctrl+backslash", "b"),
}
"""As in Midnight Commander: insert marks, F9 opens the menu, ctrl+r reads again."""

PRESETS: Final[Mapping[str, Preset]] = {"pail": {}, "vim": VIM, "mc": MC}
"""Every preset by its name in `config.toml`."""

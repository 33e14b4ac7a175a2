"""What is left out of sync: rules in gitignore syntax, editors' temporary files, and what is Pail's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from services.transfer.local import PARTIAL_PREFIX

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE: Final = ".pailignore"
"""Name of the file with the rules of a folder and what is below it."""

OWN_FOLDER: Final = ".pail"
"""Pail's own folder in the root of a pair: never synced, nor is that of another pair further down."""

EDITOR_PATTERNS: Final = (
    "*~",
    ".*.sw[a-px]",
    ".*.swpx",
    "4913",
    ".#*",
    "#*#",
    ".~lock.*#",
    "~$*",
    ".goutputstream-*",
    ".*.kate-swp",
    "*___jb_tmp___",
    "*___jb_old___",
)
"""Files that editors leave beside what is edited; a rule such as `!*~` takes them in again (hazard 40)."""

_EDITOR_NAME: Final = re.compile(
    r".*~|\..*\.sw[a-px]|\..*\.swpx|4913|\.#.*|#.*#|\.~lock\..*#|~\$.*|\.goutputstream-.*|\..*\.kate-swp|.*___jb_(tmp|old)___",
    re.DOTALL,
)
"""`EDITOR_PATTERNS` as one expression, for the common case of no rules at all."""

_FIRST: Final = frozenset(".#~4")
_LAST: Final = frozenset("~_#")
"""What a name begins or ends with that `_EDITOR_NAME` or Pail's own names match: most need no further look."""


class Rules:
    """The rules of a pair, of its root and of the folders below."""

    def __init__(self, excludes: Iterable[str] = ()) -> None:
        self._excludes = tuple(excludes)
        self._specs: dict[str, GitIgnoreSpec] = {}
        self._known: dict[str, bool] = {}
        if self._excludes:
            self.add("", ())

    def add(self, folder: str, lines: Iterable[str]) -> None:
        """Add the lines of the ignore file of `folder` (a key that ends in `/`, or empty for the root).

        Raises `ValueError` for a line that is no pattern.
        """
        from pathspec import GitIgnoreSpec  # most pairs have no rules

        # What the command line says comes last: it wins over what a file says.
        patterns = lines if folder else (*EDITOR_PATTERNS, *lines, *self._excludes)
        self._specs[folder] = GitIgnoreSpec.from_lines(patterns)
        self._known.clear()

    @property
    def is_plain(self) -> bool:
        """Whether there are no rules but Pail's own."""
        return not self._specs

    def ignores(self, key: str) -> bool:
        """Tell whether a file, or a folder (`…/`), is left out, given that no folder above it is."""
        name = key.rstrip("/").rpartition("/")[2]
        if not self._specs and name[:1] not in _FIRST and name[-1:] not in _LAST:
            return False
        if name.startswith(PARTIAL_PREFIX) or name.casefold() == OWN_FOLDER:
            return True
        if not self._specs:
            return _EDITOR_NAME.fullmatch(name) is not None
        folder = key.rstrip("/").rpartition("/")[0]
        while True:
            place = f"{folder}/" if folder else ""
            spec = self._specs.get(place)
            if spec is not None:
                found = spec.check_file(key[len(place) :]).include
                if found is not None:
                    return found
            if not folder:
                return "" not in self._specs and _EDITOR_NAME.fullmatch(name) is not None
            folder = folder.rpartition("/")[0]

    def ignores_path(self, key: str) -> bool:
        """Tell whether a key or any folder above it is left out."""
        folder = key.rstrip("/").rpartition("/")[0]
        return (bool(folder) and self._ignores_folder(f"{folder}/")) or self.ignores(key)

    def _ignores_folder(self, folder: str) -> bool:
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self.ignores_path(folder)
        return known

"""The mark of screens that a note would cover; a module of its own, since the application knows no other of dialogs."""

from __future__ import annotations

from typing import Final

QUIET: Final = "-quiet"
"""Class of screens that leave no room for notes: these wait until such a screen has closed."""

"""The base of boxes over a screen: in a low or narrow window they give up their margins before their content."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.screen import ModalScreen

Result = TypeVar("Result")


class Low(ModalScreen[Result], Generic[Result]):
    """A box that knows whether the window has few lines or columns."""

    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-broad")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]  # noqa: RUF012

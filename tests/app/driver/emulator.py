"""A terminal emulator that draws what Textual writes, cell by cell with attributes."""

from __future__ import annotations

import pyte
from pyte.screens import Char
from rich.cells import cell_len

from app.driver.cells import clusters


class Emulator(pyte.Screen):
    """pyte, with two of its limits lifted.

    A cluster (marks, joined emoji) is drawn in the cells that Textual laid it out with, and a wide character that loses
    one half loses the other, as terminals do.
    """

    def draw(self, data: str) -> None:
        self.dirty.add(self.cursor.y)
        for cluster in clusters(data):
            width = cell_len(cluster)
            x = min(self.cursor.x, self.columns - width)
            line = self.buffer[self.cursor.y]
            if line[x].data == "" and x:
                line[x - 1] = line[x - 1]._replace(data=" ")
            if x + width < self.columns and line[x + width].data == "":
                line[x + width] = line[x + width]._replace(data=" ")
            line[x] = self.cursor.attrs._replace(data=cluster)
            for half in range(x + 1, x + width):
                line[half] = self.cursor.attrs._replace(data="")
            self.cursor.x = x + width


def seen(cell: Char) -> Char:
    """Return what a person can see of a cell: a blank has no colour but its background."""
    if cell.data == " " and not (cell.underscore or cell.strikethrough or cell.reverse or cell.blink):
        return cell._replace(fg="default", bold=False, italics=False)
    return cell


def row(screen: pyte.Screen, y: int) -> list[Char]:
    line = screen.buffer[y]
    return [seen(line[x]) for x in range(screen.columns)]


def picture(screen: pyte.Screen) -> list[list[Char]]:
    return [row(screen, y) for y in range(screen.lines)]


def emulator(width: int, height: int) -> tuple[Emulator, pyte.Stream]:
    """Return an emulator and what feeds it; nothing wraps at its right edge."""
    screen = Emulator(width, height)
    screen.reset_mode(7, private=True)
    return screen, pyte.Stream(screen)

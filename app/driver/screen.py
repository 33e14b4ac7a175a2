"""Reads what Textual writes and says, in fewer bytes, what has the same effect.

Text, looks and cursor moves go to a canvas. Sequences without an effect on cells (titles, clipboard, modes of mouse,
keys and pasting) are passed on as they come. Anything else is passed on too, and from there on nothing is taken for
known.
"""

from __future__ import annotations

import re
from typing import Final

from app.driver.canvas import Canvas
from app.driver.cells import strip_cells, text_cells
from app.driver.painter import Painter
from app.driver.styles import PLAIN, applied, change, linked

_CSI: Final = r"\x1b\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
_STRING: Final = r"\x1b(?:\](?P<osc>[^\x07\x1b]*)|[PX^_][^\x1b]*)(?:\x1b\\|\x07)"
_TOKEN: Final = re.compile(
    rf"{_CSI}|{_STRING}|(?P<escape>\x1b[ -/]*[0-OQ-WYZ\\`-~])|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
_PLACE: Final = re.compile(r"\x1b\[(\d+);(\d+)H")

ALTERNATE: Final = frozenset({"47", "1047", "1048", "1049"})
"""Private modes that swap the screen or move the cursor; what is shown after them is not known."""

CURSOR: Final = "25"
"""Private mode: the cursor is visible."""

SYNC: Final = "2026"
"""Private mode: a picture is held back until it is whole."""

STEPS: Final = {"A": (0, -1), "B": (0, 1), "C": (1, 0), "D": (-1, 0)}
"""Final characters of cursor moves by some cells, with (columns, rows)."""

HARMLESS_CONTROLS: Final = "\x00\x07"
"""Control characters that change no cell: they are passed on."""

MOVING_CONTROLS: Final = "\b\r\n"
"""Control characters that move the cursor; passed on where nobody knows where it is."""


class DiffScreen:
    """A terminal as Textual thinks it has, on top of the one there is."""

    def __init__(self, width: int, height: int, *, erases: bool = True) -> None:
        """Begin with a terminal of which nothing is known; `erases`: its erased cells take the background set."""
        self._canvas = Canvas(width, height)
        self._painter = Painter(width, height, erases=erases)
        self._out: list[str] = []
        self._held = ""
        self._within_frame = False

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self._canvas.width, self._canvas.height

    def resize(self, width: int, height: int) -> None:
        """Go over to a terminal of another size, or of which it is not known what it shows now."""
        self._canvas.resize(width, height)
        self.invalidate()

    def invalidate(self) -> None:
        """Paint everything again: somebody else wrote to the terminal."""
        self._painter.forget(*self.size)
        self._canvas.dirty = set(range(self._canvas.height))

    def feed(self, data: str) -> None:
        """Take what Textual writes; a sequence may be cut anywhere between two calls."""
        if self._held:
            data, self._held = self._held + data, ""
        # The last escape may be the end of a string that began with the one before.
        before_last = data.rfind("\x1b", 0, max(0, data.rfind("\x1b")))
        if unfinished := _UNFINISHED.search(data, max(0, before_last)):
            self._held = data[unfinished.start() :]
            data = data[: unfinished.start()]
        canvas = self._canvas
        parts = _PLACE.split(data)
        self._piece(parts[0])
        for index in range(1, len(parts), 3):
            canvas.move(int(parts[index + 1]) - 1, int(parts[index]) - 1)
            self._piece(parts[index + 2])

    def take(self) -> str:
        """Return what is to be written now; nothing while a picture is incomplete, but for sequences passed on."""
        if not self._within_frame:
            self._out.append(self._painter.paint(self._canvas))
        text = "".join(self._out)
        self._out.clear()
        return text

    def _piece(self, piece: str) -> None:
        """Take what stands between two places: nearly always styled text and perhaps the end of a line."""
        if not piece:
            return
        strip = piece[:-1] if piece[-1] == "\n" else piece
        run = strip_cells(strip, self._canvas.style) if self._canvas.placed else None
        if run is None:
            self._anything(piece)
            return
        self._canvas.put(run.cells)
        self._canvas.style = run.style
        if strip is not piece:
            self._control("\n")

    def _anything(self, text: str) -> None:
        start = 0
        for token in _TOKEN.finditer(text):
            self._text(text[start : token.start()])
            start = token.end()
            kinds = token.groupdict()
            if kinds["final"]:
                self._csi(token.group(), kinds["parameters"], kinds["between"], kinds["final"])
            elif kinds["osc"] is not None:
                self._osc(token.group(), kinds["osc"])
            elif kinds["control"]:
                self._control(kinds["control"])
            elif token.group()[1] in "PX^_=>":  # strings for the terminal, and the keypad's modes
                self._out.append(token.group())
            else:
                self._unknown(token.group())
        self._text(text[start:])

    def _text(self, text: str) -> None:
        style = self._canvas.style
        if self._canvas.placed:
            self._canvas.put(text_cells(text.replace("\x1b", ""), style))
        elif text:  # somewhere: the terminal knows where
            self._out.append(f"{change(PLAIN, style)}{text}{change(style, PLAIN)}")

    def _csi(self, sequence: str, parameters: str, between: str, final: str) -> None:
        canvas = self._canvas
        if between or parameters[:1] in ("<", "=", ">"):
            self._out.append(sequence)  # key protocols, cursor shapes, questions about modes
        elif parameters[:1] == "?":
            self._mode(sequence, parameters[1:], final)
        elif final == "m":
            canvas.style = applied(canvas.style, parameters)
        elif final in STEPS and canvas.placed and (not parameters or parameters.isdecimal()):
            columns, rows = STEPS[final]
            count = int(parameters or "1") or 1
            canvas.move(canvas.x + columns * count, canvas.y + rows * count)
        elif final in "Hf":
            row, _, column = parameters.partition(";")
            canvas.move(int(column or "1") - 1, int(row or "1") - 1)
        elif final == "n":  # asks where the cursor is: that has to be true
            self._out.append(self._painter.paint(canvas))
            self._out.append(sequence)
        elif final in "ct":
            self._out.append(sequence)
        else:
            self._unknown(sequence)

    def _mode(self, sequence: str, parameters: str, final: str) -> None:
        modes = set(parameters.split(";"))
        if final not in "hl":
            self._out.append(sequence)
        elif modes & ALTERNATE:
            self._unknown(sequence)
        elif SYNC in modes:
            self._within_frame = final == "h"
            self._painter.synchronized = True
        else:
            if CURSOR in modes:
                self._painter.cursor_visible = final == "h"
            self._out.append(sequence)

    def _osc(self, sequence: str, body: str) -> None:
        if body.startswith("8;"):
            self._canvas.style = linked(self._canvas.style, body[2:])
        else:
            self._out.append(sequence)

    def _control(self, control: str) -> None:
        canvas = self._canvas
        if control in HARMLESS_CONTROLS or (not canvas.placed and control in MOVING_CONTROLS):
            self._out.append(control)
        elif control == "\n" and canvas.y + 1 < canvas.height:
            canvas.move(0, canvas.y + 1)  # the terminal's line discipline adds the carriage return
        elif control == "\r":
            canvas.move(0, canvas.y)
        elif control == "\b":
            canvas.move(canvas.x - 1, canvas.y)
        else:
            self._unknown(control)

    def _unknown(self, sequence: str) -> None:
        """Pass on what may do anything to the screen: all is painted before it, and nothing is known after it."""
        self._out.append(self._painter.paint(self._canvas))
        self._out.append(sequence)
        self._canvas.forget()
        self._painter.forget(*self.size)

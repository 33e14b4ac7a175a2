"""What a command prints: data to standard output, messages to standard error."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from typing import Any, Final, TextIO

from services.errors import PailError
from services.names import display_name

BUFFER_BYTES: Final = 64 * 1024
"""Bytes of lines that are gathered before they are written."""


class OutputClosed(Exception):
    """Whoever read our output has gone; the command ends quietly."""


class OutputFailed(PailError):
    """Standard output cannot be written, for instance because its disk is full."""

    reason = "output-failed"


class Output:
    """Standard output and standard error of a command."""

    def __init__(self, *, json_records: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json = json_records
        """Whether data are NDJSON records."""
        self.quiet = quiet
        """Whether messages other than errors are left out."""
        self.verbose = verbose
        """Whether further messages and tracebacks are printed."""
        self.is_terminal = sys.stdout.isatty()
        """Whether a person reads standard output."""
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def name(self, name: str) -> str:
        """Return a name for standard output: raw into a pipe, made safe for a terminal."""
        return display_name(name) if self.is_terminal else name

    def line(self, text: str) -> None:
        """Print one line of data; names in it have passed `name`."""
        self._gather(encode(text + "\n", sys.stdout, raw=not self.is_terminal))

    def text(self, lines: str) -> None:
        """Print many lines of data at once; names in them have passed `name`."""
        if lines:
            self._gather(encode(lines, sys.stdout, raw=not self.is_terminal))
            self.flush()

    def record(self, kind: str, **fields: Any) -> None:
        """Print one JSON record."""
        self._gather(to_json(kind, fields))

    def message(self, text: str) -> None:
        """Print a line for a person to standard error; names in it have passed `display_name`."""
        if not self.quiet:
            write_error(text + "\n")

    def detail(self, text: str) -> None:
        """Print a line to standard error where `-v` asks for it."""
        if self.verbose:
            write_error(text + "\n")

    def write(self, data: bytes | memoryview) -> None:
        """Write raw bytes to standard output at once."""
        self.flush()
        _write_all(sys.stdout, data)

    def flush(self) -> None:
        """Write what was gathered.

        Raises `OutputClosed` where nobody reads any more, `OutputFailed` where it cannot be written.
        """
        if self._pending:
            data = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            _write_all(sys.stdout, data)

    def _gather(self, data: bytes) -> None:
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self.is_terminal or self._pending_bytes >= BUFFER_BYTES:
            self.flush()


def to_json(kind: str, fields: dict[str, Any]) -> bytes:
    """Return one NDJSON record: ASCII-escaped, so that any name is valid in it."""
    return json.dumps({"kind": kind, **fields}, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def encode(text: str, stream: TextIO, *, raw: bool) -> bytes:
    """Encode a line: UTF-8 with undecodable bytes as they were (`raw`), else what the terminal's locale can show."""
    if raw:
        return text.encode("utf-8", "surrogateescape")
    return text.encode(stream.encoding or "ascii", "backslashreplace")


def write_error(text: str) -> None:
    """Write to standard error at once; where nobody reads it, the text is dropped."""
    try:
        _write_all(sys.stderr, encode(text, sys.stderr, raw=False))
    except (OutputClosed, OutputFailed):
        # There is no third stream to complain on; the exit code still tells.
        return


def _write_all(stream: TextIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    descriptor = stream.fileno()
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            raise OutputClosed from None
        except BlockingIOError:
            _wait_writable(descriptor)
        except OSError as error:
            if error.errno == errno.EIO and stream.isatty():
                raise OutputClosed from None
            raise OutputFailed(
                f"cannot write the output: {error.strerror}", remedy="Make room, or send the output elsewhere."
            ) from error


def _wait_writable(descriptor: int) -> None:
    """Wait until a descriptor that somebody made non-blocking takes bytes again."""
    import select  # only for inherited non-blocking descriptors

    select.select([], [descriptor], [])


def report(error: PailError, *, json_records: bool, verbose: bool = False, code: int | None = None) -> None:
    """Print an error: a line that says what failed and why, a line that says what to do.

    `code` is the exit code, where it is not the error's own.
    """
    if verbose:
        write_error("".join(traceback.format_exception(error)))
    if json_records:
        fields = {
            "error": error.message,
            "code": int(error.exit_code if code is None else code),
            "reason": error.reason,
            "url": error.url,
            "remedy": error.remedy,
        }
        write_error(to_json("error", fields).decode("ascii"))
        return
    lines = [f"pail: {one_line(error.message)}"]
    if error.remedy:
        lines.append(one_line(error.remedy))
    write_error("\n".join(lines) + "\n")


def one_line(text: str) -> str:
    """Return a message on one line without control characters, whatever was quoted in it."""
    return "".join(char if char.isprintable() or char == " " else ascii(char)[1:-1] for char in " ".join(text.split()))


def internal_error(error: BaseException) -> PailError:
    """Describe a failure that nobody foresaw."""
    text = one_line(f"{type(error).__name__}: {error}")
    wrapped = PailError(f"internal error: {text}", remedy="This is a bug in Pail; run it again with -v to see where.")
    wrapped.__cause__ = error
    return wrapped

"""The command line at a terminal: what is shown, asked and drawn there."""

from __future__ import annotations

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Pail

Put = Callable[..., None]


class Terminal:
    """A command on a pseudo-terminal of its own."""

    def __init__(self, pail: Pail, *words: str, columns: int = 80, cwd: Path | None = None) -> None:
        self.primary, secondary = pty.openpty()
        ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            pail.command(*words),
            env=pail.environment,
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            cwd=cwd or pail.home,
            start_new_session=True,
        )
        os.close(secondary)
        self.seen = b""

    def read_until(self, text: bytes, seconds: float = 30.0) -> None:
        """Read until `text` was shown."""
        until = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < until, self.seen
            if not self._read(0.1) and self.process.poll() is not None and not self._read(0.1):
                pytest.fail(f"it ended without {text!r}: {self.seen!r}")

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.primary, text.encode())

    def end(self) -> tuple[int, bytes]:
        """Return the exit code and everything that was shown."""
        while self.process.poll() is None:
            self._read(0.1)
        while self._read(0.0):
            pass
        os.close(self.primary)
        return self.process.returncode, self.seen

    def _read(self, seconds: float) -> bool:
        if not select.select([self.primary], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.primary, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += piece
        return bool(piece)


@pytest.fixture
def bucket(pail: Pail, put: Put) -> str:
    put("bucket")
    return "gs://bucket"


def test_names_are_made_safe_and_stay_distinct(pail: Pail, put: Put, bucket: str) -> None:
    for name in hostile.ALL:
        put("bucket", name)
    for words in (("ls", "-r"), ("ls", "-r", "-l"), ("stat",), ("versions",), ("-q", "find"), ("-q", "find", "-l")):
        target = f"{bucket}/**" if words == ("stat",) else bucket
        code, shown = Terminal(pail, *words, target).end()
        assert code == 0
        text = shown.decode()
        assert all(char.isprintable() or char in "\r\n" for char in text), words
        urls = {
            line[line.index("gs://") :] for line in text.splitlines() if line.lstrip(" 0123456789").find("gs://") >= 0
        }
        assert len(urls) == len(hostile.ALL)


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 0), ("n", 2, 2), ("", 2, 2)])
def test_rm_by_glob_asks(pail: Pail, put: Put, bucket: str, answer: str, code: int, left: int) -> None:
    put("bucket", "a1")
    put("bucket", "a2")
    terminal = Terminal(pail, "rm", f"{bucket}/a*")
    terminal.read_until(b"Delete 2 objects matching gs://bucket/a*? [y/N] ")
    terminal.type(f"{answer}\n")
    assert terminal.end()[0] == code
    assert len(pail("ls", bucket).lines) == left


@pytest.mark.parametrize(("answer", "code"), [("bucket", 0), ("other", 2), ("y", 2)])
def test_rb_all_wants_the_name_of_the_bucket(pail: Pail, put: Put, bucket: str, answer: str, code: int) -> None:
    put("bucket", "a1", b"12345")
    terminal = Terminal(pail, "rb", "--all", bucket)
    terminal.read_until(b"1 object (5 B)")
    terminal.read_until(b"Type bucket to go on: ")
    terminal.type(f"{answer}\n")
    assert terminal.end()[0] == code
    pail("ls", bucket, code=0 if code else 3)


def test_ctrl_c_at_a_question_does_nothing(pail: Pail, put: Put, bucket: str) -> None:
    put("bucket", "a1")
    terminal = Terminal(pail, "rm", f"{bucket}/a*")
    terminal.read_until(b"[y/N] ")
    os.killpg(terminal.process.pid, 2)
    assert terminal.end()[0] == 130
    assert pail("ls", bucket).lines == [f"{bucket}/a1"]


@pytest.mark.parametrize("columns", [80, 20])
def test_progress_stays_within_the_width_and_is_wiped(pail: Pail, bucket: str, tmp_path: Path, columns: int) -> None:
    (tmp_path / "big").write_bytes(bytes(12 << 20))
    words = ("cp", "--bandwidth", "8M", "big", f"{bucket}/big")
    code, shown = Terminal(pail, *words, columns=columns, cwd=tmp_path).end()
    assert code == 0
    drawn = [part.partition(b"\x1b[K")[0] for part in shown.split(b"\r") if b"\x1b[K" in part]
    assert any(b"0/1" in part for part in drawn)
    assert all(len(part) < columns for part in drawn)
    assert shown.rpartition(b"\x1b[K")[2].startswith(b"Uploaded ")


def test_quiet_draws_and_says_nothing(pail: Pail, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    assert Terminal(pail, "cp", "-q", "f", f"{bucket}/f", cwd=tmp_path).end() == (0, b"")


def test_a_message_quotes_no_raw_name(pail: Pail, bucket: str) -> None:
    code, shown = Terminal(pail, "cat", f"{bucket}/\x1b]0;x\x07").end()
    assert code == 4
    assert b"\x1b" not in shown
    assert b"\\x1b]0;x\\x07" in shown


def test_a_person_reads_what_may_be_done_with_a_bucket(pail: Pail, put: Put, bucket: str) -> None:
    code, shown = Terminal(pail, "buckets").end()
    assert code == 0
    assert shown == b"  gs://bucket  (read/write)\r\n"


@pytest.mark.parametrize(("answer", "code", "public"), [("y", 0, 1), ("", 2, 0)])
def test_public_access_is_asked_for(pail: Pail, put: Put, bucket: str, answer: str, code: int, public: int) -> None:
    pail("settings", bucket, "public-access=inherited")
    terminal = Terminal(pail, "access", bucket, "grant", "public", "viewer")
    terminal.read_until(b"Everyone on the internet will be able to read every object. Grant it? [y/N] ")
    terminal.type(f"{answer}\n")
    assert terminal.end()[0] == code
    granted = [record for record in pail("--json", "access", bucket).records if record.get("public")]
    assert len(granted) == public


def test_restoring_and_counting_show_no_raw_names(pail: Pail, put: Put, bucket: str) -> None:
    for name in hostile.ALL:
        put("bucket", f"d/{name}/x", b"1")
    pail("rm", "-r", f"{bucket}/d/")
    for words in (("restore", "-r"), ("du", "-q"), ("usage", "-q", "--by", "folder")):
        code, shown = Terminal(pail, *words, f"{bucket}/d/").end()
        assert code == 0, shown
        # What a slow command draws of its progress ends by erasing the rest of the line.
        text = shown.decode().replace("\x1b[K", "")
        assert all(char.isprintable() or char in "\r\n" for char in text), words

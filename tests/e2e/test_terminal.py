"""The real program on terminals that are stopped, resized, slow, or do not read at all."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from tests.e2e.conftest import Pail, wait_for
from tests.e2e.terminal import Terminal

Put = Callable[..., None]

SETTINGS = {
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "COLORTERM": "truecolor",
    "NO_GCE_CHECK": "true",
    # Textual itself trips over a warning of asyncio's while it ends: only our own tests are strict.
    "PYTHONWARNINGS": "default",
}


@pytest.fixture(autouse=True)
def no_worker_left(pail: Pail) -> Iterator[None]:
    yield
    stop = pail.command("worker", "stop", connected=False)
    subprocess.run(stop, env=pail.environment, capture_output=True, check=False)


@pytest.fixture
def rows(put: Put) -> str:
    """Return the URL of a bucket with some rows."""
    put("rows-bucket")
    for number in range(30):
        put("rows-bucket", f"row-{number:02}.txt", b"x")
    return "gs://rows-bucket"


class Line:
    """The program on a pseudo-terminal, which is read only when the test wants it."""

    def __init__(self, command: list[str], environment: dict[str, str], width: int = 120, height: int = 40) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.written = b""
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)

    def read(self) -> bool:
        """Take what is there; tells whether something was."""
        if not select.select([self.terminal], [], [], 0.05)[0]:
            return False
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # it has ended
            return False
        self.written += data
        # pyte takes the sequences of the key protocol for text.
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-z]", b"", data))
        return bool(data)

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def until(self, condition: Callable[[], object]) -> None:
        def look() -> object:
            self.read()
            return condition()

        wait_for(look)

    def see(self, *texts: str) -> None:
        self.until(lambda: all(text in self.text() for text in texts))

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def ended(self) -> int:
        """Return the exit code, once it has ended by itself; nothing is read meanwhile."""
        found: list[int] = []

        def look() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                found.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        wait_for(look)
        self.pid = 0
        return found[0]

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


@pytest.fixture
def open_line() -> Iterator[Callable[..., Line]]:
    opened: list[Line] = []

    def start(*arguments: object, **settings: int) -> Line:
        opened.append(Line(*arguments, **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for line in opened:
        line.close()


def test_keys_count_while_the_terminal_does_not_read(pail: Pail, rows: str, open_line: Callable[..., Line]) -> None:
    line = open_line(pail.command(rows), pail.environment | SETTINGS)
    line.see("row-00.txt", "Upload")
    for _ in range(40):  # much more than the kernel holds for a terminal
        line.press("1234")
        time.sleep(0.005)
    line.press("1q")
    assert line.ended() == 0, "q was answered, though nothing that was painted before it could be written"


def test_a_terminal_that_reads_again_gets_the_newest_picture(
    pail: Pail, rows: str, open_line: Callable[..., Line]
) -> None:
    line = open_line(pail.command(rows), pail.environment | SETTINGS)
    line.see("row-00.txt", "Upload")
    for _ in range(20):
        line.press("1234")
        time.sleep(0.005)
    line.press("1\x1b[F")
    line.until(lambda: line.text().count("row-29.txt") >= 2)  # in the list, and as the name in the details
    assert b"Traceback" not in line.written


def test_a_signal_ends_it_though_the_terminal_does_not_read(
    pail: Pail, rows: str, open_line: Callable[..., Line]
) -> None:
    line = open_line(pail.command(rows), pail.environment | SETTINGS)
    line.see("row-00.txt", "Upload")
    for _ in range(40):
        line.press("1234")
        time.sleep(0.005)
    os.kill(line.pid, signal.SIGTERM)
    assert line.ended() == 128 + signal.SIGTERM


def test_the_first_picture_comes_before_settings_credentials_and_the_network(
    pail: Pail, rows: str, open_line: Callable[..., Line]
) -> None:
    # Python tells of each import on the stream that the screen is written to: the order is that of the bytes.
    command = pail.command(rows)
    line = open_line([command[0], "-X", "importtime", *command[1:]], pail.environment | SETTINGS)
    line.until(lambda: b"row-00.txt" in line.written)
    first, painted, rest = line.written.partition(b"Looking for a way")
    assert painted
    before = re.findall(rb"\| +([\w.]+)", first)
    assert b"app.screens.opening" in before
    # Whatever asks the network stands on one of these.
    late = [b"services.gcs", b"services.probe", b"services.worker", b"services.credentials", b"services.config"]
    heavy = (b"google", b"requests", b"app.registry", *late)
    assert [name for name in before if name.startswith(heavy)] == []
    assert [name for name in late if name not in rest] == [], "they are imported in the end"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
class TestInTmux:
    @pytest.fixture
    def terminal(self, tmp_path: Path) -> Iterator[Terminal]:
        opened = Terminal(f"term-{os.getpid()}-{tmp_path.name[-12:]}", tmp_path)
        yield opened
        opened.close()

    def test_ctrl_z_gives_the_shell_the_terminal_and_fg_comes_back(
        self, pail: Pail, rows: str, terminal: Terminal
    ) -> None:
        shell = ["bash", "--norc", "--noprofile", "-i"]
        terminal.start(shell, pail.environment | SETTINGS | {"PS1": "ready> ", "PYTHONWARNINGS": "default"})
        terminal.see("ready>")
        terminal.keys("-l", shlex.join(pail.command(rows)))
        terminal.keys("Enter")
        terminal.see("row-00.txt", "Upload")
        terminal.keys("C-z")
        terminal.see("Stopped", "ready>")
        assert terminal.is_restored()
        terminal.keys("-l", "echo in the $((40 + 2)) shell")
        terminal.keys("Enter")
        terminal.see("in the 42 shell")
        terminal.keys("fg", "Enter")
        terminal.see("row-00.txt", "row-10.txt", "Upload")
        assert "42 shell" not in terminal.text()
        terminal.keys("End")
        terminal.see("row-29.txt")
        terminal.keys("q")
        terminal.see("in the 42 shell")
        assert terminal.is_restored()

    def test_a_storm_of_sizes_ends_in_a_whole_picture(self, pail: Pail, rows: str, terminal: Terminal) -> None:
        terminal.start(pail.command(rows), pail.environment | SETTINGS)
        terminal.see("row-00.txt", "Upload")
        for number in range(60):
            width, height = 20 + number * 37 % 140, 5 + number * 13 % 45
            terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
        terminal.tmux("resize-window", "-x", "20", "-y", "5")
        terminal.see("40 × 10")
        terminal.tmux("resize-window", "-x", "100", "-y", "30")
        terminal.see("row-00.txt", "row-20.txt", "Upload", "Address", "rows-bucket")
        terminal.keys("q")
        terminal.see("rc=0")
        assert "Traceback" not in terminal.text()

"""A real terminal for the real program: tmux, driven by keys and read as text."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 30.0
"""Seconds after which what is waited for counts as missing."""


@dataclass
class Terminal:
    """One tmux server with one window."""

    name: str
    folder: Path

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", *words], capture_output=True, check=False)
        return done.stdout.decode(errors="replace")

    def start(self, command: list[str], environment: Mapping[str, str], *, width: int = 80, height: int = 24) -> None:
        """Run a command in a window; its exit code is shown after it, and the window stays."""
        script = self.folder / f"{self.name}.sh"
        settings = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in environment.items())
        # The shell's own process id names the program, since it is replaced by it in a subshell.
        note = f"echo $BASHPID > {shlex.quote(str(self.pid_file))}; unset COLUMNS LINES"
        script.write_text(f"({settings}{note}; exec {shlex.join(command)})\necho rc=$?\nexec sleep 600\n")
        self.pid_file.unlink(missing_ok=True)
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), f"bash {shlex.quote(str(script))}")
        self.tmux("pipe-pane", "-O", f"cat >> {shlex.quote(str(self.raw))}")

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def raw(self) -> Path:
        """The file with every byte that the program wrote."""
        return self.folder / f"{self.name}.raw"

    @property
    def pid(self) -> int:
        """Process id of the program."""
        self.wait(lambda: self.pid_file.exists() and self.pid_file.read_text().strip())
        return int(self.pid_file.read_text())

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def text(self) -> str:
        """Return what stands on the screen."""
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def paste(self, text: str) -> None:
        self.tmux("set-buffer", text)
        self.tmux("paste-buffer", "-p")

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; on the screen:\n{self.text()}"
            time.sleep(0.05)

    def see(self, *texts: str) -> None:
        """Wait until all of `texts` stand on the screen."""
        self.wait(lambda: all(text in self.text() for text in texts))

    def is_restored(self) -> bool:
        """Tell whether the program has left the alternate screen and shows the cursor."""
        return self.tmux("display", "-p", "#{alternate_on}#{cursor_flag}#{mouse_any_flag}").strip() == "010"

    def close(self) -> None:
        self.tmux("kill-server")

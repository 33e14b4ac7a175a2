"""The screen as it is installed: started, driven, killed, in a real terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.e2e.conftest import Pail
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")

Put = Callable[..., None]
MIB = 1024 * 1024


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    opened: list[Terminal] = []

    def make() -> Terminal:
        terminal = Terminal(f"pail-{os.getpid()}-{len(opened)}-{tmp_path.name[-12:]}", tmp_path)
        opened.append(terminal)
        return terminal

    yield make
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(terminals: Callable[[], Terminal]) -> Terminal:
    return terminals()


@pytest.fixture(autouse=True)
def no_worker_left(pail: Pail) -> Iterator[None]:
    yield
    subprocess.run(
        pail.command("worker", "stop", connected=False), env=pail.environment, capture_output=True, check=False
    )


def screen(pail: Pail, *words: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    settings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor", "NO_GCE_CHECK": "true"}
    # Textual itself trips over a warning of asyncio's while it ends: only our own tests are strict.
    return pail.command(*words), {**pail.environment, **settings, "PYTHONWARNINGS": "default", **environment}


def test_lists_helps_and_quits_with_0(pail: Pail, put: Put, terminal: Terminal) -> None:
    put("seen-bucket")
    put("seen-bucket", "hello-object.txt", b"hi")
    terminal.start(*screen(pail, "gs://seen-bucket"))
    terminal.see("seen-bucket", "hello-object.txt")
    terminal.keys("?")
    terminal.see("Help: keys and commands")
    terminal.keys("Escape")
    terminal.wait(lambda: "Help: keys" not in terminal.text())
    terminal.keys("F10")
    terminal.see("rc=0")
    assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_restores_the_terminal(pail: Pail, put: Put, terminal: Terminal, number: signal.Signals) -> None:
    put("sig-bucket")
    terminal.start(*screen(pail, "gs://sig-bucket"))
    terminal.see("This bucket is empty")
    terminal.kill(number)
    terminal.see(f"rc={128 + number}")
    assert terminal.is_restored()
    assert "Traceback" not in terminal.text()


def test_a_terminal_that_vanishes_ends_the_screen(pail: Pail, put: Put, terminal: Terminal) -> None:
    put("gone-bucket")
    terminal.start(*screen(pail, "gs://gone-bucket"))
    terminal.see("This bucket is empty")
    pid = terminal.pid
    terminal.close()
    terminal.wait(lambda: not Path(f"/proc/{pid}").exists())


def test_without_credentials_one_key_leads_to_the_store_on_this_machine(pail: Pail, terminal: Terminal) -> None:
    command, environment = screen(pail)
    terminal.start(pail.command(connected=False), environment)
    terminal.see("Pail found no way into Google Cloud Storage yet", "gcloud auth")
    terminal.see("Work in a store on this machine", "c copies the command")
    terminal.keys("Enter")
    terminal.see("No bucket is open", "local store")
    terminal.keys("b")
    terminal.see("Create new bucket")
    terminal.keys("Enter")
    terminal.see("Create a new bucket")
    terminal.keys("-l", "first-bucket")
    terminal.keys("Enter")
    terminal.see("This bucket is empty", "first-bucket")
    assert command


@pytest.mark.parametrize("words", [(), ("gs://some-bucket",)])
def test_without_a_terminal_one_line_and_exit_2(pail: Pail, words: tuple[str, ...]) -> None:
    result = pail(*words, code=2)
    assert result.out == ""
    assert "\x1b" not in result.err
    assert len(result.err.strip().splitlines()) <= 2


def test_a_dumb_terminal_gets_one_line_and_exit_2(pail: Pail, terminal: Terminal) -> None:
    terminal.start(*screen(pail, TERM="dumb"))
    terminal.see("rc=2", "terminal")
    assert b"\x1b" not in terminal.raw.read_bytes()


def test_an_idle_screen_writes_nothing(pail: Pail, put: Put, terminal: Terminal) -> None:
    put("idle-bucket")
    put("idle-bucket", "a.txt", b"x")
    terminal.start(*screen(pail, "gs://idle-bucket"), width=120, height=40)
    terminal.see("a.txt", "read/write")
    sizes: list[int] = []

    def quiet() -> bool:
        sizes.append(terminal.raw.stat().st_size)
        # Two seconds of looking every 50 ms: longer than any period in which something would be drawn.
        return len(sizes) > 40 and len(set(sizes[-40:])) == 1

    terminal.wait(quiet)


@pytest.mark.parametrize(("words", "ssh"), [(["--low-bandwidth"], ""), ([], "192.0.2.1 5 192.0.2.2 22"), ([], "")])
def test_a_thin_line_gets_no_reports_of_moves_and_short_colours(
    pail: Pail, put: Put, terminal: Terminal, words: list[str], ssh: str
) -> None:
    put("one-1")
    put("one-1", "a", b"1")
    command, environment = screen(pail, "gs://one-1")
    terminal.start([*command, *words], {**environment, "SSH_CONNECTION": ssh})
    terminal.see("a ", "just now")
    thin = bool(words or ssh)
    assert terminal.tmux("display", "-p", "#{mouse_all_flag}#{mouse_button_flag}").strip() == ("01" if thin else "10")
    assert (b"38;2;" in terminal.raw.read_bytes()) is not bool(words), "the 16 colours only where they were asked for"
    terminal.keys("q")
    terminal.wait(terminal.is_restored)


def test_the_pager_gets_the_terminal_and_its_keys_and_the_screen_comes_back(
    pail: Pail, put: Put, terminal: Terminal
) -> None:
    put("one-1")
    put("one-1", "notes.txt", b"".join(b"line %d\n" % number for number in range(500)))
    command, environment = screen(pail, "gs://one-1")
    terminal.start(command, {**environment, "PAGER": "less", "LESS": ""})
    terminal.see("notes.txt", "just now")
    terminal.keys("o")
    terminal.see("line 0", "line 9")
    terminal.keys("C-c")
    terminal.keys("G")
    terminal.see("line 499")
    terminal.keys("q")
    terminal.see("notes.txt", "just now", "Upload")
    terminal.keys("q")
    terminal.see("rc=0")
    terminal.wait(terminal.is_restored)


def test_hostile_names_send_no_control_to_the_terminal(pail: Pail, put: Put, terminal: Terminal) -> None:
    put("evil-bucket")
    for name in ("a\x1b]52;c;ZXZpbA==\x07.txt", "b\x1b[2J.txt", "report [/final].csv", "[@click=app.quit]x"):
        put("evil-bucket", name, b"x")
    terminal.start(*screen(pail, "gs://evil-bucket"), width=120, height=30)
    terminal.see("a\\x1b]52;c;ZXZpbA==\\x07.txt", "b\\x1b[2J.txt", "report [/", "[@click=app.quit]x")
    terminal.keys("Down")
    terminal.see("gs://evil-bucket/")
    written = terminal.raw.read_bytes()
    assert b"\x1b]52;c;ZXZpbA==" not in written
    assert b"\x1b[2J.txt" not in written


def test_a_killed_screen_leaves_the_transfer_running_and_the_next_one_shows_it(
    store_factory: Callable[..., StoreServer], home: Path, terminals: Callable[[], Terminal], tmp_path: Path
) -> None:
    faults = Faults()
    store = store_factory(faults=faults)
    pail = Pail(home, ("--endpoint", store.endpoint))
    pail("mb", "gs://kept-bucket")
    data = os.urandom(24 * MIB)
    (tmp_path / "big.bin").write_bytes(data)
    faults.add(Fault("*", "latency", seconds=0.4, count=None))
    first = terminals()
    first.start(*screen(pail, "gs://kept-bucket"))
    first.see("This bucket is empty")
    first.paste(str(tmp_path / "big.bin"))
    first.see("Upload 1 pasted path?")
    first.keys("Enter")
    first.see("1 moving")
    first.kill(signal.SIGKILL)
    first.see("rc=137")

    second = terminals()
    second.start(*screen(pail, "gs://kept-bucket"))
    second.see("kept-bucket")
    second.keys("3")
    second.see("upload", "big.bin")
    faults.clear()
    second.see("done")
    second.keys("1")
    second.see("big.bin")
    assert pail("cat", "gs://kept-bucket/big.bin").raw == data
    second.keys("q")
    second.see("rc=0")


def test_a_worker_killed_in_a_move_of_a_folder_loses_nothing_and_the_move_goes_on(
    store_factory: Callable[..., StoreServer], home: Path, terminal: Terminal, tmp_path: Path
) -> None:
    faults = Faults()
    store = store_factory(faults=faults)
    pail = Pail(home, ("--endpoint", store.endpoint))
    pail("mb", "gs://moved-bucket")
    names = [f"{number:04}.txt" for number in range(1_000)]
    (tmp_path / "from").mkdir()
    for name in names:
        (tmp_path / "from" / name).write_text(name)
    pail("cp", "-r", str(tmp_path / "from"), "gs://moved-bucket/from/")
    # Some get through, the others wait: the worker is killed half-way, however fast it is.
    faults.add(Fault("batch", "latency", seconds=20, skip=3, count=None))

    def there(prefix: str) -> set[str]:
        listed = pail("ls", "-r", f"gs://moved-bucket/{prefix}/", code=None).out.splitlines()
        return {line.rsplit("/", 1)[1] for line in listed if line.endswith(".txt")}

    terminal.start(*screen(pail, "gs://moved-bucket"))
    terminal.see("from/")
    terminal.keys("r")
    # The line that edits the name has it without the slash: only then do keys go there.
    terminal.wait(lambda: "from/" not in terminal.text())
    terminal.keys("-l", "goal")
    terminal.see("goal")
    terminal.keys("Enter")
    terminal.see("1 moving")
    terminal.wait(lambda: bool(there("goal")))
    state = json.loads(pail("worker", "status", "--json").out)
    os.kill(state["pid"], signal.SIGKILL)
    old, new = there("from"), there("goal")
    assert old
    assert new
    assert old | new == set(names)
    faults.clear()
    terminal.wait(lambda: len(there("goal")) == len(names) and not there("from"))
    terminal.see("goal/")
    terminal.wait(lambda: "from/" not in terminal.text())

"""The end of a process: nothing that was printed and no thread is lost, however fast it goes."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import atexit, sys, threading
from app import __main__

def main():
    atexit.register(lambda: print("tidied"))
    threading.Thread(target=lambda: (done.wait(), print("written"))).start()
    atexit.register(lambda: print("later"))
    print("printed")
    done.set()
    {end}

done = threading.Event()
__main__.main = main
__main__.entry()
"""


def run(end: str) -> subprocess.CompletedProcess[str]:
    code = CODE.format(end=end)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_process_ends_with_its_code_once_all_is_written() -> None:
    done = run("return 3")
    assert (done.returncode, done.stderr) == (3, "")
    assert sorted(done.stdout.split()) == ["later", "printed", "tidied", "written"]


def test_what_nobody_caught_is_told() -> None:
    done = run("raise RuntimeError('broken')")
    assert done.returncode == 1
    assert "RuntimeError: broken" in done.stderr
    assert "tidied" in done.stdout

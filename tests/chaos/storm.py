"""Objects up, down, copied, moved and deleted through a storm: all bit-exact, and no step by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.bed import Command, Report, checksums_of, create_bucket, difference, make_tree, stored, tree_of
from tests.chaos.proxy import Proxy, Storm


@dataclass
class Outcome:
    """What a storm left behind."""

    problems: list[str] = field(default_factory=list)
    """What is not as it should be; empty after a good run."""
    requests: int = 0
    """Requests that were made."""
    spoilt: int = 0
    """Requests that were spoilt."""
    seconds: float = 0.0
    """How long it took."""


def ride(endpoint: str, folder: Path, storm: Storm, *, files: int, large: int, say: Report = print) -> Outcome:
    """Send `files` small objects and `large` ones of 20 MiB through every kind of job; returns what went wrong."""
    outcome = Outcome()
    began = time.monotonic()
    tree = folder / "tree"
    make_tree(tree, files, seed=storm.seed, large=large, large_size=20 << 20)
    create_bucket(endpoint, "here")
    create_bucket(endpoint, "there")
    wanted, sums = tree_of(tree), checksums_of(tree)
    with Proxy(endpoint, storm) as proxy:
        pail = Command(folder / "home", proxy.endpoint)

        def step(name: str, check: Callable[[], str], *words: str) -> None:
            start, before, bad = time.monotonic(), proxy.requests, proxy.struck.total()
            done = pail(*words)
            problem = check()
            if done.returncode:
                last = " | ".join(line for line in done.stderr.splitlines() if line.startswith("Failed"))[:900]
                problem = f"exit code {done.returncode}: {last}; {problem}"
            if problem:
                outcome.problems.append(f"{name}: {problem}")
            say(
                f"{name:9} {time.monotonic() - start:7.1f} s  {proxy.requests - before:7,} requests, "
                f"{proxy.struck.total() - bad:6,} spoilt  {problem or 'bit-exact'}"
            )

        def at(bucket: str, prefix: str) -> Callable[[], str]:
            return lambda: difference(sums, stored(endpoint, bucket, prefix))

        step("upload", at("here", "a/"), "cp", "-r", f"{tree}/", "gs://here/a")
        back = folder / "back"
        step("download", lambda: difference(wanted, tree_of(back)), "cp", "-r", "gs://here/a", str(back))
        step("copy", at("here", "b/"), "cp", "-r", "gs://here/a", "gs://here/b")
        step("copy 2", at("there", "c/"), "cp", "-r", "gs://here/b", "gs://there/c")
        step("move", at("here", "d/"), "mv", "-r", "gs://here/b", "gs://here/d")
        step("move 2", at("there", "e/"), "mv", "-r", "gs://here/d", "gs://there/e")
        gone = {"b/": "here", "d/": "here"}
        for prefix, bucket in gone.items():
            left = stored(endpoint, bucket, prefix)
            if left:
                outcome.problems.append(f"{len(left)} objects were left behind at {prefix}")
        step("delete", lambda: difference({}, stored(endpoint, "here", "a/")), "rm", "-r", "gs://here/a", "--yes")
        outcome.requests, outcome.spoilt = proxy.requests, proxy.struck.total()
        say(f"spoilt: {dict(sorted(proxy.struck.items()))}")
    outcome.seconds = time.monotonic() - began
    return outcome

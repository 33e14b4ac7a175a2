"""What `pail sync` says: records or sentences, and on a terminal a line with where it stands."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from app.cli.live import LiveLine
from app.cli.output import Output, one_line, report, write_error
from app.cli.several import error_for, exit_code
from app.cli.units import rfc3339
from services.errors import ExitCode, PailError, SomeFailed
from services.names import GsUrl, display_name, local_path
from services.sync.apply import Item
from services.sync.controller import Phase, Result
from services.sync.pair import Pair
from services.sync.status import LineView, PassView
from services.sync.words import line_of, line_of_item, trouble_of
from widgets import formats

VERBS: Final = {
    "upload": "Uploaded",
    "download": "Downloaded",
    "conflict": "Kept both",
    "move": "Moved",
    "delete": "Deleted",
    "delete-local": "Deleted here",
}
"""What is said of an action that is done, by its stable word."""


class Teller:
    """Says what a sync does."""

    def __init__(self, output: Output, pair: Pair, *, watch: bool) -> None:
        self._output = output
        self._pair = pair
        self._watch = watch
        self._live = LiveLine(output)
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self._said: tuple[Phase, str] | None = None
        self._started = time.monotonic()

    def phase(self, phase: Phase, why: str) -> None:
        """Say where it stands."""
        self._live.show(f"{phase}{': ' if why else ''}{why}")
        if not self._watch or self._said == (phase, why):
            return
        self._said = (phase, why)
        if self._output.json:
            self._output.record("state", time=rfc3339(time.time()), phase=phase, reason=why)
            self._output.flush()
        elif phase in ("watching", "waiting", "halted"):
            self._say(f"{phase}{': ' if why else ''}{why}")

    def notice(self, text: str) -> None:
        """Say something that is not about one item."""
        if self._output.json:
            self._output.record("notice", time=rfc3339(time.time()), message=text)
        self._say(text)

    def item(self, item: Item) -> None:
        """Take in one action that has ended."""
        if item.state != "later":
            self._tell(line_of_item(item))
            if self._watch:
                self._output.flush()

    def _tell(self, line: LineView) -> None:
        source, target = self._places(line)
        self._counts[line.state] += 1
        if line.state != "failed":
            self._counts[line.action] += 1
        if line.state == "done":
            self._bytes += line.size
        if self._output.json:
            self._output.record(
                "item",
                action=line.action,
                source=source,
                target=target,
                size=line.size,
                generation=line.generation,
                crc32c=line.crc32c,
                state=line.state,
                reason=line.reason,
            )
        elif line.state == "failed" or not self._output.quiet:
            way = display_name(source) + (f" -> {display_name(target)}" if target else "")
            start = {"done": VERBS[line.action], "failed": f"Failed to {line.action}"}
            reason = f": {one_line(line.reason)}" if line.reason else ""
            self._say(f"{start.get(line.state, f'Would {line.action}')} {way}{reason}")

    def _say(self, text: str) -> None:
        self._live.clear()
        stamp = f"{rfc3339(time.time())} " if self._watch else ""
        write_error(f"{stamp}{one_line(text)}\n")

    def _places(self, line: LineView) -> tuple[str, str]:
        """Return where an action takes something from, and where to."""
        here, there = self._here(line.key), self._there(line.key)
        match line.action:
            case "upload":
                return here, there
            case "download":
                return there, here
            case "conflict":
                return here, self._here(line.copy)
            case "move":
                return self._there(line.source), there
        return (there if line.action == "delete" else here), ""

    def _there(self, key: str) -> str:
        return str(GsUrl(self._pair.bucket, self._pair.prefix + key))

    def _here(self, key: str) -> str:
        return f"{self._pair.root}/{local_path(key.rstrip('/'))}" + ("/" if key.endswith("/") else "")

    def finish(self, result: Result, *, dry_run: bool) -> int:
        """Print the summary of a pass of this process; returns the exit code, raises what ended it early."""
        lines = [line_of(action) for action in result.plan.work] if dry_run else []
        for line in lines:
            self._tell(line)
        failures = [item.error for item in result.items if item.error is not None]
        troubles = tuple(trouble_of(problem) for problem in result.problems)
        done = PassView(tuple(lines), troubles, result.ignored, again=result.again and not dry_run)
        return self._end(done, failures, len(result.items), result.stopped)

    def finish_for(self, done: PassView, *, dry_run: bool) -> int:
        """Print what a pass came to that another process made; returns the exit code."""
        for line in done.lines:
            self._tell(line)
        failures = [
            error_for(line.fault, line.reason, line.remedy, self._there(line.key))
            for line in done.lines
            if line.state == "failed"
        ]
        return self._end(done, failures, 0 if dry_run else len(done.lines), None)

    def _end(self, done: PassView, failures: list[PailError], total: int, stopped: PailError | None) -> int:
        self._live.clear()
        self._tell_troubles(done)
        self._summarise(done)
        if stopped is not None:
            raise stopped
        if done.again:
            failures.append(SomeFailed("some files keep changing", remedy="Run it again once they are at rest."))
            total += 1
        if not failures:
            return ExitCode.OK
        if total == 1:
            raise failures[0]
        code = exit_code([error.exit_code for error in failures], total=total)
        failed = SomeFailed(
            f"{len(failures)} of {formats.count(total, 'item')} failed",
            remedy=failures[0].remedy or "What is done stays done; run it again for the rest.",
        )
        report(failed, json_records=self._output.json, code=code)
        return code

    def _tell_troubles(self, done: PassView) -> None:
        for trouble in done.troubles:
            if self._output.json:
                self._output.record(
                    "item", action="skip", source=trouble.key, target="", size=0, generation="", crc32c="",
                    state="done", reason=trouble.reason,
                )  # fmt: skip
            else:
                self._output.message(f"Left alone: {one_line(trouble.reason)}")

    def _summarise(self, done: PassView) -> None:
        seconds = time.monotonic() - self._started
        left = {"skipped": len(done.troubles), "ignored": done.ignored}
        if self._output.json:
            self._output.record("summary", **self._counts, **left, bytes=self._bytes, seconds=round(seconds, 3))
            self._output.flush()
            return
        counts = {name: self._counts[name] for name in ("done", "planned", "failed")}
        counts |= {"conflicts": self._counts["conflict"], "left alone": left["skipped"], "ignored": left["ignored"]}
        named = listed((count, name) for name, count in counts.items())
        self._output.message(f"{named or 'nothing to do'}; {formats.size(self._bytes)} in {formats.duration(seconds)}")


def listed(counts: Iterable[tuple[int, str]]) -> str:
    """Return counts in words, without those that are 0: `3 upload, 1 delete`."""
    return ", ".join(f"{count:,} {name}" for count, name in counts if count)

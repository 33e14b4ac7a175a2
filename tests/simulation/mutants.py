"""Broken variants of the engine, each of which the proofs must catch: `python -m tests.simulation.mutants [NAME …]`.

A variant is a change of a line or two in the source, made in memory only.  Text that is not found, or found twice, is
an error: a variant that changes nothing proves nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.simulation.world import run

MOST_SEEDS: Final = 120
"""Worlds within which a variant has to be caught."""

ROUNDS: Final = 8


@dataclass(frozen=True)
class Mutant:
    """One way to break the engine."""

    name: str
    changes: tuple[tuple[str, str, str], ...]
    """Modules below `services`, the text in each and what it becomes."""
    seed: int = 1
    """First world to try: where it shows soon."""
    tests: str = ""
    """Tests that catch it, where it is nothing that a world can show."""


def _one(name: str, module: str, old: str, new: str, seed: int = 1, tests: str = "") -> Mutant:
    return Mutant(name, ((module, old, new),), seed, tests)


MUTANTS: Final = (
    _one("upload without a precondition", "sync.upload",
         "precondition=Precondition(generation=self._seen)", "precondition=Precondition()"),
    _one("delete without a precondition", "sync.move",
         "name, precondition=Precondition(generation=generation)", "name, precondition=Precondition()"),
    _one("move over whatever is there", "sync.move",
         "info = await data.move(bucket, source, remote.generation, target, precondition=CREATE_ONLY)",
         "info = await data.move(bucket, source, remote.generation, target, precondition=Precondition())", seed=38),
    _one("412 taken as success", "sync.move",
         "return info if info.metadata.get(NONCE_KEY) == nonce else None", "return info"),
    _one("412 answered by a blind retry", "sync.upload",
         "            if own is None:\n                raise\n",
         "            if own is None:\n"
         "                self._reading._offset, self._reading.crc = 0, Crc32c()\n"
         "                own = await write_object(road.prefix.data, road.prefix.url(self._key), self._reading.take,\n"
         "                    attributes=attributes, precondition=Precondition(), sleep=road.sleep)\n"),
    Mutant("lost answers are not looked up", (
        ("sync.move", "return info if info.metadata.get(NONCE_KEY) == nonce else None", "return None"),
        ("sync.recover", "if info.metadata.get(NONCE_KEY) != intent.nonce:", "if True:"),
        ("transfer.pipe", "return info if ours and info.crc32c == crc32c else None", "return None")), seed=44),
    Mutant("a listing is trusted about what is gone", (
        ("sync.doubt", "        if not doubtful:\n            return plan", "        return plan"),
        ("sync.apply", "or local.signature is None or await mover.prefix.stat(action.key) is not None:",
         "or local.signature is None:")), seed=10),
    _one("what a listing lacks is forgotten", "sync.doubt",
         'return action.kind == "forget" and action.remote is None and action.local is None', "return False", seed=12),
    Mutant("a listing of the past makes a conflict", (
        ("sync.move", "if there is None or there.generation != remote.generation:", "if False:"),
        ("sync.doubt", "entries[key][0] < base[key].generation]", "False]")),
        tests="tests/services/sync/test_found.py::test_hazard_24_a_listing_of_the_past_makes_up_no_conflict"),
    _one("what a listing of the past says is agreed on", "sync.doubt",
         "entries[key][0] < base[key].generation]", "False]",
         tests="tests/services/sync/test_found.py::test_hazard_24_what_a_listing_of_the_past_says_is_not_agreed_on"),
    _one("stat after the upload instead of before", "sync.move",
         "return BaseEntry(lasting, info.size", "return BaseEntry(self.disk.look(action.key), info.size", seed=14),
    _one("fresh signatures are trusted", "sync.disk",
         "return None if is_fresh(signature.mtime_ns, now) or is_fresh(signature.ctime_ns, now) else signature",
         "return signature",
         tests="tests/services/sync/test_found.py::test_hazard_10_an_edit_in_the_tick_in_which_a_file_was_read_is_found_later"),
    _one("a fresh download is trusted", "sync.disk",
         "return Placed(after, not hidden and after[:3] == before[:3], kept)", "return Placed(after, True, kept)",
         tests="tests/services/sync/test_disk.py::test_a_download_without_a_time_of_its_own_is_not_relied_on"),
    _one("the ctime does not count", "sync.reconcile",
         "agreed.signature is None or agreed.signature != entry.signature:",
         "agreed.signature is None or agreed.signature[:3] != (entry.signature or ())[:3]:"),
    _one("the base is written before the download is verified", "sync.apply",
         "        nonce = self._nonces[action.key]\n",
         "        nonce = self._nonces[action.key]\n"
         "        if action.kind == 'download' and action.remote is not None:\n"
         "            there = action.remote\n"
         "            await self._mover.notes.agreed(\n"
         "                action.key, BaseEntry(None, there.size, there.crc32c, there.generation))\n"
         "            await self._mover.notes.flush()\n"),
    Mutant("downloads are not verified", (
        ("sync.move", "await self.on_disk(partial.verify, remote.size, remote.crc32c)", "pass"),
        ("transfer.pipe", "if whole and expected and running.base64() != expected:", "if False:"))),
    _one("a new file is renamed over what appeared", "sync.disk",
         "                exchange.rename_new(partial.folder, partial.name, partial.folder, partial.target)\n"
         "            except FileExistsError:\n                raise Changed(key) from None\n        else:",
         "                os.rename(partial.name, partial.target,\n"
         "                          src_dir_fd=partial.folder, dst_dir_fd=partial.folder)\n"
         "            except FileExistsError:\n                raise Changed(key) from None\n        else:",
         tests="tests/services/sync/test_disk.py::test_hazard_29_a_file_that_appears_in_the_moment_of_the_rename_stays"),
    _one("what was swapped out is not looked at", "sync.disk",
         "if _is_planned(swapped, partial.folder, partial.name, expected):", "if True:",
         tests="tests/services/sync/test_disk.py::test_hazard_29_an_edit_in_the_moment_of_the_swap_is_kept_beside"),
    _one("what was taken away is not looked at", "sync.disk",
         "            if _is_planned(taken.found, kept.folder, kept.name, expected):", "            if True:",
         tests="tests/services/sync/test_disk.py::test_hazard_29_an_edit_in_the_moment_of_a_delete_comes_back"),
    _one("the old file is unlinked, not kept", "sync.disk",
         "            self.trash.take(partial.folder, partial.name, names.local_path(key))\n            return \"\"",
         "            os.unlink(partial.name, dir_fd=partial.folder)\n            return \"\"",
         tests="tests/services/sync/test_disk.py::test_a_download_replaces_exactly_what_was_planned_on"),
    _one("a delete beats an edit here", "sync.reconcile",
         "gone = base is not None and _same_as_base(local, base)", "gone = base is not None"),
    _one("a delete beats an edit there", "sync.reconcile",
         "gone = base is not None and _same_object(remote, base)", "gone = base is not None"),
    _one("of two edits the one there wins", "sync.reconcile",
         'return action._replace(kind="conflict")', 'return action._replace(kind="download")'),
    _one("moves are matched by size only", "sync.reconcile",
         "gone[(action.remote.crc32c, action.remote.size)].append(action)",
         "gone[(action.local.crc32c if action.local else '', action.remote.size)].append(action)\n"
         "            for other in actions:\n"
         "                if other.local is not None and other.local.crc32c:\n"
         "                    gone[(other.local.crc32c, action.remote.size)].append(action)"),
    _one("nothing is written down before it is begun", "sync.notes",
         "await self._on_disk(self._state.begin, intents)", "pass", seed=19),
    _one("what is begun need not be durable", "sync.notes",
         "        await asyncio.shield(self._next)\n", "        await asyncio.sleep(0)\n"),
    _one("what was agreed on is not written", "sync.notes",
         "await self._on_disk(self._state.save, list(ended.items()), list(ended))",
         "await self._on_disk(self._state.save, [], list(ended))"),
    _one("nothing is recovered", "sync.recover", "    if not intents:\n", "    if True:\n", seed=15),
    _one("a download that waits counts as placed", "sync.recover",
         "    return there is None or there.inode != intent.inode", "    return False"),
    _one("the recovery deletes before it notes", "sync.recover",
         "                await on_disk(state.withdraw, [(intent.key, intent.nonce)])\n"
         "                await on_disk(forget_partial, disk, intent)\n            else:",
         "                await on_disk(forget_partial, disk, intent)\n"
         "                await on_disk(state.withdraw, [(intent.key, intent.nonce)])\n            else:",
         tests="tests/services/sync/test_found.py::test_a_crash_in_recovery_does_not_make_an_unplaced_download_a_delete"),
    _one("a file replaced in the swap has no name of its own", "sync.reconcile",
         'if action.kind not in ("conflict", "download")', 'if action.kind not in ("conflict",)',
         tests="tests/services/sync/test_found.py::test_an_edit_in_the_moment_of_a_download_is_kept_under_the_name_of_a_conflict"),
    _one("downloads that nobody knows of stay", "sync.controller",
         "if self.tree.partials and not dry_run:", "if False:"),
    _one("what came down is taken for an edit", "sync.controller",
         "                here[action.key] = LocalEntry(item.signature)", "                pass",
         tests="tests/services/sync/test_found.py::test_a_listing_after_a_download_does_not_take_the_new_file_for_an_edit"),
    _one("what was begun is looked up where nothing is mounted", "sync.controller",
         'if not dry_run and (self.tree.partials or any(not key.endswith("/") for key in self.tree.entries)):',
         "if not dry_run:",
         tests="tests/services/sync/test_found.py"
         "::test_hazard_23_what_was_begun_is_not_looked_up_in_a_folder_that_is_not_mounted"),
    _one("a pause of the process is not noticed", "sync.live", "        if late > LATE_S:", "        if False:",
         tests="tests/services/sync/test_refusals.py"
         "::test_hazard_47_after_a_suspension_everything_is_looked_at_before_anything_is_deleted"),
    _one("a download takes its name before it is on the disk", "sync.disk",
         "            os.fsync(partial.handle)\n            os.fsync(partial.folder)\n", ""),
    Mutant("a download is relied on before it is on the disk", (
        ("sync.move", "await self.on_disk(lambda: self.disk.secure(action.key, partial, mtime=remote.mtime))", "pass"),
        ("sync.disk", "        place = Place(partial.folder, partial.target)",
         "        self.secure(key, partial, mtime=None)\n        place = Place(partial.folder, partial.target)"))),
    _one("a download with both its names counts as waiting", "sync.recover",
         "    return there is None or there.inode != intent.inode", "    return True",
         tests="tests/services/sync/test_found.py"
         "::test_hazard_30_a_download_that_has_both_its_names_has_taken_its_name"),
    _one("what was on its way to the trash is not brought back", "sync.controller",
         "            await restore(self._state, self.disk, self._on_disk)", "            pass",
         tests="tests/services/sync/test_found.py"
         "::test_hazard_30_a_file_on_its_way_to_the_trash_comes_back_after_a_crash"),
    _one("a new name is agreed on before it is on the disk", "sync.disk",
         "        os.fsync(partial.folder)\n        after =", "        after ="),
    _one("a delete here is agreed on before it is on the disk", "sync.disk",
         "            self._take(place.folder, place.name, key, expected)\n            os.fsync(place.folder)\n",
         "            self._take(place.folder, place.name, key, expected)\n"),
    _one("the memory flushes no commit", "sync.state", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"),
    _one("a part is decided on before it is known what was begun", "sync.controller",
         "        self._recovered = False\n", "        self._recovered = True\n",
         tests="tests/services/sync/test_found.py"
         "::test_hazard_30_nothing_is_decided_on_a_part_before_all_that_was_begun_is_known"),
    _one("a session is gone on with whatever comes of it", "sync.upload",
         "            if begun is None:\n                raise\n            # It",
         "            raise\n            # It",
         tests="tests/services/sync/test_resume.py"
         "::test_what_was_edited_within_a_tick_of_the_clock_is_sent_anew"),
    _one("what is seen after a crash is relied on before it is on the disk", "sync.recover",
         "    disk.flush(intent.key)\n    return", "    return", tests="tests/services/sync/test_found.py"
         "::test_hazard_30_what_is_seen_after_a_crash_is_on_the_disk_before_it_is_relied_on"),
    _one("an empty folder is taken at its word", "sync.gate",
         "    if any(not key.endswith(\"/\") for key in base) and", "    if False and"),
    _one("no gate for deletes", "sync.gate",
         "    if not deletes or (", "    if True or (", tests="tests/services/sync/test_gate.py"),
    _one("moves count as deletes", "sync.entries",
         "return tuple(a for a in self.actions if a.kind in DELETES and not a.is_folder)",
         "return tuple(a for a in self.actions if a.kind in (*DELETES, 'move-remote') and not a.is_folder)",
         tests="tests/services/sync/test_gate.py"),
    _one("the source goes before its copy is confirmed", "sync.move",
         "        bucket, data = self.prefix.bucket, self.prefix.data\n        source, target =",
         "        await self.delete_object(action.source, remote.generation)\n"
         "        bucket, data = self.prefix.bucket, self.prefix.data\n        source, target =",
         tests="tests/services/sync/test_order.py"),
    _one("deletes come first", "sync.apply",
         "            await self._side_by_side([a for a in plan.work if a.kind not in DELETES])\n",
         "            await self._side_by_side([a for a in deletes if not a.is_folder])\n"
         "            await self._side_by_side([a for a in plan.work if a.kind not in DELETES])\n",
         tests="tests/services/sync/test_order.py"),
)  # fmt: skip


def apply(mutant: Mutant) -> None:
    """Break the engine in this process, for good."""
    for name, old, new in mutant.changes:
        module = importlib.import_module(f"services.{name}")
        file = module.__file__
        assert file is not None
        source = Path(file).read_text()
        if source.count(old) != 1:
            raise SystemExit(f"{mutant.name}: the text is {source.count(old)} times in {name}:\n{old}")
        _replace(module, source.replace(old, new), file)


def _replace(module: ModuleType, source: str, file: str) -> None:
    before = dict(vars(module))
    exec(compile(source, file, "exec"), vars(module))
    renewed = {id(value): vars(module)[name] for name, value in before.items() if vars(module).get(name) is not value}
    for other in [*sys.modules.values()]:
        if getattr(other, "__name__", "").startswith(("services.sync", "services.transfer", "tests.")):
            for name, value in list(vars(other).items()):
                if id(value) in renewed and any(value is old for old in before.values()):
                    setattr(other, name, renewed[id(value)])


def caught(mutant: Mutant) -> str:
    """Return what gave a broken engine away; empty where nothing did."""
    apply(mutant)
    if mutant.tests:
        return _failing(mutant.tests)
    for seed in range(mutant.seed, mutant.seed + MOST_SEEDS):
        try:
            run(seed, ROUNDS)
        except Exception as error:
            return f"world {seed}: {type(error).__name__}: {error}"
    return ""


def is_clean(seed: int) -> bool:
    """Tell whether the engine as it is passes a world: else that world proves nothing about a variant."""
    try:
        run(seed, ROUNDS)
    except Exception:
        return False
    return True


def _failing(tests: str) -> str:
    import pytest

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", tests])
    failed = [line for line in said.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0][:150] if code == pytest.ExitCode.TESTS_FAILED and failed else ""


def _in_child(mutant: Mutant) -> tuple[int, str]:
    """Try one variant in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, caught(mutant).encode()[:4000])
            os._exit(0)
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode()[:4000])
            os._exit(1)
    os.close(writer)
    with open(reader, "rb") as said:
        text = said.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def main(names: list[str]) -> int:
    """Try the variants of these names, or all; returns how many were not caught, or could not be tried."""
    bad = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        started = time.monotonic()
        code, how = _in_child(mutant)
        world = re.match(r"world (\d+):", how)
        verdict = "BROKEN" if code else "caught" if how else "SURVIVES"
        if world and not is_clean(int(world[1])):
            verdict = "UNPROVEN"
        bad += verdict != "caught"
        print(f"{verdict:8} {time.monotonic() - started:5.1f} s  {mutant.name}: {how[:160]}", flush=True)
    return bad


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]) != 0)

"""What passes the gate and what does not (hazards 23 and 25), and the names of conflict copies."""

from __future__ import annotations

import pytest

from services import checksum
from services.errors import Safeguard
from services.sync.conflicts import conflict_key, machine_name
from services.sync.entries import Action, BaseEntry, LocalEntry, Plan
from services.sync.gate import MaxDelete, check_gate, check_root


def deleting(count: int, tracked: int) -> Plan:
    return Plan(tuple(Action("delete-remote", str(number)) for number in range(count)), tracked=tracked)


@pytest.mark.parametrize(
    ("deletes", "tracked", "passes"),
    [
        (0, 0, True),
        (1, 2, True),
        (9, 20, True),
        (10, 100, True),
        (10, 99, False),
        (50, 1000, True),
        (51, 100_000, False),
        (1, 1, False),
        (3, 3, False),
    ],
)
def test_hazard_25_a_mass_delete_is_stopped(deletes: int, tracked: int, passes: bool) -> None:
    if passes:
        check_gate(deleting(deletes, tracked))
    else:
        with pytest.raises(Safeguard, match="nothing was done"):
            check_gate(deleting(deletes, tracked))


def test_hazard_25_max_delete_lets_pass_what_it_names_and_no_more() -> None:
    check_gate(deleting(100, 100), MaxDelete.parse("100"))
    check_gate(deleting(100, 100), MaxDelete.parse("100%"))
    check_gate(deleting(25, 100), MaxDelete.parse("25%"))
    for limit in ("99", "99%", "0"):
        with pytest.raises(Safeguard):
            check_gate(deleting(100, 100), MaxDelete.parse(limit))


@pytest.mark.parametrize("text", ["", "x", "-1", "101%", "1.5", "%", "5 %"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        MaxDelete.parse(text)


def test_hazard_25_moves_and_folders_are_no_deletes() -> None:
    moves = tuple(Action("move-remote", str(number), source="x") for number in range(1000))
    plan = Plan((*moves, Action("delete-local", "d/")), tracked=1000)
    assert plan.deletes == ()
    assert len(plan.work) == 1001
    check_gate(plan)  # raises nothing
    with pytest.raises(Safeguard):
        check_gate(Plan((*moves, *deleting(51, 0).actions), tracked=1000))


def test_hazard_23_an_emptied_root_is_no_wish_to_delete_everything() -> None:
    base = {"a": BaseEntry(None, 1, "", 1)}
    with pytest.raises(Safeguard, match="no files any more"):
        check_root(base, {"d/": LocalEntry(None, empty=True)}, "/r")
    check_root({}, {}, "/r")
    check_root(base, {"b": LocalEntry(None)}, "/r")


def test_a_conflict_copy_has_a_name_that_can_be_foretold() -> None:
    crc = checksum.of(b"mine")
    assert conflict_key("d/report.txt", crc, "box") == f"d/report.conflict-box-{conflict_hex(crc)}.txt"
    assert conflict_key("Makefile", crc, "box") == f"Makefile.conflict-box-{conflict_hex(crc)}"
    assert conflict_key(".bashrc", crc, "box").startswith(".bashrc.conflict-box-")
    assert conflict_key("x", crc, "box") != conflict_key("x", checksum.of(b"other"), "box")


def conflict_hex(crc: str) -> str:
    import base64

    return base64.b64decode(crc).hex()


def test_a_conflict_copy_of_a_long_name_still_fits() -> None:
    key = conflict_key("d/" + "é" * 127, checksum.of(b"x"), "m" * 24)
    assert len(key.rpartition("/")[2].encode()) <= 255


@pytest.mark.parametrize(
    ("raw", "expected"), [("box.lan", "box"), ("bö x", "b--x"), ("", "this-machine"), ("a/b", "a-b")]
)
def test_a_machine_is_named_so_that_it_fits_a_file_name(raw: str, expected: str) -> None:
    assert machine_name(raw) == expected

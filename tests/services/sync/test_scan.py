"""The quick way through a scan decides as the careful one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.errors import PailError
from services.sync import scan as scan_module
from services.sync.entries import BaseEntry, LocalEntry, RemoteEntry, Signature
from services.sync.ignore import EDITOR_PATTERNS, Rules
from services.sync.reconcile import reconcile, unchanged
from tests.services.sync.test_reconcile import bases, locals_, remotes

NAMES = [pattern.replace("*", "x").replace("[a-px]", "o") for pattern in EDITOR_PATTERNS]


@given(
    st.one_of(st.sampled_from([*NAMES, ".pail", "%41", "a\n", "a\x7f", "a.", "x~", "x_", "4913", "49134"]), st.text())
)
def test_a_name_that_is_taken_for_plain_is_plain(name: str) -> None:
    if not scan_module._plain(name) or "/" in name:
        return
    assert not Rules().ignores(name)
    assert scan_module._segment(name) == name
    try:
        scan_module._check(name, 1024)
    except PailError as error:
        raise AssertionError(name) from error


def test_ordinary_names_are_taken_for_plain() -> None:
    for name in ("a", "a.txt", "file-000001.txt", "Makefile", "a b (1).tar.gz", "x.py"):
        assert scan_module._plain(name)
    for name in ("", ".a", "a~", "~a", "#a", "a#", "é", "a\n", "\n", "4913", "a_"):
        assert not scan_module._plain(name)


@given(bases, locals_, remotes)
def test_nothing_is_decided_about_what_counts_as_unchanged(
    base: dict[str, BaseEntry], local: dict[str, LocalEntry], remote: dict[str, RemoteEntry]
) -> None:
    moot = unchanged(base, local, remote)
    assert not [action for action in reconcile(base, local, remote).actions if action.key in moot]


def test_a_file_as_it_was_agreed_on_is_unchanged() -> None:
    signature = Signature(1, 2, 3, 4)
    assert unchanged(
        {"a": BaseEntry(signature, 2, "c", 5)}, {"a": LocalEntry(signature)}, {"a": RemoteEntry(5, 2, "c")}
    ) == {"a"}

"""Marks against a naive set."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from tests.widgets.support import row
from widgets.marks import Marks
from widgets.object_rows import Entry

NAMES = st.sampled_from(["a", "a/b", "a/b/c", "a/d", "e", "a//", "a/b/"])
ENTRIES = st.one_of(
    NAMES.map(lambda name: Entry("object", name, row(name, len(name)))),
    st.sampled_from(["a/", "a/b/", "a//"]).map(lambda prefix: Entry("folder", prefix)),
)


def below(entry: Entry, prefix: str) -> bool:
    """Whether an entry lies below a folder; the folder's placeholder object does, the folder itself does not."""
    return entry.name.startswith(prefix) and (entry.kind == "object" or entry.name != prefix)


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "toggle", "rows"]), ENTRIES), max_size=30))
def test_nothing_marked_lies_below_another_and_the_bytes_add_up(steps: list[tuple[str, Entry]]) -> None:
    marks = Marks()
    naive: dict[tuple[str, str], Entry] = {}
    for verb, entry in steps:
        key = (entry.kind, entry.name)
        covered = any(kind == "folder" and below(entry, name) for kind, name in naive)
        assert marks.covers(entry) == covered
        if verb == "rows":
            if entry.row is None or covered:
                continue
            marks.add_rows([entry.row])
            naive[key] = entry
        elif verb == "remove" or (verb == "toggle" and key in naive):
            naive.pop(key, None)
            marks.remove([entry])
        else:
            marks.toggle(entry) if verb == "toggle" else marks.add([entry])
            if not covered:
                naive[key] = entry
                if entry.kind == "folder":
                    naive = {k: kept for k, kept in naive.items() if not below(kept, entry.name)}
        assert {(found.kind, found.name) for found in marks.entries()} == set(naive)
        assert marks.totals.bytes == sum(found.size or 0 for found in naive.values())
        assert marks.totals.entries == len(marks) == len(naive)
    marks.clear()
    assert marks.entries() == []
    assert marks.totals.bytes == 0

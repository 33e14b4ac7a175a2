from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.globs import compile_glob, has_glob, literal_head


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "d/a.txt", False),
        ("**.txt", "d/e/a.txt", True),
        ("**/a.txt", "a.txt", True),
        ("**/a.txt", "d/e/a.txt", True),
        ("**/a.txt", "da.txt", False),
        ("d/**/a", "d/a", True),
        ("d/**", "d/x/y", True),
        ("?", "x", True),
        ("?", "/", False),
        ("[ab]c", "bc", True),
        ("[!ab]c", "bc", False),
        ("[!ab]c", "xc", True),
        ("[!ab]c", "/c", False),
        ("[a-c]", "b", True),
        ("[c-a]", "b", False),
        ("[c-a]", "-", True),
        ("[]x", "[]x", True),
        ("a.b", "axb", False),
        ("*", "with\nbreak", True),
        ("[\\]*", "\\x", True),
    ],
)
def test_wildcards_match_as_in_gcloud(pattern: str, name: str, matches: bool) -> None:
    assert compile_glob(pattern)(name) is matches


@pytest.mark.parametrize(
    ("text", "wild"), [("a*", True), ("a?", True), ("[x]", True), ("[", False), ("[]", False), ("a", False)]
)
def test_what_counts_as_a_glob(text: str, wild: bool) -> None:
    assert has_glob(text) is wild


@given(st.text(alphabet="ab/*?[]-!^\\.{}", max_size=12), st.text(alphabet="ab/-^\\.[]", max_size=12))
def test_every_pattern_compiles_and_every_match_begins_with_its_literal_head(pattern: str, name: str) -> None:
    if compile_glob(pattern)(name):
        # `**/` may stand for nothing, and its slash with it: the head ends before the wildcard.
        assert name.startswith(literal_head(pattern))


@given(st.text(alphabet="ab/.{}^$+()|\\ ", max_size=20))
def test_a_text_without_wildcards_matches_itself_alone(text: str) -> None:
    match = compile_glob(text)
    assert match(text)
    assert not match(text + "x")

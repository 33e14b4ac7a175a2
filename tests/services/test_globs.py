from __future__ import annotations

import pytest
from hypothesis import given, settings
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
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[^a]", "b", True),
        ("a[", "a[", True),
        ("a**z", "a/b/z", True),
        ("a.b", "axb", False),
        ("*", "with\nbreak", True),
        ("[\\]*", "\\x", True),
    ],
)
def test_wildcards_match_as_in_gcloud(pattern: str, name: str, matches: bool) -> None:
    assert compile_glob(pattern)(name) is matches


def by_trying(pattern: str, name: str) -> bool:
    """Match by trying every way, which is slow and plainly right."""
    if not pattern:
        return not name
    if pattern.startswith("**/"):
        return by_trying(pattern[3:], name) or any(
            by_trying(pattern[3:], name[index + 1 :]) for index, char in enumerate(name) if char == "/"
        )
    if pattern.startswith("**"):
        return any(by_trying(pattern[2:], name[index:]) for index in range(len(name) + 1))
    if pattern[0] == "*":
        ends = name.find("/") if "/" in name else len(name)
        return any(by_trying(pattern[1:], name[index:]) for index in range(ends + 1))
    one = name[:1] != "/" if pattern[0] == "?" else name[:1] == pattern[0]
    return bool(name) and one and by_trying(pattern[1:], name[1:])


piece = st.sampled_from(["a", "b", "/", "ab", "a/", "?", "*", "*"])
unit = st.lists(piece, max_size=4).map("".join).filter(lambda text: "**" not in text)
plain_ends = unit.map(lambda text: f"a{text.strip('*')}b")


@settings(max_examples=1_000)
@given(unit, plain_ends, plain_ends, st.sampled_from(["**", "/**/"]), st.text("ab/", max_size=9))
def test_a_glob_matches_what_trying_every_way_matches(one: str, two: str, three: str, deep: str, name: str) -> None:
    for pattern in (one, two + deep + three, f"**/{one}", f"{two}{deep}{three}{deep}a"):
        assert compile_glob(pattern)(name) is by_trying(pattern, name), pattern


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "pattern", ["*a" * 40 + "b", "**a" * 40 + "b", "**/*a*" + "a*" * 40 + "b", "**a*a*a" * 9 + "**b"]
)
def test_a_glob_of_many_wildcards_is_decided_on_a_long_name_that_almost_fits(pattern: str) -> None:
    assert not compile_glob(pattern)("a" * 1_024)
    assert compile_glob(pattern)("a" * 1_023 + "b")


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

"""Names: shown without harm, distinct when they are distinct, and unable to leave a folder (hazards 55, 56, 69)."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.errors import Rejected, UnmappableName, UsageError
from services.names import (
    GsUrl,
    base_name,
    bucket_name_problem,
    check_object_name,
    display_name,
    local_path,
    object_name,
    parent_prefix,
    parse_gs_url,
)

any_text = st.text(st.characters(codec=None), max_size=60)
storable = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=60)
tricky = st.text(st.sampled_from("a./%~\\ \0\x1b\u0301é25E"), min_size=1, max_size=14)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain.txt", "plain.txt"),
        ("two words", "two words"),
        ("[red]x[/].txt", "[red]x[/].txt"),
        ("ünï/日本/😀", "ünï/日本/😀"),
        (" edges ", "\\x20edges\\x20"),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("c1\x9b31m", "c1\\x9b31m"),
        ("back\\slash", "back\\\\slash"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("e\u0301", "e\\u0301"),
        ("nb\u00a0sp", "nb\\xa0sp"),
        ("\udcff", "\\udcff"),
        ("line\nbreak", "line\\x0abreak"),
        ("\U000e0041tag", "\\U000e0041tag"),
    ],
)
def test_h55_a_hostile_name_is_shown_escaped(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(any_text)
def test_h55_what_is_shown_holds_nothing_that_a_terminal_acts_on(name: str) -> None:
    shown = display_name(name)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in shown)
    assert len(shown.encode()) >= len(name)


@given(any_text, any_text)
def test_h55_distinct_names_look_distinct(one: str, other: str) -> None:
    assert (display_name(one) == display_name(other)) == (one == other)


@given(storable)
@example("\u1100\u1161\u11a8")
@example("\uac00\u11a8")
@example("\u212b \uf900")
@example("a\u0332\u0301")
@example("q\u0301\u0323")
def test_h55_canonically_equivalent_names_look_distinct(name: str) -> None:
    shown = unicodedata.normalize("NFC", display_name(name))
    for form in ("NFC", "NFD"):
        twin = unicodedata.normalize(form, name)
        assert (shown == unicodedata.normalize("NFC", display_name(twin))) == (name == twin)


@given(st.one_of(storable, tricky))
def test_h56_a_local_path_comes_back_as_the_same_name(name: str) -> None:
    try:
        path = local_path(name)
    except UnmappableName:
        assert any(len(segment.encode()) > 60 for segment in name.split("/"))
        return
    assert object_name(path) == name


@given(tricky, tricky)
def test_h56_two_names_never_share_a_path(one: str, other: str) -> None:
    assert (local_path(one) == local_path(other)) == (one == other)


@given(st.one_of(storable, tricky))
def test_h56_a_path_stays_inside_its_root(name: str) -> None:
    try:
        path = local_path(name)
    except UnmappableName:
        return
    assert not path.startswith("/")
    assert "\0" not in path
    assert all(segment not in ("", ".", "..") for segment in path.split("/"))
    root = PurePosixPath("/root/of/it")
    assert os.path.normpath(root / path) == str(root / path)


@given(tricky)
def test_a_local_file_comes_back_under_its_own_name(name: str) -> None:
    """Upload, then download: the path is the same, whatever the file is called."""
    segments = [part for part in name.replace("\0", "").split("/") if part not in ("", ".", "..")]
    path = "/".join(segments) or "x"
    assert local_path(object_name(path)) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "%~%2E%2E/%~%2E%2E/etc/passwd"),
        ("/abs", "%~/abs"),
        ("a/../b", "a/%~%2E%2E/b"),
        ("a//b", "a/%~/b"),
        ("..\\x", "..\\x"),
        ("CON", "CON"),
        ("%~x", "%~x"),
        ("%~", "%~%25~"),
        ("100%.txt", "100%.txt"),
    ],
)
def test_h56_names_that_climb_are_escaped_reversibly(name: str, path: str) -> None:
    assert (local_path(name), object_name(path)) == (path, name)


def test_h56_a_segment_longer_than_a_file_name_is_refused_with_its_length() -> None:
    assert local_path("x" * 255) == "x" * 255
    with pytest.raises(UnmappableName, match="256 bytes"):
        local_path("a/" + "x" * 256)


def test_h69_a_local_name_that_is_not_utf8_is_reported() -> None:
    with pytest.raises(UnmappableName, match=r"caf\\udce9"):
        object_name(os.fsdecode(b"caf\xe9"))


@pytest.mark.parametrize("path", ["%~x", "%~%2e", "%~%FF", "%~%zz", "%~%25~x"])
def test_an_escape_that_we_would_not_write_is_an_ordinary_name(path: str) -> None:
    assert object_name(path) == path


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("gs://b", GsUrl("b")),
        ("gs://b/", GsUrl("b")),
        ("gs://b/a/c", GsUrl("b", "a/c")),
        ("gs://b//x", GsUrl("b", "/x")),
        ("gs://b/q?#%20", GsUrl("b", "q?#%20")),
        ("gs://", GsUrl("")),
    ],
)
def test_a_gs_url_is_taken_literally(text: str, url: GsUrl) -> None:
    assert parse_gs_url(text) == url


@pytest.mark.parametrize("text", ["", "b/a", "s3://b/a", "gs:/b", "gs:///a"])
def test_what_is_no_gs_url_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"gs://|names no bucket"):
        parse_gs_url(text)


def test_a_gs_url_prints_as_it_was_written() -> None:
    assert [str(parse_gs_url(text)) for text in ("gs://b", "gs://b/", "gs://b/a/")] == ["gs://b", "gs://b", "gs://b/a/"]
    assert [parse_gs_url(text).is_prefix for text in ("gs://b", "gs://b/a/", "gs://b/a")] == [True, True, False]


@pytest.mark.parametrize("name", ["", ".", "..", "a\rb", "a\n", "é" * 513, "\ud800", ".well-known/acme-challenge/x"])
def test_names_that_the_service_refuses_are_refused_here(name: str) -> None:
    with pytest.raises(Rejected, match=r"cannot be|UTF-8"):
        check_object_name(name)


@pytest.mark.parametrize("name", ["a", "..x", "a/../b", "/", "//", "\x1b", "é" * 512, ".well-known/x"])
def test_names_that_the_service_takes_pass(name: str) -> None:
    try:
        check_object_name(name)
    except Rejected as error:
        pytest.fail(error.message)


@pytest.mark.parametrize("name", ["abc", "a-b_c.d", "0" * 63, "example.com", "1.2.3"])
def test_bucket_names_that_are_fine(name: str) -> None:
    assert bucket_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ab", "at least 3"),
        ("a" * 64, "at most 63"),
        ("Upper", "only a-z"),
        ("-abc", "only a-z"),
        ("a..b", "a dot"),
        ("192.168.1.1", "IP address"),
        ("goog-x", "reserved"),
        ("my-google-data", "reserved"),
    ],
)
def test_bucket_names_that_are_not_say_why(name: str, why: str) -> None:
    assert why in bucket_name_problem(name)


@pytest.mark.parametrize(
    ("name", "parent", "base"),
    [("a", "", "a"), ("a/", "", "a/"), ("a/b", "a/", "b"), ("a/b/", "a/", "b/"), ("a/b/c", "a/b/", "c")],
)
def test_parent_and_base_of_a_name(name: str, parent: str, base: str) -> None:
    assert (parent_prefix(name), base_name(name)) == (parent, base)


def test_a_url_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(UsageError, match="not valid UTF-8"):
        parse_gs_url("gs://bucket/\udcff")
    assert parse_gs_url("gs://bucket/ü").name == "ü"

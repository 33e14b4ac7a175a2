from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pasted import find_paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("plain.txt", "with space.txt", "it's [b] #1?.csv", "b.txt"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_plain_paths_one_a_line(folder: Path) -> None:
    pasted = find_paths(f"{folder}/plain.txt\r\n{folder}/with space.txt\n")
    assert pasted.present == (f"{folder}/plain.txt", f"{folder}/with space.txt")
    assert pasted.absent == ()


@pytest.mark.parametrize("quote", [shlex.quote, lambda path: path.replace(" ", "\\ ").replace("'", "\\'")])
def test_quoted_paths_several_on_a_line(folder: Path, quote: object) -> None:
    assert callable(quote)
    names = [f"{folder}/plain.txt", f"{folder}/with space.txt"]
    assert find_paths(" ".join(map(quote, names))).present == tuple(names)


def test_file_urls_are_decoded(folder: Path) -> None:
    url = (folder / "it's [b] #1?.csv").as_uri()
    assert find_paths(f"{url} file://{folder}/b.txt").present == (
        f"{folder}/it's [b] #1?.csv",
        f"{folder}/b.txt",
    )


def test_a_path_named_twice_is_taken_once(folder: Path) -> None:
    assert find_paths(f"{folder}/b.txt\n{folder}/b.txt").present == (f"{folder}/b.txt",)


def test_what_does_not_exist_is_named_as_such(folder: Path) -> None:
    pasted = find_paths(f"{folder}/plain.txt\n/home/elsewhere/photo one.jpg")
    assert pasted.present == (f"{folder}/plain.txt",)
    assert pasted.absent == ("/home/elsewhere/photo one.jpg",)


@pytest.mark.parametrize("text", ["", "hello world", "gs://bucket/name", "a/relative/path", "http://host/x", "\n\n"])
def test_other_text_is_not_taken_for_paths(text: str) -> None:
    assert not find_paths(text)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    pasted = find_paths(text)
    assert all(path.startswith("/") for path in (*pasted.present, *pasted.absent))

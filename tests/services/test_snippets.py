"""Snippets: whatever a name is made of, each language reads it back exactly, and nothing else happens."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.snippets import Snippet, gcloud_url, quote_javascript, quote_python, quote_shell, snippets

HOSTILE = [
    "plain.txt",
    "two words/and more.txt",
    'it\'s "quoted"',
    "$(touch pwned) `touch pwned` ${HOME} !!",
    "; touch pwned #",
    "a\\b\\n\\x41'\\''",
    "\x1b]0;title\x07\x1b[2J",
    "\u202egnp.exe \u2028 \u200b \U000e0041",
    "-rf",
    "*?[a-z]{x,y}~",
    "é/日本/😀",
    "tab\there \x7f\x85\x00end",
    "`${1+1}` </script>",
    "..",
    "/lead//double/",
    "generation#123",
    "%s %d {0} {name}",
    "'",
    '"',
    "\\",
]
names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=30)


def literals(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def by_key(bucket: str, name: str) -> dict[str, Snippet]:
    return {each.key: each for each in snippets(bucket, name)}


@given(names)
def test_h55_no_snippet_holds_what_a_terminal_acts_on(name: str) -> None:
    for each in snippets("media-1", name):
        assert all(line.isprintable() for line in each.text.split("\n"))


@given(names)
def test_python_reads_every_name_back(name: str) -> None:
    assert ast.literal_eval(quote_python(name)) == name
    for key in ("replit-python", "google-python"):
        assert {"media-1", name} <= set(literals(by_key("media-1", name)[key].text))


def run_bash(script: str, cwd: Path) -> list[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=cwd, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("key", ["gcloud", "rclone", "pail"])
def test_the_shell_hands_every_name_over_as_one_word_and_runs_nothing_else(key: str, tmp_path: Path) -> None:
    stub = f"{key}() {{ printf '%s\\0' \"$@\" ,; }}\n"
    for name in (name for name in HOSTILE if "\0" not in name):
        words = run_bash(stub + by_key("media-1", name)[key].text, tmp_path)
        expected = {"pail": f"gs://media-1/{name}", "rclone": f":gcs,env_auth=true:media-1/{name}"}
        assert expected.get(key, gcloud_url("media-1", name)) in words
        assert words.count(",") == (2 if name.endswith("/") else 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_javascript_reads_every_name_back() -> None:
    code = f"process.stdout.write(JSON.stringify([{','.join(map(quote_javascript, HOSTILE))}]))"
    done = subprocess.run(["node", "-e", code.replace("\0", "")], capture_output=True, check=True)
    assert json.loads(done.stdout) == HOSTILE


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("name", ["", "a/", "it's `${1}`"])
def test_the_javascript_snippet_is_a_valid_module(name: str, tmp_path: Path) -> None:
    file = tmp_path / "snippet.mjs"
    file.write_text(by_key("media-1", name)["replit-javascript"].text)
    subprocess.run(["node", "--check", str(file)], check=True)


@given(names)
def test_javascript_literals_are_json_as_well(name: str) -> None:
    assert json.loads(quote_javascript(name)) == name


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a.txt", "gs://b/a.txt"),
        ("a*?[b].txt", "gs://b/a[*][?][[]b].txt"),
        ("a#12", "gs://b/a[#]12"),
        ("a#12/b", "gs://b/a#12/b"),
    ],
)
def test_gcloud_takes_wildcards_and_versions_as_names(name: str, url: str) -> None:
    assert gcloud_url("b", name) == url


@pytest.mark.parametrize("name", HOSTILE)
def test_h56_the_local_file_of_a_snippet_stays_in_its_folder(name: str) -> None:
    for each in snippets("media-1", name):
        if each.syntax == "python":
            for literal in set(literals(each.text)) - {name, "media-1"}:
                assert "/" not in literal
                assert literal not in ("", ".", "..")


@pytest.mark.parametrize("name", ["", "logs/"])
def test_a_bucket_and_a_folder_are_listed(name: str) -> None:
    found = by_key("media-1", name)
    assert "list" in found["replit-python"].text
    assert ("prefix" in found["google-python"].text) is bool(name)
    assert found["pail"].text.startswith(f"pail ls gs://media-1/{name}\n")
    assert all(each.title and each.text for each in found.values())


def test_a_name_that_rclone_tidies_up_is_said_to_be_out_of_its_reach() -> None:
    assert "cannot address" in by_key("b", "a//b")["rclone"].note
    assert "cannot address" not in by_key("b", "a/b/")["rclone"].note


@given(names)
def test_quoting_for_the_shell_is_printable_and_one_word(name: str) -> None:
    quoted = quote_shell(name)
    assert quoted.isprintable()
    assert re.fullmatch(r"\$'(?:[^'\\]|\\.)*'|(?:[\w@%+=:,./-]|'[^']*'|\"'\")+", quoted)

"""Options anywhere, `--local [DIR]` in every place, and what is said of typing errors."""

from __future__ import annotations

import argparse
import importlib
import shlex

import pytest

from app.cli.arguments import find_command
from app.cli.commands import COMMANDS, EXIT_CODES, SCREEN, make_parser, valued_options
from services.errors import ExitCode, UsageError


def parse(*words: str) -> tuple[str, argparse.Namespace]:
    name, rest = find_command(words, COMMANDS, valued_options())
    return name, make_parser(COMMANDS[name] if name else SCREEN).parse(rest, COMMANDS)


@pytest.mark.parametrize(
    ("line", "command", "local", "words"),
    [
        ("--local D cp a gs://b", "cp", "D", ["a", "gs://b"]),
        ("cp a gs://b --local D", "cp", "D", ["a", "gs://b"]),
        ("cp a gs://b --local", "cp", "", ["a", "gs://b"]),
        ("--local cp a gs://b", "cp", "", ["a", "gs://b"]),
        ("--local=D cp a gs://b", "cp", "D", ["a", "gs://b"]),
        ("cp --local=D a gs://b", "cp", "D", ["a", "gs://b"]),
        ("cp --local gs://b/x y", "cp", "", ["gs://b/x", "y"]),
        ("cp --local -r a gs://b", "cp", "", ["a", "gs://b"]),
        ("cp -r --local D a gs://b", "cp", "D", ["a", "gs://b"]),
        ("--project p --local D cp a b", "cp", "D", ["a", "b"]),
        ("cp a --local D gs://b", "cp", "D", ["a", "gs://b"]),
        ("--local=cp cp a b", "cp", "cp", ["a", "b"]),
        ("cp a b", "cp", None, ["a", "b"]),
    ],
)
def test_local_takes_the_next_word_unless_it_is_a_command_an_option_or_a_url(
    line: str, command: str, local: str | None, words: list[str]
) -> None:
    name, args = parse(*line.split())
    assert (name, args.local, args.paths) == (command, local, words)


@pytest.mark.parametrize(
    ("line", "local", "url"),
    [
        ("", None, None),
        ("gs://b/p", None, "gs://b/p"),
        ("--local", "", None),
        ("--local D", "D", None),
        ("--local gs://b", "", "gs://b"),
        ("gs://b --local", "", "gs://b"),
        ("gs://b --local D", "D", "gs://b"),
        ("--local D gs://b", "D", "gs://b"),
    ],
)
def test_without_a_command_the_screen_is_meant(line: str, local: str | None, url: str | None) -> None:
    name, args = parse(*line.split())
    assert (name, args.local, args.url) == ("", local, url)


@pytest.mark.parametrize(
    "line",
    [
        "--json --project p ls gs://b -l",
        "ls gs://b --project p -l --json",
        "ls --project=p --json gs://b -l",
        "ls -l gs://b --json --project p",
    ],
)
def test_common_options_stand_before_or_after_the_command(line: str) -> None:
    name, args = parse(*line.split())
    assert name == "ls"
    assert (args.json, args.project, args.long, args.urls) == (True, "p", True, ["gs://b"])


def test_short_options_can_be_joined() -> None:
    _, args = parse("ls", "-lrq", "gs://b")
    assert (args.long, args.recursive, args.quiet) == (True, True, True)


def test_words_after_two_dashes_are_never_options() -> None:
    _, args = parse("cp", "-r", "--", "-dash", "--local", "gs://b")
    assert args.paths == ["-dash", "--local", "gs://b"]


def test_a_single_dash_is_a_word() -> None:
    assert parse("cp", "-", "gs://b/x")[1].paths == ["-", "gs://b/x"]
    assert parse("cp", "gs://b/x", "-")[1].paths == ["gs://b/x", "-"]


def test_a_value_may_begin_with_a_dash() -> None:
    _, args = parse("cat", "gs://b/x", "--range", "-5")
    assert (args.range.start, args.range.end) == (-5, None)


def test_a_repeated_option_gathers() -> None:
    assert parse("rm", "--exclude", "a", "gs://b/x", "--exclude=b")[1].exclude == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("sl", "unknown command 'sl'", "Did you mean 'ls'?"),
        ("doctr", "unknown command", "Did you mean 'doctor'?"),
        ("ls --jsn", "unknown option '--jsn' for pail ls", "Did you mean --json?"),
        ("--jsn ls", "unknown option '--jsn'", "Did you mean --json?"),
        ("ls -z", "unknown option '-z'", "See 'pail ls --help'"),
        ("ls -lz", "unknown option '-lz'", ""),
        ("ls --json=1", "takes no value", ""),
        ("ls --project", "needs a value", ""),
        ("cat gs://b/x --range 5-1", "not a range", ""),
        ("cat gs://b/x --range --", "needs a value", ""),
        ("cp a b --bandwidth fast", "not a rate", ""),
        ("store", "serve", "pail store --help"),
        ("worker fly", "invalid choice", "pail worker --help"),
        ("gs://a gs://b", "unrecognized", "pail --help"),
        ("cp --local D", "required", "--local took 'D' as its folder"),
        ("redo 7", "unknown command", ""),
        ("ls --low-bandwidth", "unknown option", ""),
    ],
)
def test_what_is_wrong_is_said_with_a_way_on(line: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(*line.split())
    assert message in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_has_help_with_every_option_and_a_wide_enough_terminal(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    parser = make_parser(COMMANDS[name] if name else SCREEN)
    with pytest.raises(SystemExit) as caught:
        parser.parse(["--help"], COMMANDS)
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(flag in text for flag in parser.known)
    assert text.startswith(f"usage: pail {name}".rstrip())
    assert max(map(len, text.splitlines())) <= 80


def test_the_help_explains_every_exit_code() -> None:
    explained = [int(line.split()[0]) for line in EXIT_CODES.splitlines()[1:]]
    assert explained == [int(code) for code in ExitCode]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module_with_a_run_function(name: str) -> None:
    module = importlib.import_module(f"app.cli.{COMMANDS[name].module}")
    assert callable(module.run)
    examples = [line.removeprefix("tar c src | ") for line, _ in COMMANDS[name].examples]
    assert examples
    for line in examples:
        words = shlex.split(line.partition(">")[0].partition("|")[0])
        command, rest = find_command(words[1:], COMMANDS, valued_options())
        make_parser(COMMANDS[command]).parse(rest, COMMANDS)

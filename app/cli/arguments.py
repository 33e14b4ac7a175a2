"""Words of the command line to arguments: options anywhere, `--local [DIR]`, and suggestions for typing errors."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NoReturn

from services.errors import UsageError
from services.names import display_name

LOCAL: Final = "--local"
"""The one option whose value may be left out."""

HELP_WIDTH: Final = 100
"""Columns of help text at the most."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `UsageError` and takes options and words in any order."""

    def __init__(self, prog: str, *, usage: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog or None,
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.words = self.add_argument_group("arguments")
        """Group of the words that are no options."""
        self.own = self.add_argument_group("options")
        """Group of the options that this command alone has."""
        self.common = self.add_argument_group("options of every command")
        """Group of the options that every command has."""
        self.known: dict[str, bool] = {}
        """Every option, and whether it takes a value."""
        self.declared: list[argparse.Action] = []
        """All words and options, for what is made from them."""

    def word(self, name: str, **settings: Any) -> None:
        """Declare words; `settings` are those of `add_argument`."""
        self.declared.append(self.words.add_argument(name, **settings))

    def option(self, *flags: str, common: bool = False, **settings: Any) -> None:
        """Declare an option; `settings` are those of `add_argument`."""
        action = (self.common if common else self.own).add_argument(*flags, **settings)
        self.declared.append(action)
        self.known.update(dict.fromkeys(flags, action.nargs != 0))

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with argparse's own words."""
        raise UsageError(message, remedy=f"See '{self.prog} --help'.")

    def parse(self, words: Sequence[str], commands: Collection[str]) -> argparse.Namespace:
        """Parse words in any order.

        Raises `UsageError`; `SystemExit` after `--help` or `--version` has printed.
        """
        options, rest, folder = self._arrange(words, commands)
        try:
            return self.parse_args([*options, *(["--", *rest] if rest else [])])
        except UsageError as error:
            if folder is not None:
                error.remedy = f"--local took '{display_name(folder)}' as its folder; write --local=DIR to be clear."
            raise

    def _arrange(self, words: Sequence[str], commands: Collection[str]) -> tuple[list[str], list[str], str | None]:
        """Part options from the rest; also return the word that `--local` took as its folder."""
        options: list[str] = []
        rest: list[str] = []
        folder = None
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            if word == "--":
                return options, [*rest, *words[index:]], folder
            if not is_option(word):
                rest.append(word)
            elif not word.startswith("--"):
                options += self._split_cluster(word)
            elif word == LOCAL:
                taken = index < len(words) and is_folder_word(words[index], commands)
                folder = words[index] if taken else folder
                options.append(f"{LOCAL}={words[index] if taken else ''}")
                index += taken
            else:
                flag, equals, _ = word.partition("=")
                takes_value = self._check(flag)
                if equals and not takes_value:
                    raise UsageError(f"option {flag} takes no value", remedy=f"See '{self.prog} --help'.")
                if takes_value and not equals:
                    if index == len(words) or words[index] == "--":
                        raise UsageError(f"option {flag} needs a value", remedy=f"See '{self.prog} --help'.")
                    word = f"{flag}={words[index]}"
                    index += 1
                options.append(word)
        return options, rest, folder

    def _split_cluster(self, word: str) -> list[str]:
        """Return `-lr` as `-l`, `-r`; no short option takes a value."""
        flags = [f"-{letter}" for letter in word[1:]]
        for flag in flags:
            if flag not in self.known:
                self._unknown(word if len(flags) > 1 and word.lstrip("-") else flag)
        return flags

    def _check(self, flag: str) -> bool:
        if flag not in self.known:
            self._unknown(flag)
        return self.known[flag]

    def _unknown(self, flag: str) -> NoReturn:
        likely = similar(flag, [f for f in self.known if f.startswith("--")])
        hint = f"Did you mean {likely}? " if likely else ""
        raise UsageError(
            f"unknown option '{display_name(flag)}' for {self.prog}",
            remedy=f"{hint}See '{self.prog} --help'; a name that begins with '-' goes after '--'.",
        )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of a steady width that does not repeat the metavar of each spelling."""

    def __init__(self, prog: str) -> None:
        import shutil

        super().__init__(prog, max_help_position=26, width=min(HELP_WIDTH, shutil.get_terminal_size().columns) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap sentences; indented lines are tables and stay."""
        import textwrap

        lines = (line if line.startswith(" ") else textwrap.fill(line, width) for line in text.splitlines())
        return "\n".join(indent + line for part in lines for line in part.split("\n"))

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        value = ""
        if action.nargs != 0:
            name = action.metavar or action.dest.upper()
            value = f" [{name}]" if LOCAL in action.option_strings else f" {name}"
        return ", ".join(action.option_strings) + value


def is_option(word: str) -> bool:
    """Tell whether a word before `--` is an option; `-` alone means standard input or output."""
    return word.startswith("-") and word != "-"


def is_folder_word(word: str, commands: Collection[str]) -> bool:
    """Tell whether the word after `--local` is its folder: not a command, not an option, not a URL."""
    return word not in commands and not word.startswith(("gs://", "-"))


def find_command(words: Sequence[str], commands: Collection[str], valued: Collection[str]) -> tuple[str, list[str]]:
    """Return the command ("" for the screen) and all other words; `valued` are the common options with a value.

    Raises `UsageError` for a first word that is neither a command nor a URL.
    """
    before: list[str] = []
    index = 0
    while index < len(words) and is_option(words[index]):
        word = words[index]
        index += 1
        if word == LOCAL:
            taken = index < len(words) and is_folder_word(words[index], commands)
            before.append(f"{LOCAL}={words[index] if taken else ''}")
            index += taken
            continue
        before.append(word)
        if word == "--":
            break
        if word in valued and index < len(words):
            before.append(words[index])
            index += 1
    if index >= len(words) or words[index].startswith("gs://"):
        return "", [*before, *words[index:]]
    command = words[index]
    if command in commands:
        return command, [*before, *words[index + 1 :]]
    likely = similar(command, commands)
    hint = f"Did you mean '{likely}'? " if likely else ""
    raise UsageError(f"unknown command '{display_name(command)}'", remedy=f"{hint}See 'pail --help'.")


def similar(word: str, choices: Iterable[str]) -> str:
    """Return the choice that `word` was probably meant to be, or ""."""
    import difflib  # needed after a typing error only

    found = difflib.get_close_matches(word, list(choices), n=3, cutoff=0.5)
    # Letters in the wrong order are the likelier slip than several that are missing.
    found.sort(key=lambda choice: sorted(choice) != sorted(word))
    return found[0] if found else ""

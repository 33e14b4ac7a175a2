"""`pail completion`: what a shell has to know to complete words, options, files and URLs."""

from __future__ import annotations

import argparse
from typing import Any, Final

from app.cli.arguments import Parser
from app.cli.commands import declare_common
from app.cli.context import Context
from services.errors import ExitCode

SHELLS: Final = ("bash", "zsh", "fish")
"""Shells that are served."""

_NAMED: Final = ("gs://", "SRC")
"""Parts of the placeholders of words that may be URLs."""

_LISTS: Final = 'pail --quiet ls "$1*" 2>/dev/null'
"""Lists what begins like the word; `pail ls` prints one URL a line, folders with a slash at their end."""

PREAMBLE: Final = {
    "bash": f"""
_pail_urls() {{
  local IFS=$'\\n'
  set -- "$1"
  if [[ $1 == gs://*/* ]]; then {_LISTS}; else pail --quiet ls 2>/dev/null | grep -F -- "$1"; fi
}}
_pail_words() {{
  # readline takes a colon for the end of a word, so the word is put together again and its begin cut off.
  local line=${{COMP_LINE:0:COMP_POINT}} word
  word=${{line##* }}
  compopt -o nospace 2>/dev/null
  case $word in
    gs:*) local found=$(_pail_urls "$word"); found=${{found//gs:/}}; compgen -W "$found" -- "${{word#gs:}}" ;;
    *) compgen -f -- "$1" ;;
  esac
}}
""",
    "zsh": f"""
_pail_words() {{
  if [[ $words[CURRENT] == gs://* ]]; then
    local -a found
    set -- "$words[CURRENT]"
    if [[ $1 == gs://*/* ]]; then
      found=("${{(@f)$({_LISTS})}}")
    else
      found=("${{(@f)$(pail --quiet ls 2>/dev/null)}}")
    fi
    compadd -S '' -- $found
  else
    _files
  fi
}}
""",
    "fish": """
function _pail_words
  set -l word (commandline -ct)
  if string match -q 'gs://*/*' -- $word
    pail --quiet ls "$word*" 2>/dev/null
  else if string match -q 'gs:*' -- $word
    pail --quiet ls 2>/dev/null
  else
    __fish_complete_path $word
  end
end
""",
}
"""Functions that complete URLs by asking `pail ls`, and files where no URL was begun."""

COMPLETER: Final = {"bash": "_pail_words", "zsh": "_pail_words", "fish": "(_pail_words)"}
"""What calls them."""


def run(context: Context) -> int:
    """Print the script."""
    context.output.write(script(context.args.shell).encode())
    return ExitCode.OK


def script(shell: str) -> str:
    """Return the completion script of a shell, made from the parsers themselves."""
    import shtab  # only this command needs it

    text: str = shtab.complete(_whole(), shell=shell, preamble=PREAMBLE[shell])
    return text


def _whole() -> argparse.ArgumentParser:
    """Return one parser of all commands: the shape that the generator reads."""
    from app.cli.commands import COMMANDS, make_parser, screen_options

    # Without the screen's own word: where a command may stand, the commands are what is offered.
    whole = Parser("pail", usage="", description="")
    screen_options(whole)
    declare_common(whole)
    words = whole.add_subparsers(dest="command", parser_class=argparse.ArgumentParser)
    for name, command in COMMANDS.items():
        words.add_parser(name, help=command.summary, parents=[_plain(make_parser(command))], add_help=False)
    return whole


def _plain(parser: Parser) -> Parser:
    """Return the parser, told what completes its words."""
    for action in parser.declared:
        where: Any = action.metavar or ""
        if not action.option_strings and any(part in str(where) for part in _NAMED):
            action.complete = COMPLETER  # type: ignore[attr-defined]
        elif str(where) in ("DIR", "D", "FILE"):
            action.complete = _files(str(where))  # type: ignore[attr-defined]
    return parser


def _files(where: str) -> Any:
    """Return the generator's own completion of folders or files."""
    import shtab

    return shtab.FILE if where == "FILE" else shtab.DIRECTORY

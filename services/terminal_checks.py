"""What the terminal can do, as far as its variables and tmux tell: checks of `pail doctor`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import Final

from services.doctor import Check
from services.names import display_name

ASK_TIMEOUT_S: Final = 2.0
"""Seconds that tmux gets to answer."""

OSC52_TERMINALS: Final = ("kitty", "alacritty", "foot", "wezterm", "ghostty", "contour", "rio")
"""Beginnings of TERM_PROGRAM, or of TERM after "xterm-", of terminals that take OSC 52 (copying) by themselves."""

OPTION_TERMINALS: Final = {
    "iTerm.app": "In iTerm2: Settings, General, Selection, 'Applications in terminal may access clipboard'.",
    "vscode": "In Visual Studio Code it works from 1.98 on.",
}
"""Terminals of which a setting or the version decides, by TERM_PROGRAM, with the remedy."""

Ask = Callable[[str], str | None]
"""Returns the value of one of tmux's options; None where it cannot be asked."""


def check_terminal(
    environment: Mapping[str, str], *, is_terminal: bool, encoding: str, ask: Ask | None = None
) -> list[Check]:
    """Return what the terminal can do: name, colours, encoding, clipboard, mouse.  Blocks while tmux is asked."""
    if not is_terminal:
        return [Check("terminal", "terminal", "note", "standard output is not a terminal", "The screen needs one.")]
    ask = ask or tmux_option
    checks = [_check_name(environment), _check_colours(environment), _check_encoding(encoding)]
    checks += [_check_clipboard(environment, ask), _check_mouse(environment, ask)]
    if environment.get("SSH_CONNECTION"):
        checks.append(Check("terminal", "ssh", "ok", "over SSH: no reports of the pointer's moves, fewer samples"))
    return checks


def tmux_option(name: str) -> str | None:
    """Return the value of one of tmux's global options, None where there is no tmux to ask."""
    words = ["tmux", "show-options", "-gv", name]
    try:
        done = subprocess.run(words, capture_output=True, check=True, timeout=ASK_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _check_name(environment: Mapping[str, str]) -> Check:
    term = environment.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        return Check("terminal", "TERM", "problem", term or "not set", "Set TERM, such as: export TERM=xterm-256color")
    return Check("terminal", "TERM", "ok", display_name(term))


def _check_colours(environment: Mapping[str, str]) -> Check:
    if environment.get("NO_COLOR"):
        return Check("terminal", "colours", "ok", "off: NO_COLOR is set")
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return Check("terminal", "colours", "ok", "16 million")
    if "256color" in environment.get("TERM", ""):
        return Check("terminal", "colours", "ok", "256", "If the terminal can do more: export COLORTERM=truecolor")
    return Check("terminal", "colours", "note", "16", "If the terminal can do more: export TERM=xterm-256color")


def _check_encoding(encoding: str) -> Check:
    utf8 = encoding.lower().replace("-", "").replace("_", "") == "utf8"
    remedy = "" if utf8 else "Names beyond ASCII are shown as escapes; for UTF-8: export LANG=C.UTF-8"
    return Check("terminal", "encoding", "ok" if utf8 else "note", display_name(encoding), remedy)


def _check_clipboard(environment: Mapping[str, str], ask: Ask) -> Check:
    """Tell whether what is copied arrives: the sequence (OSC 52) has to pass tmux and be taken by the terminal."""
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX"):
        value = ask("set-clipboard")
        if value in ("on", "external"):
            # "external" lets the outer terminal have it only for tmux's own copies, not for those of programs.
            passes = value == "on"
            detail = f"tmux has set-clipboard {value}"
            remedy = "" if passes else "Let programs copy too: tmux set -g set-clipboard on"
            return Check("terminal", "clipboard", "ok" if passes else "note", detail, remedy)
        detail = "tmux keeps it from programs" if value == "off" else "tmux cannot be asked whether it passes"
        return Check("terminal", "clipboard", "note", detail, "Let programs copy: tmux set -g set-clipboard on")
    if environment.get("STY"):
        return Check(
            "terminal", "clipboard", "note", "GNU screen does not pass it on", "Copy with the mouse, or use tmux."
        )
    if environment.get("VTE_VERSION"):
        remedy = "Mark with the mouse while Shift is held, and copy with the terminal's own key."
        return Check("terminal", "clipboard", "note", "terminals of GNOME do not take it from programs", remedy)
    if program in OPTION_TERMINALS:
        return Check("terminal", "clipboard", "note", f"a setting of {program} decides", OPTION_TERMINALS[program])
    names = (program.lower(), environment.get("TERM", "").lower().removeprefix("xterm-"))
    if any(name.startswith(OSC52_TERMINALS) for name in names):
        return Check("terminal", "clipboard", "ok", "taken by this terminal (OSC 52)")
    remedy = "Try it: c in the settings copies a line. If nothing arrives, the terminal must allow OSC 52."
    return Check("terminal", "clipboard", "note", "not known whether this terminal takes it (OSC 52)", remedy)


def _check_mouse(environment: Mapping[str, str], ask: Ask) -> Check:
    if environment.get("TMUX"):
        if ask("mouse") == "on":
            return Check("terminal", "mouse", "ok", "passed by tmux")
        return Check(
            "terminal", "mouse", "note", "tmux keeps it to itself", "Let programs have it: tmux set -g mouse on"
        )
    if environment.get("TERM") in ("linux", "vt100", "vt220"):
        return Check("terminal", "mouse", "note", "this terminal reports none", "Everything can be done by keys.")
    return Check("terminal", "mouse", "ok", "asked for; Shift marks text as usual")

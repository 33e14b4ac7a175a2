"""The looks of Pail: calm grounds, one colour for what is active, others only where they mean something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.theme import Theme

from app.themes.colours import Colours, theme


@dataclass(frozen=True, slots=True)
class Look:
    """A theme that Pail brings along."""

    name: str
    """What `config.toml` calls it."""
    says: str
    """A few words for the list of themes."""
    colours: Colours
    """Its colours; a theme of one's own may begin with them."""

    @property
    def theme(self) -> Theme:
        """What Textual registers."""
        return theme(self.name, self.colours)


DARK: Final = Look(
    "pail-dark",
    "calm, on a dark ground",
    Colours(
        text="#d5dae1",
        quiet="#8792a1",
        ground="#12161c",
        surface="#1a2029",
        panel="#232b36",
        active="#5aa9e6",
        marked="#7fc8c2",
        good="#8fc98a",
        warning="#e5b567",
        bad="#ef7a85",
        cursor="#2b4a68",
        cursor_text="#f2f6fa",
        cursor_elsewhere="#232f3d",
        line="#3b4756",
        thumb="#2f3a47",
    ),
)

LIGHT: Final = Look(
    "pail-light",
    "calm, on a light ground",
    Colours(
        text="#1d2530",
        quiet="#5c6875",
        ground="#fafbfc",
        surface="#eff2f5",
        panel="#e2e7ec",
        active="#0b63b0",
        marked="#0f766e",
        good="#2c6e2f",
        warning="#8a5a00",
        bad="#b3203a",
        cursor="#cfe3f6",
        cursor_text="#0c1a28",
        cursor_elsewhere="#e3eaf1",
        line="#b4bfcb",
        thumb="#c3ccd6",
        dark=False,
    ),
)

EMBER: Final = Look(
    "pail-ember",
    "warm, on a dark ground",
    Colours(
        text="#e6dccd",
        quiet="#a1937f",
        ground="#1b1714",
        surface="#241f1a",
        panel="#302922",
        active="#e8a15b",
        marked="#c3b85f",
        good="#a3bb6c",
        warning="#ecc267",
        bad="#ec7f6b",
        cursor="#543b22",
        cursor_text="#fff4e4",
        cursor_elsewhere="#332a21",
        line="#4c4136",
        thumb="#41372d",
    ),
)

PAPER: Final = Look(
    "pail-paper",
    "warm, on a light ground",
    Colours(
        text="#33291d",
        quiet="#76684f",
        ground="#fbf6ea",
        surface="#f4ecda",
        panel="#eae0c9",
        active="#8a4b08",
        marked="#5c6a0c",
        good="#4b6b15",
        warning="#8c5a00",
        bad="#a8301f",
        cursor="#f0d9b0",
        cursor_text="#241a0d",
        cursor_elsewhere="#eee4cf",
        line="#cdbf9f",
        thumb="#d6c9aa",
        dark=False,
    ),
)

CONTRAST: Final = Look(
    "pail-contrast",
    "the strongest contrast",
    Colours(
        text="#ffffff",
        quiet="#d0d0d0",
        ground="#000000",
        surface="#000000",
        panel="#1c1c1c",
        active="#6fd3ff",
        marked="#fff04d",
        good="#6dff7c",
        warning="#ffd24d",
        bad="#ff8a8a",
        cursor="#ffffff",
        cursor_text="#000000",
        cursor_elsewhere="#3a3a3a",
        line="#ffffff",
        thumb="#8a8a8a",
    ),
)

ANSI_DARK: Final = Look(
    "pail-ansi",
    "your terminal's 16, dark",
    Colours(
        text="ansi_default",
        quiet="ansi_white",
        ground="ansi_default",
        surface="ansi_default",
        panel="ansi_bright_black",
        active="ansi_bright_blue",
        marked="ansi_cyan",
        good="ansi_green",
        warning="ansi_yellow",
        bad="ansi_red",
        cursor="ansi_blue",
        cursor_text="ansi_bright_white",
        cursor_elsewhere="ansi_bright_black",
        line="ansi_bright_black",
        thumb="ansi_bright_black",
    ),
)

ANSI_LIGHT: Final = Look(
    "pail-ansi-light",
    "your terminal's 16, light",
    Colours(
        text="ansi_default",
        quiet="ansi_bright_black",
        ground="ansi_default",
        surface="ansi_default",
        panel="ansi_white",
        active="ansi_blue",
        marked="ansi_magenta",
        good="ansi_green",
        warning="ansi_yellow",
        bad="ansi_red",
        cursor="ansi_blue",
        cursor_text="ansi_bright_white",
        cursor_elsewhere="ansi_white",
        line="ansi_bright_black",
        thumb="ansi_bright_black",
        dark=False,
    ),
)

LOOKS: Final = (DARK, LIGHT, EMBER, PAPER, CONTRAST, ANSI_DARK, ANSI_LIGHT)
"""Every theme that Pail brings along, the default first."""

"""The two looks of Pail: calm greys, one colour for what is active, others only where they mean something."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="pail-dark",
    primary="#5aa9e6",
    secondary="#7fc8c2",
    accent="#7fc8c2",
    warning="#e5b567",
    error="#ef7a85",
    success="#8fc98a",
    foreground="#d5dae1",
    background="#12161c",
    surface="#1a2029",
    panel="#232b36",
    dark=True,
    variables={
        "block-cursor-background": "#2b4a68",
        "block-cursor-foreground": "#f2f6fa",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232f3d",
        "block-cursor-blurred-foreground": "#d5dae1",
        "border": "#3b4756",
        "border-blurred": "#2c3541",
        "input-selection-background": "#5aa9e6 35%",
        "scrollbar": "#2f3a47",
        "scrollbar-hover": "#42505f",
        "scrollbar-active": "#5aa9e6",
        "scrollbar-background": "#161b22",
        "scrollbar-background-hover": "#161b22",
        "scrollbar-background-active": "#161b22",
        "text-quiet": "#8792a1",
    },
)
"""Light text on a dark ground."""

LIGHT: Final = Theme(
    name="pail-light",
    primary="#0b63b0",
    secondary="#0f766e",
    accent="#0f766e",
    warning="#8a5a00",
    error="#b3203a",
    success="#2c6e2f",
    foreground="#1d2530",
    background="#fafbfc",
    surface="#eff2f5",
    panel="#e2e7ec",
    dark=False,
    variables={
        "block-cursor-background": "#cfe3f6",
        "block-cursor-foreground": "#0c1a28",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e3eaf1",
        "block-cursor-blurred-foreground": "#1d2530",
        "border": "#b4bfcb",
        "border-blurred": "#cfd7df",
        "input-selection-background": "#0b63b0 25%",
        "scrollbar": "#c3ccd6",
        "scrollbar-hover": "#aab6c3",
        "scrollbar-active": "#0b63b0",
        "scrollbar-background": "#eff2f5",
        "scrollbar-background-hover": "#eff2f5",
        "scrollbar-background-active": "#eff2f5",
        "text-quiet": "#5c6875",
    },
)
"""Dark text on a light ground."""

THEMES: Final = (DARK, LIGHT)
"""Both, the default first."""

"""Pail's own settings: every one with what it means and where it comes from, changed in `config.toml`."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from app.screens.dialog import Label
from app.screens.over import Over
from app.screens.setting import ValueDialog
from services.config import Reading, all_settings, config_file
from services.config.showing import effective, written
from services.config.writing import change, setting, understood
from services.names import display_name
from widgets.facts import Fact, Facts
from widgets.symbols import Symbols

UNSET: Final = "none"
"""What takes a setting out of the file, where an empty line would be a slip."""


class PreferencesScreen(Over[bool | None]):
    """A list of settings; answers whether something was changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Close", show=False),
    ]

    def __init__(self, reading: Reading, symbols: Symbols) -> None:
        """Show what was read."""
        super().__init__()
        self._reading = reading
        self._symbols = symbols
        self._changed = False

    def compose(self) -> ComposeResult:
        """Lay out title, settings and keys."""
        with Vertical(classes="dialog dialog-tall"):
            yield Label("Settings of Pail", classes="dialog-title")
            yield Label(display_name(str(config_file())), classes="dialog-url", id="preferences-file")
            yield Facts(symbols=self._symbols, id="preferences")
            keys = "enter changes · pail config edit opens the file · Esc closes"
            yield Label(self._symbols.say(keys), classes="dialog-note", id="preferences-keys")

    def on_mount(self) -> None:
        """Show the settings."""
        self._show()
        self.query_one(Facts).focus()

    def _show(self) -> None:
        known = {one.key for one in all_settings()}
        table = ""
        facts = []
        for one in effective(self._reading):
            if one.key not in known:
                continue
            section = one.key.partition(".")[0]
            value = written(one.value)
            came = "" if one.origin == "default" else f"   {one.origin}"
            gap = bool(table) and section != table
            facts.append(Fact(one.key, f"{value}{came}", action=one.key, hint="enter", gap=gap))
            table = section
        self.query_one(Facts).show(facts)

    @on(Facts.ActionWanted)
    def _wanted(self, event: Facts.ActionWanted) -> None:
        event.stop()
        self.run_worker(self._ask(event.key), exclusive=True, group="change")

    async def _ask(self, key: str) -> None:
        known = setting(key)
        value = written(self._reading.config.value(key)).strip('"')

        def check(typed: str) -> None:
            if typed != UNSET:
                understood(key, typed)

        async def apply(typed: str) -> None:
            self._reading = await asyncio.to_thread(change, key, None if typed == UNSET else typed)

        dialog = ValueDialog(
            key,
            known.wanted.meaning,
            apply,
            now=value or UNSET,
            value=value,
            example=known.wanted.values,
            check=check,
            choices=known.wanted.choices,
        )
        if await self.app.push_screen_wait(dialog) is not None:
            self._changed = True
            self._show()
            self.app.notify("Saved; most settings take effect at the next start.", markup=False)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(self._changed)

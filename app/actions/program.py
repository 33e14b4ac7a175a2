"""What can be done with the program itself: help, themes, its settings, leaving it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.context import VIEWS, Context
from app.desk import Desk
from app.registry import applying
from app.screens.dialog import ConfirmDialog
from app.screens.help import HelpScreen
from app.screens.jump import JumpScreen, targets
from app.screens.keys import sections_here
from app.screens.palette import Palette, offers
from app.screens.preferences import PreferencesScreen
from app.screens.theme import ThemeDialog
from app.session import BucketChoice
from services.config import load_or_defaults, read


class ProgramActions:
    """Acts on the program, whatever is shown."""

    def __init__(self, desk: Desk, context: Callable[[], Context], run: Callable[[str], None]) -> None:
        """Act on a desk; `context` says which commands apply now, `run` runs one by its id."""
        self._desk = desk
        self._context = context
        self._run = run

    async def do_palette(self) -> None:
        """Open the palette, and do what was chosen in it."""
        desk = self._desk
        commands = desk.surroundings.keymap.commands
        here = desk.place
        recent = [place for place in desk.visited if (place.bucket, place.name) != (here.bucket, here.prefix)]
        offer = await desk.ask(Palette(list(offers(self._context(), self._other_buckets(), commands, recent))))
        if offer is not None and offer.bucket:
            desk.open_bucket(offer.bucket, offer.prefix)
        elif offer is not None:
            self._run(offer.command)

    def _other_buckets(self) -> list[BucketChoice]:
        """Return the other buckets, as far as they are known."""
        desk = self._desk
        if not desk.is_connected:
            return []
        return [choice for choice in desk.session.known_choices() if choice.name != desk.place.bucket]

    async def do_help(self) -> None:
        """Show the help."""
        context, commands = self._context(), self._desk.surroundings.keymap.commands
        title = dict(VIEWS).get(context.view, "Find")
        sections = sections_here(title, self._desk.screen, applying(context, commands), commands)
        await self._desk.ask(HelpScreen(sections, symbols=self._desk.symbols))

    async def do_jump(self) -> None:
        """Show a letter on everything that can be gone to, and go where one leads."""
        target = await self._desk.ask(JumpScreen(targets(self._desk.screen)))
        if target is not None:
            target.go()

    async def do_theme(self) -> None:
        """Choose a theme, shown as the cursor moves over it."""
        surroundings = self._desk.surroundings
        dialog = ThemeDialog(surroundings.looks, self._desk.screen.app.theme, surroundings.symbols.chosen)
        chosen = await self._desk.ask(dialog)
        if chosen is not None:
            await surroundings.remembered.set_theme(chosen)

    async def do_preferences(self) -> None:
        """See and change Pail's own settings; a theme is taken at once."""
        reading = await asyncio.to_thread(read)
        if await self._desk.ask(PreferencesScreen(reading, self._desk.symbols)):
            named = (await asyncio.to_thread(load_or_defaults)).config.screen.theme
            if named in self._desk.screen.app.available_themes:
                self._desk.screen.app.theme = named

    async def do_quit(self) -> None:
        """Leave; ask while something runs only here."""
        desk = self._desk
        if desk.only_here:
            lines = (*desk.only_here.values(), "Only this part is given up; transfers go on.")
            if not await desk.ask(ConfirmDialog("Leave now?", lines, go="Leave", danger=True)):
                return
        desk.screen.app.exit(0)

"""What can be done in a bucket's settings: change one, add and remove lifecycle rules, see access and code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from app.desk import Desk
from app.screens.access import AccessScreen
from app.screens.code import CodeScreen
from app.screens.dialog import ConfirmDialog, shown
from app.screens.setting import RuleDialog, ValueDialog
from services.changing import differences, send_settings
from services.errors import Forbidden, PailError, PreconditionFailed
from services.lifecycle import Rule, parse_rule, patch_of, rules_of, with_rule, without_rule, words
from services.model import BucketInfo
from services.names import GsUrl
from services.settings import NEEDS_UPDATE, Patch, Setting, caution
from services.snippets import snippets


class SettingsActions:
    """Changes settings of the open bucket: only the fields that were asked for, as they were seen."""

    def __init__(self, desk: Desk, show: Callable[[], None]) -> None:
        """Work on `desk`; `show` shows the settings anew."""
        self._desk = desk
        self._show = show

    async def do_access(self) -> None:
        """Show who may do what, and let it be changed."""
        desk, place = self._desk, self._desk.place
        session = desk.session
        if place.settings is None:
            with contextlib.suppress(PailError):  # access can be seen without; the warnings know less then
                await self._seen()
        screen = AccessScreen(session.storage.control, session.connection, place.bucket, place.settings, desk.symbols)
        await desk.ask(screen)

    async def do_code(self) -> None:
        """Show code for the cursor's row; in the other views for the bucket."""
        desk = self._desk
        entry = desk.rows.cursor_entry if desk.rows.has_focus else None
        url = GsUrl(desk.place.bucket, entry.name if entry else "")
        await desk.ask(CodeScreen("Use from code", shown(str(url)), snippets(url.bucket, url.name), desk.symbols))

    async def do_add_rule(self) -> None:
        """Add a lifecycle rule."""
        await self.add_rule()

    async def add_rule(self, rule: Rule | None = None) -> None:
        """Ask for a lifecycle rule, beginning with one that was proposed, and add it."""
        info = await self._seen()
        proposed = words(rule) if rule is not None else ""
        added = await self._desk.ask(RuleDialog(lambda text: self._add(info.name, text), proposed))
        if added is not None:
            self._desk.tell(f"Added: {words(parse_rule(added))}")

    async def _add(self, bucket: str, text: str) -> None:
        rule = parse_rule(text)
        await self._send(bucket, lambda seen: patch_of(with_rule(rules_of(seen.resource), rule)))

    async def remove_rule(self, rule: Rule) -> None:
        """Remove a lifecycle rule, after a question."""
        info = await self._seen()
        lines = (words(rule), "What it has done already stays as it is.")
        if not await self._desk.ask(ConfirmDialog("Remove this lifecycle rule?", lines, go="Remove")):
            return
        await self._send(info.name, lambda seen: patch_of(without_rule(rules_of(seen.resource), rule)))
        self._desk.tell(f"Removed: {words(rule)}")

    async def change(self, setting: Setting) -> None:
        """Ask for a new value of a setting and send it."""
        info = await self._seen()

        async def apply(text: str) -> None:
            await self._send(info.name, lambda seen: setting.parse(text, seen))

        dialog = ValueDialog(
            setting.label,
            setting.meaning,
            apply,
            now=setting.show(info),
            value=setting.typed(info),
            example=setting.example,
            check=lambda text: setting.parse(text, info),
            choices=setting.choices,
            caution=lambda text: caution(setting, text),
        )
        if await self._desk.ask(dialog) is not None and self._desk.place.settings is not None:
            self._desk.tell(f"{setting.label}: {setting.show(self._desk.place.settings)}")

    async def _seen(self) -> BucketInfo:
        """Return the settings as they are on the screen; those that are not known yet are read."""
        place = self._desk.place
        if place.settings is None:
            place.settings = await self._desk.session.storage.control.get_bucket(place.bucket)
        return place.settings

    async def _send(self, bucket: str, make: Callable[[BucketInfo], Patch]) -> None:
        """Send a change of what was seen; where somebody was faster, show theirs and change nothing."""
        desk = self._desk
        control = desk.session.storage.control
        seen = desk.place.settings
        if seen is None or seen.name != bucket:
            return  # another bucket was opened meanwhile
        patch = make(seen)
        if not patch:
            return
        try:
            now = await send_settings(control, seen, patch)
        except PreconditionFailed as error:
            now = await control.get_bucket(bucket)
            self._keep(now)
            changed = "; ".join(differences(seen, now)) or "something that is not shown here"
            raise PreconditionFailed(
                f"somebody changed {shown(bucket)} meanwhile: {changed}",
                remedy="Nothing was overwritten. Look at it, then change it again.",
            ) from error
        except Forbidden as error:
            remedy = f"It needs {NEEDS_UPDATE}: ask the owner of the bucket for the role Storage Admin."
            raise Forbidden(error.message, remedy=remedy, url=error.url) from error
        self._keep(now)

    def _keep(self, now: BucketInfo) -> None:
        if self._desk.place.bucket == now.name:
            self._desk.place.settings = now
            self._show()

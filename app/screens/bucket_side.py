"""What the main screen answers to in the Settings view: changes, rules, and the ways to other dialogs."""

from __future__ import annotations

from typing import Final

from textual import on

from app.screens.controls import MainControls
from widgets.facts import Facts
from widgets.settings_pane import SettingsPane

ROW_COMMANDS: Final = {
    "remove-bucket": "remove_bucket",
    "delete-bucket": "delete_bucket",
    "create-bucket": "create_bucket",
    "retry": "refresh",
    "access": "access",
    "code": "code",
    "add-rule": "add_rule",
}
"""Commands behind the rows of the settings that do something."""


class BucketSide(MainControls):
    """The part of the main screen that is about the bucket itself."""

    @on(Facts.ActionWanted)
    def _action_wanted(self, message: Facts.ActionWanted) -> None:
        if message.key in ROW_COMMANDS:
            self.action_command(ROW_COMMANDS[message.key])

    @on(SettingsPane.ChangeWanted)
    def _change_wanted(self, message: SettingsPane.ChangeWanted) -> None:
        if self.may("change"):
            self.attempt(self.settings.change(message.setting))

    @on(SettingsPane.RuleRemovalWanted)
    def _rule_removal_wanted(self, message: SettingsPane.RuleRemovalWanted) -> None:
        if self.may("remove_rule"):
            self.attempt(self.settings.remove_rule(message.rule))

"""The settings of a bucket: its ID, where it lies, what it keeps, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar, Final, Literal

from textual import on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message

from services.lifecycle import Rule, rules_of, words
from services.model import BucketInfo
from services.settings import SETTINGS, Setting, setting
from widgets import formats
from widgets.facts import Fact, Facts

SettingsAction = Literal["remove-bucket", "delete-bucket", "create-bucket", "retry", "access", "code", "add-rule"]
"""What a row of the settings can do."""

_CHANGE: Final = "change:"
"""Begins the action of a line that changes a setting; its key follows."""

_RULE: Final = "rule:"
"""Begins the action of a line that is a lifecycle rule; its number follows."""

_CLASSES: Final = {"STANDARD": "Standard", "NEARLINE": "Nearline", "COLDLINE": "Coldline", "ARCHIVE": "Archive"}
"""How storage classes are written for people."""

_UNKNOWN: Final = "not known (needs storage.buckets.get)"
"""Stands for what these credentials may not read."""


class SettingsPane(Facts):
    """The Settings view; `CopyWanted` and `ActionWanted` (a `SettingsAction`) are those of `Facts`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "change", "Change", show=False, id="change"),
        Binding("X,delete,f8", "remove_rule", "Remove the rule", show=False, id="remove_rule"),
    ]

    @dataclass
    class ChangeWanted(Message):
        """A setting should be changed."""

        setting: Setting
        """Which."""

    @dataclass
    class RuleRemovalWanted(Message):
        """A lifecycle rule should be removed."""

        rule: Rule
        """Which."""

    _info: BucketInfo | None = None

    def show_bucket(
        self,
        info: BucketInfo,
        *,
        attached: bool = True,
        editable: bool = False,
        members: str = "",
        zone: tzinfo | None = None,
        no_change: str = "",
        no_delete: str = "",
    ) -> None:
        """Show the settings of a bucket; `attached` says whether the workspace has it.

        `editable` adds what can be changed, and the ways to access and code; `members` says who has access, in words.
        `no_change` and `no_delete` say why these credentials cannot change the settings or delete the bucket.
        """
        self._info = info
        dot = self.symbols.dot
        if not editable:
            self.show(bucket_facts(info, attached=attached, zone=zone, dot=dot))
            return
        actions = _actions(attached=attached, no_delete=no_delete)
        self.show([*_identity(info, zone, dot), *_editable(info, members, no_change), *actions])

    def action_change(self) -> None:
        """Ask for the setting with the cursor to be changed."""
        fact = self._focused_fact()
        if fact is None or not fact.hint:
            raise SkipAction
        self._act(fact.action)

    def action_remove_rule(self) -> None:
        """Ask for the lifecycle rule with the cursor to be removed."""
        fact = self._focused_fact()
        if fact is None or not fact.action.startswith(_RULE):
            raise SkipAction
        self._act(fact.action)

    @on(Facts.ActionWanted)
    def _chosen(self, event: Facts.ActionWanted) -> None:
        """Turn what a line does into a message with the setting or the rule it is about."""
        if event.key.startswith((_CHANGE, _RULE)):
            event.stop()
            self._act(event.key)

    def _act(self, key: str) -> None:
        if key.startswith(_CHANGE):
            self.post_message(self.ChangeWanted(setting(key.removeprefix(_CHANGE))))
        elif key.startswith(_RULE) and self._info is not None:
            index = int(key.removeprefix(_RULE))
            self.post_message(self.RuleRemovalWanted(rules_of(self._info.resource)[index]))

    def show_problem(self, name: str, problem: str, remedy: str, *, attached: bool = False) -> None:
        """Show what is known where the settings cannot be read, and what can be done all the same.

        Without a remedy they are not refused, but on their way.
        """
        identity = (Fact("Bucket ID", name, copy=name), Fact("Address", f"gs://{name}", copy=f"gs://{name}"))
        if not remedy:
            self.show([*identity, Fact("Settings", problem, gap=True)])
            return
        # First what is wrong, and the key first of all: in a low window that is what can be seen.
        refused = f"! unreadable, enter reads again\n{problem}\n{remedy}"
        settings = Fact("Settings", refused, action="retry", hint="enter")
        self.show([settings, *identity, *_ways(""), *_actions(attached=attached)])

    def show_nothing(self) -> None:
        """Show that there is no bucket."""
        self.show([Fact("No bucket yet", "Create one, or add an existing one with b.", action="create-bucket")])


def bucket_facts(info: BucketInfo, *, attached: bool = True, zone: tzinfo | None = None, dot: str = "·") -> list[Fact]:
    """Return the lines of the settings; `dot` stands between facts on one line."""
    return [*_identity(info, zone, dot), *_protection(info), *_actions(attached=attached)]


def _identity(info: BucketInfo, zone: tzinfo | None, dot: str) -> Iterator[Fact]:
    yield Fact("Bucket ID", info.name, copy=info.name)
    yield Fact("Address", f"gs://{info.name}", copy=f"gs://{info.name}")
    if info.location:
        kind = f" ({info.location_type})" if info.location_type else ""
        space = "hierarchical namespace" if info.hierarchical_namespace else "flat namespace"
        storage_class = _CLASSES.get(info.storage_class, info.storage_class)
        yield Fact(
            "Location", f" {dot} ".join(part for part in (f"{info.location}{kind}", space, storage_class) if part)
        )
    else:
        yield Fact("Location", _UNKNOWN)
    yield Fact("Created", formats.date_time(info.created, zone) if info.created else _UNKNOWN)


def _protection(info: BucketInfo) -> Iterator[Fact]:
    yield Fact("Versioning", "on: older versions are kept" if info.versioning else "off", gap=True)
    keeps = f"{formats.period(info.soft_delete_s)}: deleted objects can be restored"
    yield Fact("Soft delete", keeps if info.soft_delete_s else "off: deleted objects are gone")
    yield Fact("Uniform access", "on: only IAM decides" if info.uniform_access else "off: ACLs count as well")
    prevented = info.public_access_prevention == "enforced"
    yield Fact("Public access", "prevented" if prevented else "not prevented here")
    if info.requester_pays:
        yield Fact("Requester pays", "on: requests are billed to the one who asks")
    labels = "\n".join(f"{key}={value}" for key, value in sorted(info.labels.items()))
    yield Fact("Labels", labels or "none", copy=labels)


def _editable(info: BucketInfo, members: str, no_change: str) -> Iterator[Fact]:
    """Yield every setting that can be changed, each lifecycle rule on a line, and the ways to access and code."""
    if no_change:
        yield Fact("Changing them", no_change, gap=True)
    for index, each in enumerate(SETTINGS):
        if each.key == "lifecycle":
            yield from _rules(info, fixed=bool(no_change))
        elif no_change:
            yield Fact(each.label, each.show(info))
        else:
            value = each.show(info)
            yield Fact(each.label, value, action=f"{_CHANGE}{each.key}", hint="e change", gap=index == 0)
    yield from _ways(members)


def _ways(members: str) -> Iterator[Fact]:
    yield Fact("Access", members or "who may do what", action="access", hint="enter", gap=True)
    yield Fact("Use from code", "Python · JavaScript · gcloud · rclone · pail", action="code", hint="enter")


def _rules(info: BucketInfo, *, fixed: bool) -> Iterator[Fact]:
    rules = rules_of(info.resource)
    if fixed:
        yield Fact("Lifecycle", "\n".join(map(words, rules)) or "no rules")
        return
    for index, rule in enumerate(rules):
        yield Fact("" if index else "Lifecycle", words(rule), action=f"{_RULE}{index}", hint="X remove")
    yield Fact("" if rules else "Lifecycle", "" if rules else "no rules", action="add-rule", hint="enter add a rule")


def _actions(*, attached: bool, no_delete: str = "") -> Iterator[Fact]:
    if attached:
        yield Fact("Remove from this workspace…", "data stays in the bucket", action="remove-bucket", gap=True)
    if no_delete:
        yield Fact("Delete bucket", no_delete, gap=not attached)
        return
    yield Fact("Delete bucket…", "and everything in it", action="delete-bucket", danger=True, gap=not attached)

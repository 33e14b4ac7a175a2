"""The settings of a bucket: its ID, where it lies, what it keeps, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Final, Literal

from services.model import BucketInfo
from widgets import formats
from widgets.facts import Fact, Facts

SettingsAction = Literal["remove-bucket", "delete-bucket", "create-bucket", "retry"]
"""What a row of the settings can do."""

_CLASSES: Final = {"STANDARD": "Standard", "NEARLINE": "Nearline", "COLDLINE": "Coldline", "ARCHIVE": "Archive"}
"""How storage classes are written for people."""

_UNKNOWN: Final = "not known (needs storage.buckets.get)"
"""Stands for what these credentials may not read."""


class SettingsPane(Facts):
    """The Settings view; `CopyWanted` and `ActionWanted` are those of `Facts`."""

    def show_bucket(self, info: BucketInfo, *, attached: bool = True, zone: tzinfo | None = None) -> None:
        """Show the settings of a bucket; `attached` says whether the workspace has it."""
        self.show(bucket_facts(info, attached=attached, zone=zone, dot=self.symbols.dot))

    def show_problem(self, name: str, problem: str, remedy: str) -> None:
        """Show what is known where the settings cannot be read."""
        self.show(
            [
                Fact("Bucket ID", name, copy=name),
                Fact("Address", f"gs://{name}", copy=f"gs://{name}"),
                Fact("Settings", f"{problem}\n{remedy}" if remedy else problem, action="retry", gap=True),
            ]
        )

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


def _actions(*, attached: bool) -> Iterator[Fact]:
    if attached:
        yield Fact("Remove from this workspace…", "data stays in the bucket", action="remove-bucket", gap=True)
    yield Fact("Delete bucket…", "and everything in it", action="delete-bucket", danger=True, gap=not attached)

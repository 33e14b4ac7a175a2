"""The settings of a bucket as one table: shown in words, read from text, changed one field at a time.

A change is a JSON patch of only the fields that were asked for; it is sent with the metageneration that was seen
(`ControlPlane.patch_bucket`), so that nobody else's change is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services import setting_values as values
from services.errors import UsageError
from services.model import BucketInfo
from services.quantities import is_off
from services.storage_classes import CLASSES, class_title
from services.words import day, shown

NEEDS_UPDATE: Final = "storage.buckets.update"
"""Permission that every change of a setting needs."""

Patch = dict[str, Any]
"""Changes of a bucket's JSON resource: only what was asked for; None removes a field."""

_SWITCH: Final = ("on", "off")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing about a bucket that can be changed later."""

    key: str
    """As typed in `pail settings gs://B KEY=VALUE`."""
    label: str
    """For a person."""
    meaning: str
    """What it does, in one line."""
    example: str
    """What may be typed, by example."""
    show: Callable[[BucketInfo], str]
    """The present value in words, safe on a terminal."""
    parse: Callable[[str, BucketInfo], Patch]
    """The change that a text asks for; raises `UsageError`."""
    choices: tuple[str, ...] = ()
    """All that may be typed, where that is a short list."""
    typed: Callable[[BucketInfo], str] = lambda _: ""
    """The present value as it would be typed, to start editing from."""
    caution: str = ""
    """What to know before changing it; empty for what is harmless and can be taken back."""
    permission: str = NEEDS_UPDATE
    """Permission that a change needs."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about a bucket that is fixed for ever."""

    label: str
    """For a person."""
    value: str
    """In words, safe on a terminal."""
    copied: str = ""
    """What copying it puts on the clipboard, raw; empty where there is nothing to copy."""


def _switch(key: str, label: str, meaning: str, field: tuple[str, ...], caution: str = "") -> Setting:
    """Return a setting that is one boolean in the JSON resource."""

    def show(bucket: BucketInfo) -> str:
        return "on" if values.at(bucket, *field) is True else "off"

    def parse(text: str, bucket: BucketInfo) -> Patch:
        return values.switch(text, bucket, field)

    return Setting(key, label, meaning, "on", show, parse, choices=_SWITCH, typed=show, caution=caution)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "versioning",
        "Versioning",
        "keeps what is replaced or deleted as an older version, which is stored and billed until it is deleted",
        "on",
        lambda bucket: "on" if bucket.versioning else "off",
        values.parse_versioning,
        choices=_SWITCH,
        typed=lambda bucket: "on" if bucket.versioning else "off",
    ),
    Setting(
        "soft-delete",
        "Soft delete",
        "for so long, what is deleted can be restored; it is stored and billed until then",
        "7d",
        values.show_soft_delete,
        values.parse_soft_delete,
        typed=values.type_soft_delete,
        caution="Off: what is deleted from then on cannot be restored.",
    ),
    Setting(
        "class",
        "Default class",
        "class of new objects that ask for none; objects that exist stay what they are",
        "nearline",
        lambda bucket: class_title(bucket.storage_class),
        values.parse_default_class,
        choices=tuple(known.name.lower() for known in CLASSES),
        typed=lambda bucket: bucket.storage_class.lower(),
        caution="Colder classes cost less to keep, more to read, and bill a minimum time.",
    ),
    Setting(
        "autoclass",
        "Autoclass",
        "Google moves each object to the class that fits how it is read; bills a fee for each object",
        "on",
        values.show_autoclass,
        values.parse_autoclass,
        choices=("off", "nearline", "archive"),
        typed=values.type_autoclass,
    ),
    Setting(
        "lifecycle",
        "Lifecycle",
        "rules by which Google deletes objects or moves them to colder classes; they act within about a day",
        "+delete after 90 days (logs/)",
        values.show_lifecycle,
        values.parse_lifecycle,
        typed=values.type_lifecycle,
        caution="A rule acts on everything it fits, without asking; deletes go to soft delete if that is on.",
    ),
    Setting(
        "public-access",
        "Public access",
        "prevented: nothing in this bucket can be made public, whatever roles say",
        "prevented",
        lambda bucket: "prevented" if bucket.public_access_prevention == "enforced" else "not prevented here",
        values.parse_public_access,
        choices=("prevented", "inherited"),
        typed=lambda bucket: "prevented" if bucket.public_access_prevention == "enforced" else "inherited",
        caution="Prevented: links and pages that are public now stop working. Inherited: roles may make it public.",
    ),
    Setting(
        "uniform-access",
        "Uniform access",
        "only roles decide who may do what; off, each object can have its own list (ACL)",
        "on",
        values.show_uniform_access,
        values.parse_uniform_access,
        choices=_SWITCH,
        typed=lambda bucket: "on" if bucket.uniform_access else "off",
        caution="On: access that was granted by ACLs stops. It can be turned off for 90 days, then never.",
    ),
    _switch(
        "requester-pays",
        "Requester pays",
        "whoever reads pays for the requests and the traffic, and has to name a project",
        ("billing", "requesterPays"),
        "On: requests without a project of their own fail, links included.",
    ),
    Setting(
        "labels",
        "Labels",
        "names and values that bills and filters can group by",
        "+team=media",
        values.show_labels,
        values.parse_labels,
        typed=values.type_labels,
    ),
    Setting(
        "cors",
        "CORS",
        "which web pages of other origins may load objects in a browser (JSON)",
        '[{"origin": ["https://example.com"], "method": ["GET"], "maxAgeSeconds": 3600}]',
        values.show_cors,
        values.parse_cors,
        typed=values.type_cors,
    ),
    Setting(
        "retention",
        "Retention",
        "no object can be deleted or replaced before it is that old",
        "30d",
        values.show_retention,
        values.parse_retention,
        typed=values.type_retention,
        caution="Locking it (in Google's tools) is for good: it can then only get longer.",
    ),
    _switch(
        "event-hold",
        "Default event hold",
        "new objects are held: none can be deleted or replaced until its hold is released",
        ("defaultEventBasedHold",),
        "New uploads cannot be deleted or replaced until their holds are released one by one.",
    ),
    Setting(
        "website-main",
        "Website main page",
        "object that answers for a folder when the bucket serves a website",
        "index.html",
        lambda bucket: shown(values.at(bucket, *values.MAIN_PAGE) or "none"),
        lambda text, bucket: values.website(text, bucket, main_page=True),
        typed=lambda bucket: str(values.at(bucket, *values.MAIN_PAGE) or ""),
    ),
    Setting(
        "website-404",
        "Website 404 page",
        "object that answers where nothing is found when the bucket serves a website",
        "404.html",
        lambda bucket: shown(values.at(bucket, *values.NOT_FOUND_PAGE) or "none"),
        lambda text, bucket: values.website(text, bucket, main_page=False),
        typed=lambda bucket: str(values.at(bucket, *values.NOT_FOUND_PAGE) or ""),
    ),
    Setting(
        "rpo",
        "Replication",
        "turbo: both regions of a dual-region have every object within 15 minutes; costs more",
        "turbo",
        values.show_rpo,
        values.parse_rpo,
        choices=("default", "turbo"),
        typed=values.show_rpo,
    ),
    Setting(
        "logging",
        "Access logs",
        "usage and storage logs are written to another bucket",
        "gs://my-logs/prefix",
        values.show_logging,
        values.parse_logging,
        typed=values.type_logging,
    ),
    Setting(
        "kms-key",
        "Encryption key",
        "customer-managed key of new objects; without it they cannot be read",
        "projects/P/locations/L/keyRings/R/cryptoKeys/K",
        lambda bucket: shown(values.at(bucket, "encryption", "defaultKmsKeyName") or "Google's own"),
        values.parse_kms_key,
        typed=lambda bucket: str(values.at(bucket, "encryption", "defaultKmsKeyName") or ""),
        caution="Whoever disables or destroys the key makes every object written with it unreadable.",
    ),
)
"""All settings that can be changed, in the order of the settings view."""

_BY_KEY: Final[Mapping[str, Setting]] = {setting.key: setting for setting in SETTINGS}


def setting(key: str) -> Setting:
    """Return the setting of a key; raises `UsageError` that names all keys."""
    found = _BY_KEY.get(key.strip().lower().replace("_", "-"))
    if found is None:
        raise UsageError(f"there is no setting '{shown(key, 40)}'", remedy=f"One of: {', '.join(_BY_KEY)}.")
    return found


def changes(bucket: BucketInfo, assignments: Sequence[str]) -> Patch:
    """Return the one patch that several `KEY=VALUE` ask for; raises `UsageError` for a wrong or repeated one."""
    patch: Patch = {}
    seen: set[str] = set()
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"'{shown(assignment, 80)}' has no value", remedy="Write it as KEY=VALUE.")
        wanted = setting(key)
        if wanted.key in seen and wanted.key not in values.CUMULATIVE:
            raise UsageError(f"'{wanted.key}' is set twice", remedy="Name each setting once.")
        seen.add(wanted.key)
        _merge(patch, wanted.parse(text, values.patched(bucket, patch)))
    return patch


def caution(wanted: Setting, text: str) -> str:
    """Return what to know before a setting becomes what is typed; "" where there is nothing to know."""
    off = is_off(text)
    if (wanted.caution.startswith("Off:") and not off) or (wanted.caution.startswith("On:") and off):
        return ""
    takes_away = wanted.key in values.CUMULATIVE and (off or text.strip().startswith("-"))
    return "" if takes_away else wanted.caution


def _merge(patch: Patch, more: Patch) -> None:
    for key, value in more.items():
        known = patch.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            patch[key] = value


def facts(bucket: BucketInfo) -> list[Fact]:
    """Return what is fixed about a bucket, in the order of the settings view."""
    found = [Fact("Bucket ID", shown(bucket.name), bucket.name)]
    found.append(Fact("Address", shown(f"gs://{bucket.name}"), f"gs://{bucket.name}"))
    if bucket.location:
        kind = f" ({shown(bucket.location_type, 40)})" if bucket.location_type else ""
        found.append(Fact("Location", f"{shown(bucket.location, 40)}{kind}{_placement(bucket)}", bucket.location))
    namespace = "real folders (hierarchical)" if bucket.hierarchical_namespace else "flat"
    found.append(Fact("Namespace", namespace))
    if bucket.created:
        found.append(Fact("Created", day(bucket.created)))
    if owner := values.at(bucket, "projectNumber"):
        found.append(Fact("Project number", shown(owner, 40), str(owner)))
    if values.at(bucket, "objectRetention", "mode"):
        found.append(Fact("Object retention", "objects may have their own retention"))
    return found


def _placement(bucket: BucketInfo) -> str:
    regions = values.at(bucket, "customPlacementConfig", "dataLocations")
    return f": {' and '.join(shown(region, 40) for region in regions)}" if isinstance(regions, list) else ""

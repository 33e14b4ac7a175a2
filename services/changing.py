"""Sends a change of a bucket so that nobody else's is overwritten, and says what others changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.errors import Transient
from services.gcs.interface import ControlPlane
from services.model import BucketInfo, IamPolicy
from services.settings import SETTINGS, Patch


async def send_settings(control: ControlPlane, seen: BucketInfo, patch: Patch) -> BucketInfo:
    """Send a patch of settings that were seen, and read back where the answer was lost.

    Raises `PreconditionFailed` where somebody was faster, `Transient` where it is certain that nothing was changed.
    """
    try:
        return await control.patch_bucket(seen.name, patch, metageneration=seen.metageneration)
    except Transient:
        now = await control.get_bucket(seen.name)
        if now.metageneration == seen.metageneration or not holds(now.resource, patch):
            raise
        return now


def holds(resource: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Tell whether a resource is as a patch wants it."""
    for key, value in patch.items():
        present = resource.get(key)
        if isinstance(value, Mapping):
            if not holds(present if isinstance(present, Mapping) else {}, value):
                return False
        elif value is None:
            if present:
                return False
        elif present != value:
            return False
    return True


def differences(before: BucketInfo, after: BucketInfo) -> list[str]:
    """Return which settings differ, in words: `Versioning: off, now on`."""
    shown = ((each.label, each.show(before), each.show(after)) for each in SETTINGS)
    return [f"{label}: {old}, now {new}" for label, old, new in shown if old != new]


async def send_policy(
    control: ControlPlane, bucket: str, wanted: IamPolicy, apply: Callable[[IamPolicy], IamPolicy]
) -> IamPolicy:
    """Replace the policy that was seen with `wanted`, and read back where the answer was lost.

    `apply` is the change itself; it returns the very policy that it is given where there is nothing to change.
    Raises `PreconditionFailed` where somebody was faster, `Transient` where it is certain that nothing was changed.
    """
    try:
        return await control.set_policy(bucket, wanted)
    except Transient:
        now = await control.get_policy(bucket)
        if now.etag == wanted.etag or apply(now) is not now:
            raise
        return now

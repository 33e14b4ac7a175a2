"""Which permission a command needs, so that what cannot work is greyed out beforehand and says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from services.permissions import ABORT, ASKED, CREATE, DELETE, GET, REMOVE, UPDATE, UPDATE_OBJECT

if TYPE_CHECKING:
    from services.access import Access

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "upload": (CREATE,),
    "upload_folder": (CREATE,),
    "new_folder": (CREATE,),
    "paste": (CREATE,),
    "edit_content": (GET, CREATE),
    "restore": (CREATE,),
    "download": (GET,),
    "download_to": (GET,),
    "view_content": (GET,),
    "link": (GET,),
    "take_copy": (GET,),
    "copy_to": (GET,),
    "take_cut": (GET, DELETE),
    "move_to": (GET, DELETE),
    "rename": (CREATE, DELETE),
    "delete": (DELETE,),
    "usage_delete": (DELETE,),
    "abort_uploads": (ABORT,),
    "edit": (UPDATE_OBJECT,),
    "change": (UPDATE,),
    "add_rule": (UPDATE,),
    "remove_rule": (UPDATE,),
    "delete_bucket": (REMOVE,),
}
"""Permissions by command, those of the open bucket (cloud.google.com/storage/docs/access-control/iam-json)."""


def refused(access: Access) -> frozenset[str]:
    """Return the permissions that these credentials are known not to have on a bucket."""
    return frozenset(permission for permission in ASKED if access.refuses(permission))


def refusal(identifier: str, refused_here: frozenset[str]) -> str:
    """Return why a command cannot work here, in one line; empty where it may."""
    missing = [permission for permission in NEEDS.get(identifier, ()) if permission in refused_here]
    return f"needs {' and '.join(missing)}, which these credentials do not have here" if missing else ""

"""The names of the permissions that decide what a person can do with a bucket; imports nothing."""

from __future__ import annotations

from typing import Final

LIST: Final = "storage.objects.list"
GET: Final = "storage.objects.get"
CREATE: Final = "storage.objects.create"
DELETE: Final = "storage.objects.delete"
UPDATE_OBJECT: Final = "storage.objects.update"
ABORT: Final = "storage.multipartUploads.abort"
SETTINGS: Final = "storage.buckets.get"
UPDATE: Final = "storage.buckets.update"
REMOVE: Final = "storage.buckets.delete"
POLICY: Final = "storage.buckets.getIamPolicy"
SET_POLICY: Final = "storage.buckets.setIamPolicy"

ASKED: Final = [LIST, GET, CREATE, DELETE, UPDATE_OBJECT, ABORT, SETTINGS, UPDATE, REMOVE, POLICY, SET_POLICY]
"""The permissions that decide what is greyed out (cloud.google.com/storage/docs/access-control/iam-permissions)."""

"""A door before the embedded store that lets through only what some permissions allow, as Google's service does."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlencode

from tests.services.gcs.scripted import Asked, Says, refusal

NEEDED: Final = (
    ("GET", r"/storage/v1/b", "storage.buckets.list"),
    ("POST", r"/storage/v1/b", "storage.buckets.create"),
    ("GET", r"/storage/v1/b/[^/]+", "storage.buckets.get"),
    ("PATCH", r"/storage/v1/b/[^/]+", "storage.buckets.update"),
    ("DELETE", r"/storage/v1/b/[^/]+", "storage.buckets.delete"),
    ("GET", r"/storage/v1/b/[^/]+/iam", "storage.buckets.getIamPolicy"),
    ("PUT", r"/storage/v1/b/[^/]+/iam", "storage.buckets.setIamPolicy"),
    ("GET", r"/storage/v1/b/[^/]+/o", "storage.objects.list"),
    ("GET", r"(/download)?/storage/v1/b/[^/]+/o/.+", "storage.objects.get"),
    ("PATCH", r"/storage/v1/b/[^/]+/o/[^/]+", "storage.objects.update"),
    ("DELETE", r"/storage/v1/b/[^/]+/o/[^/]+", "storage.objects.delete"),
    ("POST", r"/storage/v1/b/[^/]+/o/.+", "storage.objects.create"),
    ("POST", r"/upload/storage/v1/b/[^/]+/o", "storage.objects.create"),
    ("POST", r"/batch/storage/v1", "storage.objects.delete"),
)
"""Method, path and permission (cloud.google.com/storage/docs/access-control/iam-json)."""

EVERYTHING: Final = frozenset(permission for _, _, permission in NEEDED)
"""What an owner may do."""


@dataclass
class Guard:
    """Answers for a store, for somebody with some permissions."""

    endpoint: str
    allowed: frozenset[str] = EVERYTHING

    def __call__(self, asked: Asked) -> Says:
        """Ask the store, or refuse."""
        if asked.path.endswith("/iam/testPermissions"):
            granted = [one for one in asked.query.get("permissions", []) if one in self.allowed]
            return Says(200, {"kind": "storage#testIamPermissionsResponse", "permissions": granted})
        for method, path, permission in NEEDED:
            if asked.method == method and re.fullmatch(path, asked.path) and permission not in self.allowed:
                name = unquote(asked.path.rpartition("/")[2])
                return refusal(403, f"somebody does not have {permission} access to {name}.", "forbidden")
        return self._forward(asked)

    def _forward(self, asked: Asked) -> Says:
        kept = {name: value for name, value in asked.headers.items() if name in ("content-type", "range")}
        url = f"{self.endpoint}{asked.path}" + (f"?{urlencode(asked.query, doseq=True)}" if asked.query else "")
        made = urllib.request.Request(url, data=asked.body or None, method=asked.method, headers=kept)
        try:
            answer: Any = urllib.request.urlopen(made)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            skipped = ("transfer-encoding", "content-length", "date", "server")
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in skipped}
            return Says(answer.status, answer.read(), headers)

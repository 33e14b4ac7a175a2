"""Descriptions of where storage is and who asks: what a job stores, never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

CredentialKind = Literal["anonymous", "key-file", "default", "replit"]
"""Which credentials: none, a file that is named, Google's application default credentials, Replit's sidecar."""


class CredentialSpec(NamedTuple):
    """Which credentials to use; `services.gcs` makes Google's object from it."""

    kind: CredentialKind
    """The source."""
    path: str = ""
    """Absolute path of the key file, for `key-file`."""
    quota_project: str = ""
    """Project that is billed for quota, if not the credentials' own."""
    detail: str = ""
    """How it was found, in words, for the screens and `pail doctor`."""


class Connection(NamedTuple):
    """A place that holds buckets, and the credentials for it.

    Exactly one of three: Google's service (`endpoint` and `local_dir` empty), another server (`endpoint`), or the
    embedded store of a folder (`local_dir`).
    """

    credentials: CredentialSpec = CredentialSpec("anonymous")
    """Who asks."""
    endpoint: str = ""
    """Base URL of another server of the JSON API, such as `http://127.0.0.1:4443`."""
    local_dir: str = ""
    """Absolute path of an embedded store's folder."""
    project: str = ""
    """Project that lists and owns buckets; may be empty."""

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded store."""
        return bool(self.local_dir)

    @property
    def label(self) -> str:
        """A few words for a person (raw: show them through `display_name`)."""
        if self.local_dir:
            return f"local store {self.local_dir}"
        if self.endpoint:
            return self.endpoint
        return f"project {self.project}" if self.project else "Google Cloud Storage"

    def to_json(self) -> dict[str, Any]:
        """Return a form for journals and the socket."""
        return {**self._asdict(), "credentials": self.credentials._asdict()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Connection:
        """Rebuild a connection from `to_json`; raises `KeyError`, `TypeError` for anything else."""
        return cls(
            credentials=CredentialSpec(**data["credentials"]),
            endpoint=str(data["endpoint"]),
            local_dir=str(data["local_dir"]),
            project=str(data["project"]),
        )


class ConnectionOptions(NamedTuple):
    """What the command line says about storage and credentials."""

    local: str | None = None
    """`--local`: folder of an embedded store, "" for the default one, None where it was not given."""
    endpoint: str = ""
    """`--endpoint`."""
    project: str = ""
    """`--project`."""
    credentials: str = ""
    """`--credentials`: a file."""
    anonymous: bool = False
    """`--anonymous`."""
    quota_project: str = ""
    """`--quota-project`."""
    workspace: str | None = None
    """`--workspace`: a folder; None for the nearest one."""

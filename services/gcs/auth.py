"""Who asks, and where: an address and the headers that prove it, renewed once for however many requests wait."""

from __future__ import annotations

import functools
import os
import threading
import warnings
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from services.connection import Connection, CredentialSpec
from services.credentials import SIDECAR_URL, read_credentials
from services.errors import NotAuthenticated, PailError, Transient, Unsafe
from services.gcs.failures import Subject, tidy
from services.names import display_name

SCOPE: Final = "https://www.googleapis.com/auth/devstorage.full_control"
"""What access tokens are asked for (cloud.google.com/storage/docs/oauth-scopes)."""

REFRESH_LIMIT_S: Final = 20.0
"""Seconds that fetching one access token may take."""

METADATA_LIMIT_S: Final = "1"
"""Seconds that Google's library may look for a metadata server, for its environment variable."""


class Stamp(NamedTuple):
    """What a request was sent with, so that a refusal can be told from one of an older token."""

    base_url: str
    """Scheme, host and port, without a trailing `/`."""
    serial: int
    """Counts the renewals."""
    headers: dict[str, str]
    """Headers that prove who asks: a secret."""

    def __repr__(self) -> str:
        return f"Stamp({self.base_url!r}, {self.serial})"


class Authority(Protocol):
    """Gives requests their address and their proof.  Methods block: they are called in threads of the pool."""

    project: str
    """Project that owns and lists buckets; empty where it is unknown."""

    billed_project: str
    """Project to name where a bucket bills whoever asks; empty where it is unknown."""

    def stamp(self) -> Stamp:
        """Return address and headers; raises `NotAuthenticated`, `Transient`."""

    def renew(self, refused: Stamp) -> bool:
        """Get a newer proof after `refused` was; once for all who were refused with it.  False: there is none."""

    def moved(self, unreachable: Stamp) -> bool:
        """Look for a new address after nobody answered at `unreachable`; False where it is fixed."""


class Anonymous:
    """A server that is asked without credentials."""

    def __init__(self, base_url: str, project: str, billed_project: str = "") -> None:
        self.project = project
        self.billed_project = billed_project
        self._stamp = Stamp(base_url.rstrip("/"), 0, {})

    def stamp(self) -> Stamp:
        """Return the address; there are no headers."""
        return self._stamp

    def renew(self, refused: Stamp) -> bool:  # noqa: ARG002 - there is nothing to renew
        """Return False: there is nothing to renew."""
        return False

    def moved(self, unreachable: Stamp) -> bool:  # noqa: ARG002 - there is no other address
        """Return False: the address is fixed."""
        return False


class EmbeddedStore:
    """The embedded store of a folder: started when it is not there, found again when it has moved to another port."""

    project = "local"
    """The store has no projects; the protocol wants a word."""

    billed_project = "local"

    def __init__(self, folder: Path, ensure_running: Callable[[Path], Any]) -> None:
        self._folder = folder
        self._ensure_running = ensure_running
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None

    def stamp(self) -> Stamp:
        """Return the store's address and token; starts it if need be."""
        with self._lock:
            return self._stamp or self._find()

    def renew(self, refused: Stamp) -> bool:
        """Look again after a refusal: the store was restarted and has another token."""
        with self._lock:
            if self._stamp is refused:
                return self._find().headers != refused.headers
            return True

    def moved(self, unreachable: Stamp) -> bool:
        """Start or find the store again after nobody answered."""
        with self._lock:
            if self._stamp is unreachable:
                self._find()
            return True

    def _find(self) -> Stamp:
        serial = self._stamp.serial + 1 if self._stamp else 0
        address = self._ensure_running(self._folder)
        headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        self._stamp = Stamp(address.endpoint.rstrip("/"), serial, headers)
        return self._stamp


class GoogleCredentials:
    """Google's own credentials objects; their tokens are fetched by one thread while the others wait."""

    def __init__(
        self, credentials: Any, base_url: str, *, project: str, billed_project: str, request: Any, describe: str = ""
    ) -> None:
        self.credentials = credentials
        """The object of google-auth, for signing."""
        self.project = project
        self.billed_project = billed_project
        self._base_url = base_url.rstrip("/")
        if not self._base_url.startswith("https://"):
            raise Unsafe(
                f"credentials would travel unencrypted to {display_name(self._base_url)}",
                remedy="Use an https endpoint, or --anonymous.",
            )
        self._request = request
        self._describe = describe
        self._lock = threading.Lock()
        self._serial = 0

    def stamp(self) -> Stamp:
        """Return the address and a token that is fresh, fetching one if need be."""
        with self._lock:
            headers: dict[str, str] = {}
            try:
                # Tokens that end soon are fetched anew by this very call; the lock makes it one fetch.
                before = self.credentials.token
                self.credentials.before_request(self._request, "GET", self._base_url, headers)
            except Exception as error:
                raise refused_token(error, self._describe) from error
            if self.credentials.token != before:
                self._serial += 1
            return Stamp(self._base_url, self._serial, _as_text(headers))

    def renew(self, refused: Stamp) -> bool:
        """Fetch a new token, unless another thread has done it since `refused`."""
        with self._lock:
            if self._serial != refused.serial:
                return True
            try:
                self.credentials.refresh(self._request)
            except Exception as error:
                raise refused_token(error, self._describe) from error
            self._serial += 1
            return True

    def moved(self, unreachable: Stamp) -> bool:  # noqa: ARG002 - there is no other address
        """Return False: the address is fixed."""
        return False


def _as_text(headers: MutableMapping[str, Any]) -> dict[str, str]:
    return {name: value.decode("ascii") if isinstance(value, bytes) else str(value) for name, value in headers.items()}


def refused_token(error: Exception, describe: str) -> PailError:
    """Return our error for one of google-auth: passing where it says that trying again may help."""
    from google.auth import exceptions

    if isinstance(error, PailError):
        return error
    if isinstance(error, exceptions.TransportError):
        from services.gcs.library_faults import from_exception

        return from_exception(Subject("get an access token"), error, host="the token service")
    words = tidy(str(error.args[0]) if error.args else type(error).__name__)
    source = f" of {describe}" if describe else ""
    if getattr(error, "retryable", False):
        return Transient(f"no access token{source} could be fetched: {words}", remedy="Check the network; try again.")
    if isinstance(error, exceptions.GoogleAuthError):
        if "no allowed resources" in words.lower():
            return NotAuthenticated(
                "no bucket is allowed for this Repl yet",
                remedy="Restart the workspace: its sidecar was started before the bucket was created.",
            )
        return NotAuthenticated(f"the credentials{source} were refused: {words}")
    if isinstance(error, OSError):
        words = error.strerror or type(error).__name__
    return NotAuthenticated(f"the credentials{source} cannot be used: {words}")


def make_authority(connection: Connection) -> Authority:
    """Return the authority of a connection.  Blocks: it imports Google's library and may read a key file.

    Raises `NotAuthenticated`, `Unsafe` (credentials over http, hazard 61), `Transient`.
    """
    if connection.is_local:
        from services.localstore.launcher import ensure_running

        return EmbeddedStore(Path(connection.local_dir), ensure_running)
    spec = connection.credentials
    if spec.kind == "anonymous":
        base_url = connection.endpoint or "https://storage.googleapis.com"
        # Other servers have no projects, but the protocol wants a word.
        project = connection.project or ("pail" if connection.endpoint else "")
        return Anonymous(base_url, project, spec.quota_project or connection.project)
    if connection.endpoint and not connection.endpoint.startswith("https://"):
        raise Unsafe(
            f"credentials would travel unencrypted to {display_name(connection.endpoint)}",
            remedy="Use an https endpoint, or --anonymous.",
        )
    return _google(connection, spec)


def _google(connection: Connection, spec: CredentialSpec) -> GoogleCredentials:
    request = _token_request(spec)
    try:
        credentials, own_project = _load(spec, request)
        if spec.quota_project and hasattr(credentials, "with_quota_project"):
            credentials = credentials.with_quota_project(spec.quota_project)
    except Exception as error:
        raise refused_token(error, spec.detail) from error
    domain = getattr(credentials, "universe_domain", "") or "googleapis.com"
    project = connection.project or own_project or ""
    return GoogleCredentials(
        credentials,
        connection.endpoint or f"https://storage.{domain}",
        project=project,
        billed_project=spec.quota_project or getattr(credentials, "quota_project_id", None) or project,
        request=request,
        describe=spec.detail,
    )


def _load(spec: CredentialSpec, request: Any) -> tuple[Any, str]:
    """Return the credentials object and the project that it brings along."""
    if spec.kind == "replit":
        return _replit(), ""
    if spec.kind == "key-file":
        return _from_file(spec.path, request)
    # Read when the module is first imported; a machine without a metadata server must not wait for one.
    os.environ.setdefault("GCE_METADATA_TIMEOUT", METADATA_LIMIT_S)
    os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
    import google.auth

    default: Any = google.auth.default
    credentials, project = default(scopes=[SCOPE], request=request)
    return credentials, project or ""


def _from_file(path: str, request: Any) -> tuple[Any, str]:
    content = read_credentials(Path(path))
    loader: Any
    if content["type"] == "service_account":
        from google.oauth2 import service_account

        loader = service_account.Credentials.from_service_account_info
        return loader(content, scopes=[SCOPE]), str(content.get("project_id") or "")
    if content["type"] == "authorized_user":
        from google.oauth2 import credentials

        loader = credentials.Credentials.from_authorized_user_info
        return loader(content, scopes=[SCOPE]), ""
    # The other kinds differ by what lies inside; only this function knows all of them. Its warning is about files from
    # strangers: this one was named by the person, or by the person's own environment.
    import google.auth

    loader = google.auth.load_credentials_from_dict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found, project = loader(content, scopes=[SCOPE], request=request)
    return found, project or ""


def _replit() -> Any:
    """Return the credentials of Replit's sidecar, as its published package makes them."""
    from google.auth import identity_pool

    make: Any = identity_pool.Credentials
    return make(
        audience="replit",
        subject_token_type="access_token",  # noqa: S106 - the name of a kind of token
        token_url=f"{SIDECAR_URL}/token",
        credential_source={
            "url": f"{SIDECAR_URL}/credential",
            "format": {"type": "json", "subject_token_field_name": "access_token"},
        },
        scopes=[SCOPE],
    )


def _token_request(spec: CredentialSpec) -> Any:
    """Return google-auth's transport over a session of ours: proxies, certificates and a time limit included."""
    from google.auth.transport.requests import Request

    from services.gcs.session import make_session

    replit = spec.kind == "replit"
    session = make_session(SIDECAR_URL if replit else "https://oauth2.googleapis.com", connections=2, direct=replit)
    return functools.partial(Request(session), timeout=REFRESH_LIMIT_S)

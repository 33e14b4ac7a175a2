"""The ladder of credentials: how it is found out where storage is and who asks, before Google's library is loaded.

The rungs, in their order: what the command line names; the emulator variable; Replit's sidecar; application default
credentials; a metadata server.  Each is described, never used: `services.gcs.auth` makes Google's object from the
description, and no secret leaves the files that are looked at here.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from services import paths
from services.connection import Connection, ConnectionOptions, CredentialSpec
from services.errors import NotAuthenticated, Unsafe, UsageError
from services.names import display_name
from services.probe import ProbeFailed, get
from services.workspace import find_folder

SIDECAR_URL: Final = "http://127.0.0.1:1106"
"""Where Replit's sidecar listens."""

SIDECAR_LIMIT_S: Final = 1.0
"""Seconds that the sidecar may take to answer."""

METADATA_ADDRESS: Final = "169.254.169.254"
"""The metadata server of a machine in Google's cloud (cloud.google.com/compute/docs/metadata)."""

METADATA_LIMIT_S: Final = 1.0
"""Seconds that a metadata server may take to answer; it is asked once."""

KEY_FILE_LIMIT: Final = 1 << 20
"""Bytes of a credentials file that are read; real ones have a few thousand."""

RungState = Literal["trying", "yes", "no", "skipped"]
"""What has come of a rung."""

_KINDS: Final = {
    "service_account": "a service account's key",
    "authorized_user": "a person's login",
    "external_account": "workload identity federation",
    "external_account_authorized_user": "workforce identity federation",
    "impersonated_service_account": "an impersonated service account",
    "gdch_service_account": "a service account of GDC",
}
"""The kinds of credentials files that google-auth accepts, in a person's words."""


class Rung(NamedTuple):
    """One rung of the ladder and what came of it, for the connect screen and `pail doctor`."""

    key: str
    """`explicit`, `emulator`, `replit`, `default` or `metadata`."""
    title: str
    """A few words for a person."""
    state: RungState
    """What has come of it."""
    detail: str = ""
    """What was found, or why nothing was; safe to show."""
    remedy: str = ""
    """What a person can do to make it work; empty where nothing is to be done."""


Report = Callable[[Rung], None]
"""Told about each rung when it is tried and when that is over."""

_TITLES: Final = {
    "explicit": "Command line",
    "emulator": "STORAGE_EMULATOR_HOST",
    "replit": "Replit",
    "default": "Application default credentials",
    "metadata": "Metadata server",
}

_ADC_REMEDY: Final = "Run 'gcloud auth application-default login', or name a key with --credentials FILE."


async def find_connection(options: ConnectionOptions, *, report: Report | None = None) -> Connection:
    """Climb the ladder and return the first connection that it yields.

    Every rung is reported: first `trying`, then what came of it; those below the one that holds are `skipped`.
    Raises `UsageError` for options that contradict each other, `Unsafe` for credentials that would travel in clear
    (hazard 61), `NotAuthenticated` where nothing holds or what the environment names cannot be used.
    """
    say = report or (lambda _rung: None)
    _check(options)
    steps = (
        ("explicit", _explicit),
        ("emulator", _emulator),
        ("replit", _replit),
        ("default", _default),
        ("metadata", _metadata),
    )
    found: Connection | None = None
    for key, step in steps:
        title = _TITLES[key]
        if found is not None:
            say(Rung(key, title, "skipped"))
            continue
        say(Rung(key, title, "trying"))
        try:
            outcome = await step(options)
        except (NotAuthenticated, Unsafe, UsageError) as error:
            say(Rung(key, title, "no", error.message, error.remedy))
            raise
        found = outcome.connection
        state: RungState = "yes" if found is not None else "skipped" if outcome.skipped else "no"
        say(Rung(key, title, state, outcome.detail, outcome.remedy))
    if found is None:
        raise NotAuthenticated("no credentials were found")
    return found


class _Outcome(NamedTuple):
    """What one rung yields."""

    connection: Connection | None = None
    detail: str = ""
    remedy: str = ""
    skipped: bool = False


def _check(options: ConnectionOptions) -> None:
    if options.local is not None:
        return  # the embedded store needs nothing else, whatever else was said
    if options.credentials and options.anonymous:
        raise UsageError("--credentials and --anonymous exclude each other", remedy="Leave one of them out.")
    if options.credentials and not options.endpoint and os.environ.get("STORAGE_EMULATOR_HOST"):
        raise UsageError(
            "--credentials was given while STORAGE_EMULATOR_HOST is set: they are never sent to an emulator",
            remedy="Unset STORAGE_EMULATOR_HOST to use Google's service, or leave --credentials out.",
        )


async def _explicit(options: ConnectionOptions) -> _Outcome:
    if options.local is not None:
        folder = local_folder(options.local)
        return _Outcome(Connection(local_dir=str(folder)), f"--local {display_name(str(folder))}")
    if options.credentials:
        return await asyncio.to_thread(_named_file, options)
    if options.endpoint:
        endpoint = clean_endpoint(options.endpoint, "--endpoint")
        spec = CredentialSpec("anonymous", quota_project=options.quota_project, detail="--endpoint, anonymous")
        return _Outcome(Connection(spec, endpoint, project=_project(options)), f"--endpoint {display_name(endpoint)}")
    if options.anonymous and not os.environ.get("STORAGE_EMULATOR_HOST"):
        spec = CredentialSpec("anonymous", quota_project=options.quota_project, detail="--anonymous")
        return _Outcome(Connection(spec, project=_project(options)), "--anonymous: public buckets only")
    return _Outcome(detail="names neither credentials nor an endpoint", skipped=True)


def local_folder(text: str) -> Path:
    """Return the absolute folder for `--local`; the default one for an empty word."""
    return Path(os.path.abspath(Path(text).expanduser())) if text else paths.data_dir() / "store"  # noqa: PTH100


def clean_endpoint(text: str, source: str) -> str:
    """Return an endpoint as a base URL without a trailing `/`; `source` says where it was written.

    A bare `host:port`, as emulators print it, means http.  Raises `UsageError` for what is no address, and for one
    with a password in it, which would end up in journals.
    """
    url = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or parts.query or parts.fragment:
        raise UsageError(
            f"{source} names {display_name(text)[:200]}, which is no address",
            remedy="Write it as http://HOST:PORT.",
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{source} has a user name in it", remedy="Write it as http://HOST:PORT.")
    return url.rstrip("/")


def _named_file(options: ConnectionOptions) -> _Outcome:
    path = Path(os.path.abspath(Path(options.credentials).expanduser()))  # noqa: PTH100 - symlinks stay
    try:
        content = read_credentials(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--credentials {display_name(str(path))} {_why(error)}",
            remedy="Name a key file of a service account, or what 'gcloud auth application-default login' wrote.",
            url=str(path),
        ) from error
    endpoint = clean_endpoint(options.endpoint, "--endpoint") if options.endpoint else ""
    if endpoint.startswith("http://"):
        raise Unsafe(
            f"the credentials would travel unencrypted to {display_name(endpoint)}",
            remedy="Use an https endpoint, or leave --credentials out.",
            url=endpoint,
        )
    detail = f"{describe(content)} in {display_name(str(path))}"
    return _Outcome(_with_file(options, path, content, detail, endpoint), detail)


async def _emulator(options: ConnectionOptions) -> _Outcome:
    value = os.environ.get("STORAGE_EMULATOR_HOST")
    if not value:
        return _Outcome(detail="not set", skipped=True)
    endpoint = clean_endpoint(value, "STORAGE_EMULATOR_HOST")
    detail = f"STORAGE_EMULATOR_HOST is set: {display_name(endpoint)}, without credentials"
    spec = CredentialSpec("anonymous", detail=detail)
    return _Outcome(Connection(spec, endpoint, project=_project(options)), detail)


async def _replit(options: ConnectionOptions) -> _Outcome:
    if not await asyncio.to_thread(in_replit, options):
        # Another program may listen there on a shared machine: it is not even asked (hazard 68).
        return _Outcome(detail="this is no Replit workspace", skipped=True)
    try:
        bucket = await sidecar_default_bucket()
    except ProbeFailed as error:
        return _Outcome(
            detail=f"the sidecar {error}", remedy="Restart the workspace; create a bucket in Object Storage."
        )
    detail = f"Replit's sidecar{f', default bucket {display_name(bucket)}' if bucket else ''}"
    return _Outcome(Connection(CredentialSpec("replit", detail=detail), project=options.project), detail)


def in_replit(options: ConnectionOptions) -> bool:
    """Tell whether this is a Repl: its variable, or a `.replit` file in the workspace."""
    if os.environ.get("REPL_ID"):
        return True
    explicit = Path(options.workspace) if options.workspace is not None else None
    folder = find_folder(Path.cwd(), explicit)
    return folder is not None and (folder / ".replit").is_file()


async def sidecar_default_bucket(base_url: str = "", *, limit_s: float = SIDECAR_LIMIT_S) -> str:
    """Ask Replit's sidecar for the default bucket; "" where none is configured.  Raises `ProbeFailed`.

    Ask only where `in_replit` is true.
    """
    answer = await get(f"{base_url or SIDECAR_URL}/object-storage/default-bucket", limit_s=limit_s)
    try:
        found = json.loads(answer.body)["bucketId"] if answer.status == 200 else None
    except (ValueError, KeyError, TypeError):
        found = None
    if found is None and answer.status == 200:
        raise ProbeFailed("gives an answer that is not Replit's")
    if answer.status != 200:
        raise ProbeFailed(f"answers {answer.status}")
    return str(found)


async def default_bucket(connection: Connection) -> str:
    """Return the bucket that Replit's sidecar names for a connection through it; "" for others, and for none."""
    if connection.credentials.kind != "replit":
        return ""
    try:
        return await sidecar_default_bucket()
    except ProbeFailed:
        return ""  # it has answered when the connection was found: whatever is wrong now shows with the first request


def own_members(connection: Connection) -> frozenset[str]:
    """Return the members of a policy that stand for these credentials, as far as their file tells.  Reads it."""
    if not connection.credentials.path:
        return frozenset()
    try:
        email = read_credentials(Path(connection.credentials.path)).get("client_email")
    except (OSError, ValueError):
        return frozenset()
    return frozenset({f"serviceAccount:{email}"}) if isinstance(email, str) and email else frozenset()


async def _default(options: ConnectionOptions) -> _Outcome:
    return await asyncio.to_thread(_default_file, options)


def _default_file(options: ConnectionOptions) -> _Outcome:
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    path = Path(os.path.abspath(Path(named).expanduser())) if named else well_known_file()  # noqa: PTH100
    source = "GOOGLE_APPLICATION_CREDENTIALS names" if named else "gcloud's file"
    try:
        content = read_credentials(path)
    except FileNotFoundError as error:
        if not named:
            return _Outcome(detail="nobody is logged in with gcloud", remedy=_ADC_REMEDY)
        raise _bad_default(source, path, error) from error
    except (OSError, ValueError) as error:
        raise _bad_default(source, path, error) from error
    if not named:
        paths.check_owned(path)
    detail = f"{describe(content)} in {display_name(str(path))}"
    return _Outcome(_with_file(options, path, content, detail), detail)


def _bad_default(source: str, path: Path, error: Exception) -> NotAuthenticated:
    # Going on to the next rung would mean to act as somebody else than the person thinks.
    return NotAuthenticated(
        f"{source} {display_name(str(path))}, which {_why(error)}", remedy=_ADC_REMEDY, url=str(path)
    )


async def _metadata(options: ConnectionOptions) -> _Outcome:
    if os.environ.get("NO_GCE_CHECK", "").lower() == "true":
        return _Outcome(detail="NO_GCE_CHECK is set", skipped=True)
    host = os.environ.get("GCE_METADATA_HOST") or METADATA_ADDRESS
    base = f"http://{host}/computeMetadata/v1"
    flavour = {"Metadata-Flavor": "Google"}
    try:
        account = await get(
            f"{base}/instance/service-accounts/default/email", headers=flavour, limit_s=METADATA_LIMIT_S
        )
        if account.headers.get("metadata-flavor") != "Google":
            raise ProbeFailed("is not Google's")
        if account.status != 200:
            return _Outcome(
                detail="this machine has no service account", remedy="Give it one, with a scope for Cloud Storage."
            )
        project = await get(f"{base}/project/project-id", headers=flavour, limit_s=METADATA_LIMIT_S)
    except ProbeFailed:
        return _Outcome(detail="this is no machine of Google's cloud")
    email = account.body.decode("utf-8", "replace").strip()
    detail = f"service account {display_name(email)} of this machine"
    own = project.body.decode("utf-8", "replace").strip() if project.status == 200 else ""
    spec = CredentialSpec("default", quota_project=_quota(options), detail=detail)
    return _Outcome(Connection(spec, project=_project(options) or own), detail)


def _with_file(
    options: ConnectionOptions, path: Path, content: dict[str, Any], detail: str, endpoint: str = ""
) -> Connection:
    # The path is stored, not "whatever the environment says": the worker that goes on with a job has another one.
    spec = CredentialSpec("key-file", str(path), _quota(options), detail)
    project = _project(options) or str(content.get("project_id") or "") or _gcloud_project()
    return Connection(spec, endpoint, project=project or str(content.get("quota_project_id") or ""))


def read_credentials(path: Path) -> dict[str, Any]:
    """Return a credentials file's content; raises `OSError`, and `ValueError` for what google-auth would refuse."""
    with open(path, "rb") as file:
        data = file.read(KEY_FILE_LIMIT + 1)
    if len(data) > KEY_FILE_LIMIT:
        raise ValueError("is too large")
    try:
        content = json.loads(data)
    except ValueError:
        raise ValueError("is not JSON") from None
    if not isinstance(content, dict) or content.get("type") not in _KINDS:
        raise ValueError("holds no credentials that are known")
    return content


def describe(content: dict[str, Any]) -> str:
    """Say in words what a credentials file holds; never a secret of it."""
    kind = _KINDS[str(content["type"])]
    email = content.get("client_email")
    return f"{kind} ({display_name(email)})" if isinstance(email, str) and email else kind


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)


def well_known_file() -> Path:
    """Return where `gcloud auth application-default login` writes."""
    return _gcloud_folder() / "application_default_credentials.json"


def _gcloud_folder() -> Path:
    named = os.environ.get("CLOUDSDK_CONFIG")
    return Path(named) if named else Path.home() / ".config" / "gcloud"


def _quota(options: ConnectionOptions) -> str:
    return options.quota_project or os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT", "")


def _project(options: ConnectionOptions) -> str:
    """Return the project that is named explicitly, or by the variables that Google's tools read."""
    variables = ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")
    return options.project or next((os.environ[name] for name in variables if os.environ.get(name)), "")


def _gcloud_project() -> str:
    """Return the project of gcloud's active configuration, read from its files; empty where there is none.

    google-auth would start gcloud for it, which takes a second.
    """
    import configparser  # only where gcloud is asked for

    folder = _gcloud_folder()
    try:
        name = os.environ.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or (folder / "active_config").read_text("utf-8").strip()
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string((folder / "configurations" / f"config_{name}").read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return ""
    return parser.get("core", "project", fallback="")

"""Signed URLs: by a key, by the service that signs for an account, or by Replit's sidecar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests

from services.connection import Connection
from services.credentials import SIDECAR_URL
from services.errors import Forbidden, NotAuthenticated, PailError, Rejected
from services.gcs.auth import Authority, GoogleCredentials
from services.gcs.control import Signer
from services.gcs.failures import Subject, from_answer, parse_answer, tidy
from services.gcs.library_faults import from_exception
from services.gcs.session import make_session

EXPIRY_LIMIT_S: Final = 7 * 24 * 3600
"""Seconds that a V4 signature can be valid (cloud.google.com/storage/docs/access-control/signed-urls)."""

SIDECAR_LIMIT_S: Final = 10.0
"""Seconds that the sidecar may take to sign."""


def _check(subject: Subject, expires_s: int) -> None:
    if not 0 < expires_s <= EXPIRY_LIMIT_S:
        raise Rejected(
            subject.failed("a link is valid for at most seven days"), remedy="Ask for less.", url=subject.url
        )


class NoSigner:
    """For connections without credentials: there is nobody to sign."""

    def sign(self, bucket: str, name: str, method: str, expires_s: int) -> str:  # noqa: ARG002 - never gets that far
        """Raise `NotAuthenticated`."""
        subject = Subject("sign a link to", bucket, name)
        raise NotAuthenticated(
            subject.failed("this connection has no credentials to sign with"),
            remedy="Connect with a service account's key: --credentials FILE.",
            url=subject.url,
        )


class GoogleSigner:
    """Signs with the credentials' own key, or has Google's IAM service sign for their service account."""

    def __init__(self, authority: GoogleCredentials, project: str) -> None:
        self._authority = authority
        self._project = project

    def sign(self, bucket: str, name: str, method: str, expires_s: int) -> str:
        """Return a signed URL; raises `Forbidden` where these credentials can't sign."""
        subject = Subject("sign a link to", bucket, name)
        _check(subject, expires_s)
        stamp = self._authority.stamp()
        credentials = self._authority.credentials
        options: dict[str, Any] = {}
        if not hasattr(credentials, "sign_bytes"):
            email = getattr(credentials, "service_account_email", "")
            if not email:
                raise Forbidden(
                    subject.failed("these credentials have no key and no service account"),
                    remedy="Use a service account's key (--credentials FILE), or impersonate a service account.",
                    url=subject.url,
                )
            options = {"service_account_email": email, "access_token": credentials.token}
        try:
            return self._generate(credentials, stamp.base_url, bucket, name, method, expires_s, options)
        except PailError:
            raise
        except Exception as error:
            raise Forbidden(
                subject.failed(f"signing was refused ({tidy(str(error))})"),
                remedy="The account needs the role 'Service Account Token Creator' on itself.",
                url=subject.url,
            ) from error

    def _generate(
        self,
        credentials: Any,
        base_url: str,
        bucket: str,
        name: str,
        method: str,
        expires_s: int,
        options: dict[str, Any],
    ) -> str:
        import os

        # Set before the import: else the library asks for the bucket's metadata in the background.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        from google.cloud import storage

        client = storage.Client(
            project=self._project or None,
            credentials=credentials,
            client_options={"api_endpoint": base_url},
        )
        try:
            blob = client.bucket(bucket).blob(name)
            url: str = blob.generate_signed_url(
                version="v4", expiration=timedelta(seconds=expires_s), method=method, **options
            )
        finally:
            client.close()
        return url


class ReplitSigner:
    """Has Replit's sidecar sign."""

    def sign(self, bucket: str, name: str, method: str, expires_s: int) -> str:
        """Return a signed URL; raises what the sidecar refuses with."""
        subject = Subject("sign a link to", bucket, name)
        _check(subject, expires_s)
        until = datetime.now(UTC) + timedelta(seconds=expires_s)
        body = {"bucket_name": bucket, "object_name": name, "method": method, "expires_at": until.isoformat()}
        with make_session(SIDECAR_URL, connections=1, direct=True) as session:
            try:
                answer = session.post(
                    f"{SIDECAR_URL}/object-storage/signed-object-url",
                    json=body,
                    timeout=SIDECAR_LIMIT_S,
                    allow_redirects=False,
                )
                if answer.status_code >= 300:
                    raise from_answer(subject, parse_answer(answer.status_code, answer.headers, answer.content))
                return str(answer.json()["signed_url"])
            except (requests.RequestException, OSError) as error:
                raise from_exception(subject, error, host="the sidecar") from error
            except (ValueError, KeyError, TypeError) as error:
                raise Rejected(subject.failed("the sidecar's answer holds no link"), url=subject.url) from error


def make_signer(connection: Connection, authority: Authority) -> Signer:
    """Return what signs for a connection."""
    if connection.credentials.kind == "replit":
        return ReplitSigner()
    if isinstance(authority, GoogleCredentials):
        return GoogleSigner(authority, authority.project)
    return NoSigner()

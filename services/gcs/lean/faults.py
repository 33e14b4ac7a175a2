"""What goes wrong on a connection, in our own words."""

from __future__ import annotations

from services.errors import Forbidden, Interrupted, PailError, Transient, Unsafe
from services.gcs.failures import Subject, Unsent
from services.gcs.lean.dial import ProxyRefused, ProxyUnreachable, Untrusted
from services.gcs.lean.pool import Closed
from services.gcs.lean.receiving import LineError

PROXY_REMEDY = "Check HTTPS_PROXY, or name the host in NO_PROXY."
"""What to do about a proxy."""


def from_line(subject: Subject, fault: LineError) -> PailError:
    """Return our error for a connection that failed; `Unsent` where the request cannot have left."""
    why = subject.failed(fault.why)
    if isinstance(fault, Closed):
        return Interrupted(why, url=subject.url)
    if isinstance(fault, Untrusted):
        return Unsafe(
            why,
            remedy="Put your organisation's certificate into a file and name it in SSL_CERT_FILE.",
            url=subject.url,
        )
    if isinstance(fault, ProxyRefused):
        return Forbidden(why, remedy=PROXY_REMEDY, url=subject.url)
    if isinstance(fault, ProxyUnreachable):
        return Unsent(why, remedy=PROXY_REMEDY, url=subject.url)
    return Transient(why, url=subject.url) if fault.sent else Unsent(why, url=subject.url)

"""What requests and urllib3 raise, in our own words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import requests
from urllib3 import exceptions as wire_errors

from services.errors import Forbidden, Interrupted, PailError, Rejected, Transient, Unsafe
from services.gcs.failures import Subject, Unsent, tidy
from services.names import display_name


def from_exception(subject: Subject, error: BaseException, *, host: str = "") -> PailError:
    """Return our error for what requests or urllib3 raised; `Unsent` where the request cannot have left."""
    chain = list(_causes(error))
    if any(isinstance(one, Interrupted) for one in chain):
        return Interrupted(subject.failed("it was given up"), url=subject.url)
    if any(isinstance(one, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema) for one in chain):
        return Rejected(subject.failed("the address is not valid"), remedy="Check --endpoint.", url=subject.url)
    proxy = next((one for one in chain if isinstance(one, wire_errors.ProxyError)), None)
    if proxy is not None:
        return _proxy_fault(subject, chain)
    certificate = next((one for one in chain if isinstance(one, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return Unsafe(
            subject.failed(
                f"the certificate of {display_name(host)} is not trusted ({tidy(certificate.verify_message)})"
            ),
            remedy="Put your organisation's certificate into a file and name it in SSL_CERT_FILE.",
            url=subject.url,
        )
    return _network_fault(subject, chain, display_name(host))


def _proxy_fault(subject: Subject, chain: list[BaseException]) -> PailError:
    refused = next((one for one in chain if isinstance(one, OSError) and "Tunnel connection failed" in str(one)), None)
    if refused is not None:
        return Forbidden(
            subject.failed(f"the proxy refuses ({tidy(str(refused))})"),
            remedy="Check HTTPS_PROXY, or name the host in NO_PROXY.",
            url=subject.url,
        )
    return Unsent(
        subject.failed("the proxy cannot be reached"),
        remedy="Check HTTPS_PROXY, or name the host in NO_PROXY.",
        url=subject.url,
    )


def _network_fault(subject: Subject, chain: list[BaseException], host: str) -> PailError:
    def found(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if found(wire_errors.NameResolutionError):
        return Unsent(subject.failed(f"the name {host} cannot be resolved"), url=subject.url)
    if found(wire_errors.NewConnectionError):  # which is a kind of ConnectTimeoutError
        why = "refuses the connection" if found(ConnectionRefusedError) else "cannot be reached"
        return Unsent(subject.failed(f"{host} {why}"), url=subject.url)
    if found(wire_errors.ConnectTimeoutError):
        return Unsent(subject.failed(f"{host} does not answer"), url=subject.url)
    if found(TimeoutError, wire_errors.TimeoutError):
        return Transient(subject.failed("nothing came for too long"), url=subject.url)
    if found(wire_errors.SSLError, ssl.SSLError):
        return Transient(subject.failed("the encrypted connection broke"), url=subject.url)
    if found(wire_errors.DecodeError):
        return Transient(subject.failed("the answer was damaged"), url=subject.url)
    return Transient(subject.failed("the connection broke"), url=subject.url)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what lies beneath it: libraries hide the reason in causes, contexts and arguments."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting += [getattr(one, "original_error", None)]

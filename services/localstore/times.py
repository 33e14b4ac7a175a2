"""Times: microseconds since the epoch inside, RFC 3339 outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from services.localstore.api_error import bad_request

MICROSECONDS: Final = 1_000_000
"""In a second."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(microseconds: int) -> str:
    """Format a time in UTC with milliseconds, as Google does."""
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def http_date(microseconds: int) -> str:
    """Format a time for `Last-Modified`."""
    return format_datetime(_EPOCH + timedelta(seconds=microseconds // MICROSECONDS), usegmt=True)


def parse_rfc3339(value: Any, name: str) -> int:
    """Parse a time with a zone; raises `ApiError` 400 that names the field."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_request(f"Invalid time in {name}", location=name) from error

"""Errors of the protocol, in the shape in which Google's JSON API reports them."""

from __future__ import annotations

import json
from typing import Final

_REASONS: Final[dict[int, str]] = {
    304: "notModified",
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    405: "methodNotAllowed",
    408: "requestTimeout",
    409: "conflict",
    410: "gone",
    411: "required",
    412: "conditionNotMet",
    413: "uploadTooLarge",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    500: "internalError",
    503: "backendError",
}
"""The `reason` that Google gives with a status when nothing more precise is known."""


class ApiError(Exception):
    """An answer that is an error: a status, a reason word and a sentence."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: str | None = None,
        location: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason or _REASONS.get(status, "backendError")
        self.location = location
        self.headers = headers

    def body(self) -> bytes:
        """Render the error as `{"error": {"code", "message", "errors": […]}}`."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            detail |= {"locationType": "parameter", "location": self.location}
        error = {"code": self.status, "message": self.message, "errors": [detail]}
        return json.dumps({"error": error}).encode()


def bad_request(message: str, *, reason: str = "invalid", location: str | None = None) -> ApiError:
    """Build a 400."""
    return ApiError(400, message, reason=reason, location=location)


def not_found(what: str) -> ApiError:
    """Build a 404 that names what is missing."""
    return ApiError(404, f"No such object: {what}" if "/" in what else "The specified bucket does not exist.")


def precondition_failed(condition: str) -> ApiError:
    """Build the 412 of a precondition that does not hold."""
    return ApiError(
        412,
        "At least one of the pre-conditions you specified did not hold.",
        reason="conditionNotMet",
        location=condition,
    )

"""The HTTP protocol below the application: uvicorn's, with the transport within reach."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.localstore.application import TRANSPORT_KEY


class StoreProtocol(HttpToolsProtocol):
    """Leaves the transport in the scope, so that a connection can be cut (takeovers of sessions, planted faults)."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[TRANSPORT_KEY] = self.transport  # type: ignore[typeddict-unknown-key]

"""What a planned job will ask of the service, counted as it is billed; nothing is asked for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from services.names import is_gs_url, parse_gs_url
from services.operations import OperationCounts
from services.transfer.messages import TransferView
from services.transfer.options import Options
from services.transfer.slices import slice_size

LIST_PAGE: Final = 1_000
"""Objects that one page of a listing tells of."""

_SIMPLE: Final[Mapping[str, str]] = {
    "upload": "objects.insert",
    "copy": "objects.rewrite",
    "delete": "objects.delete",
    "make-folder": "objects.insert",
    "restore": "objects.restore",
}
"""Actions that are one request for each object."""


class Foresight:
    """Adds up the operations and the bytes of a plan, transfer by transfer."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._counts: Counter[str] = Counter()
        self._listed = 0
        self.bytes = 0
        """Bytes that will move, or be deleted."""
        self.large = 0
        """Files that are large enough to go up in parallel parts."""
        self.large_bytes = 0
        """Bytes of those."""

    def add(self, transfer: TransferView) -> None:
        """Count a transfer in; one that is skipped or cannot be done costs nothing."""
        if transfer.state != "queued" or transfer.action == "skip":
            return
        self.bytes += transfer.size
        self._listed += is_gs_url(transfer.source)
        if transfer.size >= self._options.parallel_from and not is_gs_url(transfer.source):
            self.large += 1
            self.large_bytes += transfer.size
        self._counts.update(self._operations(transfer))

    def counts(self) -> OperationCounts:
        """Return how many requests of each method there will be, where nothing goes wrong."""
        found = dict(self._counts)
        if self._listed > 1:
            found["objects.list"] = -(-self._listed // LIST_PAGE)
        return OperationCounts(found)

    def _operations(self, transfer: TransferView) -> dict[str, int]:
        action = transfer.action
        if action == "download" or (action == "move" and not is_gs_url(transfer.target)):
            found = {"objects.get": self._reads(transfer.size)}
        elif action == "move" and is_gs_url(transfer.source):
            if parse_gs_url(transfer.source).bucket == parse_gs_url(transfer.target).bucket:
                return {"objects.move": 1}
            found = {"objects.rewrite": 1}
        elif action == "move":
            return {"objects.insert": 1}
        else:
            return {_SIMPLE[action]: 1} if action in _SIMPLE else {}
        return found | ({"objects.delete": 1} if action == "move" else {})

    def _reads(self, size: int) -> int:
        return -(-size // slice_size(size)) if size >= self._options.sliced else 1

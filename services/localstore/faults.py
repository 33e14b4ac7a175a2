"""Faults that tests plant: what goes wrong, where in an exchange, and how often.

They exist in a store only when it was given a `Faults`; production never makes one.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Action = Literal["status", "reset", "truncate", "stall", "corrupt", "latency"]
"""An error status; a cut connection; a body that ends early but cleanly; a pause; a wrong byte; a delay."""

Stage = Literal["before", "request", "after", "response"]
"""Before the operation; while its body is read; after it, with everything committed; while the answer is sent."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and when it strikes."""

    operation: str
    """Operation by name, such as `objects.insert`; `*` for every one."""
    action: Action
    """What goes wrong."""
    stage: Stage = "before"
    """Where: `status` before or after, `truncate` and `corrupt` in the response, `reset` and `stall` anywhere."""
    status: int = 503
    """For `status`."""
    retry_after: str | None = None
    """`Retry-After` of a `status`."""
    at: int = 0
    """Bytes of the body, of the request or of the response, that pass first; for `corrupt`, the byte's offset."""
    seconds: float = 0.0
    """Length of a `latency` or a `stall`; a `stall` of 0 lasts until the client goes away."""
    count: int | None = 1
    """Times it strikes; None: always."""
    skip: int = 0
    """Calls that it lets pass first."""
    probability: float = 1.0
    """Chance that it strikes a call it could strike."""


class Faults:
    """The faults of one store, and what was called of it; safe from any thread."""

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._planted: list[list[int | Fault | None]] = []
        self.calls: Counter[str] = Counter()
        """How often each operation was called, counting calls that a fault struck."""
        self.struck: Counter[str] = Counter()
        """How often a fault struck each operation."""
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Plant a fault."""
        with self._lock:
            self._planted.append([fault, fault.skip, fault.count])

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._planted.clear()

    def take(self, operation: str) -> list[Fault]:
        """Count a call and return the faults that strike it."""
        with self._lock:
            self.calls[operation] += 1
            struck = [fault for entry in self._planted if (fault := self._strike(entry, operation))]
            self.struck[operation] += len(struck)
            return struck

    def _strike(self, entry: list[int | Fault | None], operation: str) -> Fault | None:
        fault, skip, left = entry
        assert isinstance(fault, Fault)
        assert isinstance(skip, int)
        if fault.operation not in (operation, "*") or left == 0:
            return None
        if skip > 0:
            entry[1] = skip - 1
            return None
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return None
        if isinstance(left, int):
            entry[2] = left - 1
        return fault

    @classmethod
    def from_json(cls, text: str) -> Faults:
        """Read a list of faults, each an object of `Fault`'s fields; `@PATH` reads it from a file."""
        if text.startswith("@"):
            text = Path(text[1:]).read_text()
        return cls(*(Fault(**entry) for entry in json.loads(text)))

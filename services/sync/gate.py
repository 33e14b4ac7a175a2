"""The gate that every plan passes: no mass delete without a person's word (hazards 23 and 25)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.errors import Safeguard
from services.sync.entries import Base, Local, Plan

MOST_DELETES: Final = 50
"""Deletes that pass without a word, whatever their share is."""

SHARE_COUNTS_FROM: Final = 10
"""Deletes from which on their share of all files counts."""

MOST_SHARE: Final = 0.10
"""Share of the tracked files that may be deleted without a word."""

_LIMIT: Final = re.compile(r"(\d{1,12})(%?)")


class MaxDelete(NamedTuple):
    """How many deletes a person allows for: a number or a share."""

    number: int
    """Files, or percent of the tracked files."""
    percent: bool = False
    """Whether it is a share."""

    @classmethod
    def parse(cls, text: str) -> MaxDelete:
        """Parse `100` or `25%`; raises `ValueError`."""
        match = _LIMIT.fullmatch(text)
        if match is None or (match[2] and int(match[1]) > 100):
            raise ValueError(text)
        return cls(int(match[1]), bool(match[2]))

    def allows(self, deletes: int, tracked: int) -> bool:
        """Tell whether so many deletes pass."""
        return deletes * 100 <= self.number * tracked if self.percent else deletes <= self.number

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.number}%" if self.percent else str(self.number)


def check_gate(plan: Plan, limit: MaxDelete | None = None) -> None:
    """Raise `Safeguard` where a plan deletes more than passes without a person's word; `--yes` is no such word."""
    deletes, tracked = len(plan.deletes), plan.tracked
    if not deletes or (limit.allows(deletes, tracked) if limit is not None else _few(deletes, tracked)):
        return
    local = sum(1 for action in plan.deletes if action.kind == "delete-local")
    where = "here" if local == deletes else "in the bucket" if not local else f"({local} of them here)"
    allowed = f"--max-delete {limit} allows fewer" if limit is not None else "that many are never deleted unasked"
    raise Safeguard(
        f"{deletes:,} of {tracked:,} files would be deleted {where}; {allowed}, so nothing was done",
        remedy=f"Look with --dry-run; if it is meant, repeat it with --max-delete {deletes}.",
    )


def _few(deletes: int, tracked: int) -> bool:
    if deletes >= tracked:
        return False
    return deletes <= MOST_DELETES and (deletes < SHARE_COUNTS_FROM or deletes <= tracked * MOST_SHARE)


def check_root(base: Base, local: Local, root: str) -> None:
    """Raise `Safeguard` where files were in step and the local folder has none at all any more (hazard 23)."""
    if any(not key.endswith("/") for key in base) and not any(not key.endswith("/") for key in local):
        raise Safeguard(
            f"{root} has no files any more, though {len(base):,} were in step: it may not be mounted; nothing was done",
            remedy="Mount or restore it; to delete everything in the bucket as well: --max-delete 100%.",
            url=root,
        )

"""The `if…Match` preconditions of objects and buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.localstore.api_error import ApiError, precondition_failed
from services.localstore.http import integer


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must hold for a generation and a metageneration; None asks for nothing."""

    generation_match: int | None = None
    """Exactly this one; 0: there must be no live object."""
    generation_not_match: int | None = None
    """Any but this one; 0: there must be a live object."""
    metageneration_match: int | None = None
    """Exactly this one."""
    metageneration_not_match: int | None = None
    """Any but this one."""

    @classmethod
    def parse(cls, query: Mapping[str, str], *, source: bool = False) -> Preconditions:
        """Read them from parameters; with `source`, those named `ifSource…`.  Raises `ApiError` 400."""
        prefix = "ifSource" if source else "if"
        return cls(
            integer(query.get(f"{prefix}GenerationMatch"), f"{prefix}GenerationMatch"),
            integer(query.get(f"{prefix}GenerationNotMatch"), f"{prefix}GenerationNotMatch"),
            integer(query.get(f"{prefix}MetagenerationMatch"), f"{prefix}MetagenerationMatch"),
            integer(query.get(f"{prefix}MetagenerationNotMatch"), f"{prefix}MetagenerationNotMatch"),
        )

    def check(self, found: tuple[int, int] | None, *, read: bool = False) -> None:
        """Raise unless they hold for (generation, metageneration), or for None where nothing is live.

        Raises `ApiError` 412; for a `read`, 304 where a "not match" is what fails.
        """
        generation, metageneration = found or (0, None)
        if self.generation_match is not None and self.generation_match != generation:
            raise precondition_failed("ifGenerationMatch")
        if self.metageneration_match is not None and self.metageneration_match != metageneration:
            raise precondition_failed("ifMetagenerationMatch")
        if self.generation_not_match is not None and self.generation_not_match == generation:
            raise _not_match_failed("ifGenerationNotMatch", read=read)
        if self.metageneration_not_match is not None and self.metageneration_not_match == metageneration:
            raise _not_match_failed("ifMetagenerationNotMatch", read=read)


def _not_match_failed(name: str, *, read: bool) -> ApiError:
    if read:
        return ApiError(304, "Not Modified", location=name)
    return precondition_failed(name)

"""What the palette finds: the commands that apply now, the buckets, the views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from app.commands import shown_key
from app.context import Context
from app.registry import applying
from services.names import display_name


class Found(NamedTuple):
    """Something that can be done."""

    title: str
    """What it is called; safe for a terminal."""
    help: str
    """One sentence."""
    run: Callable[[], object]
    """Does it."""


@runtime_checkable
class Host(Protocol):
    """A screen that the palette can be opened on."""

    @property
    def context(self) -> Context:
        """What decides which commands apply."""

    def action_command(self, identifier: str) -> None:
        """Run a command."""

    def known_buckets(self) -> list[str]:
        """Return the names of buckets that can be opened (raw)."""

    def open_bucket(self, bucket: str) -> None:
        """Open a bucket."""


class PailProvider(Provider):
    """Offers everything in the order of the registry, then the buckets."""

    def _all(self) -> Iterator[Found]:
        host = self.screen
        if not isinstance(host, Host):
            return
        for entry in applying(host.context):
            if entry.in_palette:
                keys = f"  {shown_key(entry.keys[0])}" if entry.keys else ""
                yield Found(f"{entry.title}{keys}", entry.help, partial(host.action_command, entry.id))
        for bucket in host.known_buckets():
            yield Found(f"Bucket: {display_name(bucket)}", "Open this bucket.", partial(host.open_bucket, bucket))

    async def discover(self) -> Hits:
        """Yield everything, before anything is typed."""
        for found in self._all():
            yield DiscoveryHit(Text(found.title), found.run, text=found.title, help=found.help)

    async def search(self, query: str) -> Hits:
        """Yield what matches, the best first."""
        matcher = self.matcher(query)
        for found in self._all():
            score = matcher.match(found.title)
            if score > 0:
                yield Hit(score, matcher.highlight(found.title), found.run, text=found.title, help=found.help)

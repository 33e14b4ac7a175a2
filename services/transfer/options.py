"""What an engine can be told about times, sizes and numbers; tests shorten them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from services.connection import Connection
from services.gcs.interface import Storage
from services.transfer.messages import ParallelUploads

MIB: Final = 1024 * 1024
"""Bytes of a MiB."""

OpenStorage = Callable[[Connection], Awaitable[Storage]]
"""Opens storage; raises `PailError`."""


class Options(NamedTuple):
    """Times, sizes and numbers of an engine."""

    concurrency: int = 256
    """Transfers that ask something of one connection at once, at the most; `adaptive` says how many do."""
    begin: int = 32
    """Transfers of one connection at once, to begin with."""
    large: int = 4
    """Large transfers among them, so that small ones are not starved."""
    small_limit: int = 8 * MIB
    """Bytes up to which an upload is one request and a transfer counts as small."""
    part_size: int = 8 * MIB
    """Bytes of a part of a resumable upload: what a crash costs at the most, twice."""
    buffered: int = 64 * MIB
    """Bytes of small uploads that are in memory at once."""
    whole: int = 256 * 1024
    """Bytes up to which a download is gathered in memory and put in place along with others."""
    sliced: int = 64 * MIB
    """Bytes from which a download is fetched in slices, several at a time."""
    streams: int = 8
    """Slices of one object that are fetched at a time, at the most."""
    parallel_uploads: ParallelUploads = "auto"
    """Whether very large files go up in parallel parts, where a job does not say."""
    parallel_from: int = 128 * MIB
    """Bytes of a file, or of what is left of it, from which parts are thought of."""
    parallel_worth_s: float = 10.0
    """Seconds that one stream would still need at least."""
    smallest_part: int = 32 * MIB
    """Bytes of such a part at least."""
    part_chunk: int = 4 * MIB
    """Bytes of it that are sent at once: what a crash costs at the most, for each stream."""
    part_streams: int = 12
    """Parts of one file that are sent at a time, at the most."""
    bandwidth: str = "off"
    """Limit of everything together where nobody set one, as `services.transfer.timetable` reads it."""
    write_size: int = 2 * MIB
    """Bytes of a download that are gathered before they are written."""
    disk_threads: int = 8
    """Threads for local files."""
    max_attempts: int = 12
    """Tries without any progress before a passing fault counts as a failure: where a third of all requests fails, one
    of 10,000 objects meets eight in a row."""
    max_corrupt: int = 3
    """Times that wrong bytes of a large object are fetched or sent again."""
    max_corrupt_small: int = 10
    """The same for a small one, which costs little: of 10,000 some are damaged thrice in a row on a bad line."""
    max_changed: int = 5
    """Times that a file is uploaded again because it changed meanwhile."""
    max_restarts: int = 5
    """Times that a download starts anew because the object was overwritten."""
    backoff_s: float = 0.5
    """Seconds of the first wait; doubled each time, with jitter."""
    backoff_max_s: float = 32.0
    """Seconds of the longest wait."""
    settle_s: float = 2.0
    """Seconds for which a file has to stay the same after it changed under an upload."""
    probe_s: float = 5.0
    """Seconds between looks whether a lost network or lost credentials are back."""
    probe_limit_s: float = 8.0
    """Seconds that such a look may take."""
    ask_after_s: float = 0.5
    """Seconds for which conflicts are gathered before a job asks about them, unless nothing else is left to do."""
    disk_probe_s: float = 5.0
    """Seconds between looks whether a disk that was full or could not be written has room again."""
    patience_s: float | None = None
    """Seconds to wait for a lost network or lost credentials; None for ever.  Where the connection never worked, an
    engine with a limit gives up after its ordinary attempts."""
    open_storage: OpenStorage | None = None
    """How storage is opened; None for the real thing."""

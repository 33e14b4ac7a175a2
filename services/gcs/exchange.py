"""Requests and answers, whatever carries them: retries what may be retried, and knows when a change must not be."""

from __future__ import annotations

import abc
import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

from services.errors import PailError, Transient
from services.gcs.auth import Authority, Stamp
from services.gcs.body import StoredBody
from services.gcs.failures import Subject, Unsent, from_answer, parse_answer, wants_user_project
from services.gcs.interface import Fetched, Progress
from services.gcs.paths import DOWNLOAD, object_path
from services.gcs.pool import POOL_SIZE
from services.model import NOTHING
from services.operations import OperationCounter

if TYPE_CHECKING:
    from services.gcs.inserting import Insert

T = TypeVar("T")

SEND_CHUNK: Final = 16 * 1024
"""Bytes handed to the socket at once: small enough that a line of 2 KB/s gets them through within `connect_s`."""


class Limits(NamedTuple):
    """How long to wait, and how often to try; tests use shorter ones."""

    connect_s: float = 15.0
    """Seconds for a connection to be made, and for one small chunk to be sent."""
    answer_s: float = 120.0
    """Seconds without a byte of the answer to a change (a rewrite or a compose takes its time)."""
    stall_s: float = 30.0
    """Seconds without a byte of an object's body, or of the answer to a read (hazard 15)."""
    deadline_s: float = 60.0
    """Seconds after which a read is not tried again."""
    attempts: int = 6
    """How often a read is sent at most."""
    backoff_s: float = 0.4
    """Upper bound of the first pause; it doubles each time, and the pause is drawn at random below it."""
    backoff_cap_s: float = 8.0
    """Upper bound of any pause that the server did not ask for."""
    chunk: int = 256 * 1024
    """Bytes of a body handed over at once."""
    threads: int = POOL_SIZE
    """Threads for requests, and as many again for bodies."""


class Request(NamedTuple):
    """One request, without its address and its proof."""

    subject: Subject
    """What it is about, for messages."""
    method: str
    """Method of HTTP."""
    path: str
    """Path below the address, encoded; of a resumable session with its query, which is a secret."""
    params: Mapping[str, str | list[str]] = NOTHING
    """Query."""
    headers: Mapping[str, str] = NOTHING
    """Headers besides those of the session."""
    body: Body | bytes | None = None
    """What is sent."""
    repeatable: bool = False
    """Whether it changes nothing, so that it may be sent again whatever came of it."""
    accepted: frozenset[int] = frozenset()
    """Statuses besides 2xx that are an answer rather than a failure."""
    operation: str = ""
    """What it is billed as (`services.operations`); empty for what is part of another one."""

    def query(self, user_project: str) -> str:
        """Return what follows the path."""
        params = {**self.params, "userProject": user_project} if user_project else self.params
        if not params:
            return ""
        return ("&" if "?" in self.path else "?") + encode_query(params)


STORED: Final = {"Accept-Encoding": "gzip"}
"""Accepting gzip is what makes the service send stored bytes as they are."""


def media_request(bucket: str, name: str, generation: int | None) -> Request:
    """Return what asks for an object whole, as stored."""
    return Request(
        Subject("read", bucket, name, is_object=True),
        "GET",
        object_path(bucket, name, root=DOWNLOAD),
        {"alt": "media"} if generation is None else {"alt": "media", "generation": str(generation)},
        STORED,
        repeatable=True,
        operation="objects.get",
    )


def encode_query(params: Mapping[str, str | list[str]]) -> str:
    """Return a query; the keys need no encoding.  `urlencode` does the same in three times the time (measured)."""
    pairs = [(key, one) for key, value in params.items() for one in ([value] if isinstance(value, str) else value)]
    return "&".join([f"{key}={one if one.isalnum() and one.isascii() else quote(one, safe='')}" for key, one in pairs])


class Body:
    """Bytes to send in small chunks, counted as they leave; a second attempt counts nothing twice."""

    def __init__(self, *pieces: bytes | memoryview, counted: int = -1, progress: Progress | None = None) -> None:
        self._pieces = [memoryview(piece).cast("B") for piece in pieces]
        self._counted = counted
        self._progress = progress
        self._reported = 0

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._pieces)

    @property
    def pieces(self) -> list[memoryview]:
        """What it is made of, in order."""
        return self._pieces

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the chunks of one attempt."""
        left = self.tally()
        for index, piece in enumerate(self._pieces):
            for start in range(0, len(piece), SEND_CHUNK):
                chunk = piece[start : start + SEND_CHUNK]
                yield chunk
                left(index, len(chunk))

    def tally(self) -> Callable[[int, int], None]:
        """Return what one attempt tells of the bytes that left: the index of their piece, and how many.

        Only the piece with index `counted` is progress (-1: every one).
        """
        passed = 0

        def left(index: int, count: int) -> None:
            nonlocal passed
            if self._counted in (-1, index):
                passed += count
                self._report(passed)

        return left

    def _report(self, passed: int) -> None:
        if self._progress is not None and passed > self._reported:
            self._progress(passed - self._reported)
            self._reported = passed


class Reply(NamedTuple):
    """An answer that was read whole."""

    status: int
    """Status of HTTP."""
    headers: Mapping[str, str]
    """Headers, whatever the case of their names."""
    body: bytes = b""
    """The body."""

    def json(self, subject: Subject) -> dict[str, Any]:
        """Return the body as a JSON object; raises `Transient` for anything else (a captive portal, a wrong bit)."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Transient(
                subject.failed("the answer is not what a storage server sends"),
                remedy="Check that no login page of the network stands in between, then try again.",
                url=subject.url,
            )
        return found


class First:
    """What came of a first attempt."""

    __slots__ = ("fault", "reply", "stamp")

    def __init__(self, stamp: Stamp) -> None:
        self.stamp = stamp
        """What it was sent with."""
        self.reply: Reply | None = None
        """What it was answered with."""
        self.fault: PailError | None = None
        """Why there is no answer."""

    def outcome(self) -> Reply:
        """Return the answer, or raise the fault."""
        if self.fault is not None:
            raise self.fault
        assert self.reply is not None
        return self.reply


DAMAGED_ATTEMPTS: Final = 3
"""Times that an answer may come damaged before it counts as what the other side sends (a login page, say)."""


class Exchange(abc.ABC):
    """Sends requests over one authority; what carries them is left to its two kinds, threads and the event loop."""

    def __init__(self, authority: Authority, limits: Limits) -> None:
        self.authority = authority
        self.limits = limits
        self.operations = OperationCounter()
        """What was sent, by what it is billed as."""
        self._payers: set[str] = set()

    @abc.abstractmethod
    async def _try(self, request: Request, stamps: list[Stamp], *, stream: bool) -> Reply | StoredBody:
        """Send once, after noting in `stamps` with what; any status is an outcome, what never answered is raised.

        With `stream` an answer of 200 or 206 is returned as soon as its head is there.
        """

    @abc.abstractmethod
    async def blocking(self, work: Callable[[], T]) -> T:
        """Run something else that blocks, such as signing, in a thread."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Give up what is under way and close every connection."""

    async def renew(self, refused: Stamp) -> bool:
        """Get a newer proof after `refused` was; False where there is none."""
        return await self.blocking(partial(self.authority.renew, refused))

    async def moved(self, unreachable: Stamp) -> bool:
        """Look for a new address after nobody answered; False where it is fixed."""
        return await self.blocking(partial(self.authority.moved, unreachable))

    def bills_the_reader(self, bucket: str, *, so: bool) -> None:
        """Remember whether requests to a bucket name the project that pays."""
        if so:
            self._payers.add(bucket)
        else:
            self._payers.discard(bucket)

    def payer(self, *buckets: str) -> str:
        """Return the project to name in a request that concerns `buckets`; empty where none of them wants it."""
        return self.authority.billed_project if self._payers and self._payers.intersection(buckets) else ""

    async def send(self, request: Request) -> Reply:
        """Return the answer to a request; raises `PailError`."""
        reply = await self._attempts(request, stream=False)
        assert isinstance(reply, Reply)
        return reply

    async def resource(self, request: Request) -> dict[str, Any]:
        """Return the JSON object that a request is answered with; raises `PailError`."""
        return await self.parsed(request, dict)

    async def parsed(self, request: Request, read: Callable[[dict[str, Any]], T]) -> T:
        """Return what `read` makes of the JSON object that a request is answered with; raises `PailError`."""
        return await self.answered(request, lambda reply: read(reply.json(request.subject)))

    async def answered(self, request: Request, read: Callable[[Reply], T]) -> T:
        """Return what `read` makes of the answer to a request; raises `PailError`.

        An answer that is cut short, or of which `read` says by `Transient` that it has a wrong bit in it, is asked for
        again where that does no harm.
        """
        started = time.monotonic()
        for attempt in itertools.count(1):
            reply = await self.send(request)
            try:
                return read(reply)
            except Transient as damage:
                again = request.repeatable and attempt < DAMAGED_ATTEMPTS
                pause = self._pause(damage, attempt, time.monotonic() - started) if again else None
                if pause is None:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def open_body(self, request: Request) -> StoredBody:
        """Return an answer whose body the caller reads and closes; raises `PailError`."""
        opened = await self._attempts(request, stream=True)
        assert isinstance(opened, StoredBody)
        return opened

    async def fetch(self, bucket: str, name: str, generation: int | None) -> Fetched:
        """Return a small object whole, as stored; raises `PailError`."""
        body = await self.open_body(media_request(bucket, name, generation))
        try:
            content = b"".join([piece async for piece in body])
        finally:
            await body.close()
        return Fetched(body.generation, body.size, body.crc32c, body.content_encoding, content)

    async def insert(self, what: Insert) -> Reply:
        """Return the answer to what creates a small object; raises `PailError`."""
        return await self.send(what.request())

    async def _attempts(self, request: Request, *, stream: bool, first: First | None = None) -> Reply | StoredBody:
        """Send until there is an answer that was asked for, as often as the rules of the interface allow.

        `first` is what came of the first attempt, where that was made already.
        """
        started = time.monotonic()
        renewed = False
        for attempt in itertools.count(1):
            stamps: list[Stamp] = []
            resend = request.repeatable
            made, first = first, None
            if request.operation and made is None:
                self.operations.add(request.operation)
            try:
                if made is not None:
                    stamps.append(made.stamp)
                outcome = made.outcome() if made is not None else await self._try(request, stamps, stream=stream)
                if isinstance(outcome, StoredBody) or outcome.status < 300 or outcome.status in request.accepted:
                    return outcome
                answer = parse_answer(outcome.status, outcome.headers, outcome.body)
                if wants_user_project(answer) and self._learn_payers(request.subject):
                    continue
                if answer.status == 401 and not renewed:
                    renewed = True
                    if await self.renew(stamps[0]):
                        continue
                error = from_answer(request.subject, answer)
                resend = resend or answer.status == 429  # refused, so not carried out
            except Transient as fault:
                error = fault
                if not stamps:
                    resend = True  # there was no token to send it with
                elif isinstance(fault, Unsent):
                    resend = True
                    await self.moved(stamps[0])
            pause = self._pause(error, attempt, time.monotonic() - started) if resend else None
            if pause is None:
                raise error
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    def _pause(self, error: PailError, attempt: int, spent_s: float) -> float | None:
        """Return how long to wait before the next attempt, None for no further one."""
        if not isinstance(error, Transient) or attempt >= self.limits.attempts:
            return None
        import random  # only where something is tried again

        pause = random.uniform(0, min(self.limits.backoff_cap_s, self.limits.backoff_s * 2 ** (attempt - 1)))
        pause += error.retry_after_s or 0.0
        return pause if spent_s + pause <= self.limits.deadline_s else None

    def _learn_payers(self, subject: Subject) -> bool:
        """Remember that these buckets bill whoever asks; False where that was known, or nobody can be billed."""
        new = set(subject.buckets) - self._payers
        if not new or not self.authority.billed_project:
            return False
        self._payers |= new
        return True

"""Requests and answers: sends in threads, retries what may be retried, and knows when a change must not be."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError

from services.errors import PailError, Transient
from services.gcs.auth import Authority, Stamp
from services.gcs.failures import Subject, Unsent, from_answer, from_exception, parse_answer, wants_user_project
from services.gcs.interface import Progress
from services.gcs.pool import POOL_SIZE, ThreadPool
from services.gcs.session import Call, make_session

T = TypeVar("T")

SEND_CHUNK: Final = 16 * 1024
"""Bytes handed to the socket at once: small enough that a line of 2 KB/s gets them through within `connect_s`."""

ERROR_BODY_LIMIT: Final = 64 * 1024
"""Bytes of a refusal that are read."""

CLOSE_LIMIT_S: Final = 5.0
"""Seconds that closing waits for a thread that was given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, and how often to try; tests use shorter ones."""

    connect_s: float = 15.0
    """Seconds for a connection to be made, and for one small chunk to be sent."""
    answer_s: float = 120.0
    """Seconds without a byte of the answer to an ordinary request (a rewrite or a compose takes its time)."""
    stall_s: float = 30.0
    """Seconds without a byte of an object's body (hazard 15)."""
    deadline_s: float = 30.0
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


@dataclass(frozen=True, slots=True)
class Request:
    """One request, without its address and its proof."""

    subject: Subject
    """What it is about, for messages."""
    method: str
    """Method of HTTP."""
    path: str
    """Path below the address, encoded; of a resumable session with its query, which is a secret."""
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    """Query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers besides those of the session."""
    body: Body | bytes | None = None
    """What is sent."""
    repeatable: bool = False
    """Whether it changes nothing, so that it may be sent again whatever came of it."""
    accepted: frozenset[int] = frozenset()
    """Statuses besides 2xx that are an answer rather than a failure."""

    def query(self, user_project: str) -> str:
        """Return what follows the path."""
        params = dict(self.params)
        if user_project:
            params["userProject"] = user_project
        if not params:
            return ""
        return ("&" if "?" in self.path else "?") + urlencode(params, doseq=True, quote_via=quote)


class Body:
    """Bytes to send in small chunks, counted as they leave; a second attempt counts nothing twice."""

    def __init__(self, *pieces: bytes | memoryview, counted: int = -1, progress: Progress | None = None) -> None:
        self._pieces = [memoryview(piece).cast("B") for piece in pieces]
        self._counted = counted
        self._progress = progress
        self._reported = 0

    def __len__(self) -> int:
        return sum(len(piece) for piece in self._pieces)

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the chunks; only the piece with index `counted` is progress (-1: every one)."""
        passed = 0
        for index, piece in enumerate(self._pieces):
            for start in range(0, len(piece), SEND_CHUNK):
                chunk = piece[start : start + SEND_CHUNK]
                yield chunk
                if self._counted in (-1, index):
                    passed += len(chunk)
                    self._report(passed)

    def _report(self, passed: int) -> None:
        if self._progress is not None and passed > self._reported:
            self._progress(passed - self._reported)
            self._reported = passed


@dataclass(frozen=True, slots=True)
class Reply:
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


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer whose body is still to be read."""

    response: requests.Response
    """Its connection belongs to whoever holds this."""
    call: Call
    """To give it up."""


class Wire:
    """Sends requests over one authority."""

    def __init__(self, authority: Authority, limits: Limits, session: requests.Session) -> None:
        self.authority = authority
        self.limits = limits
        self.bodies = ThreadPool("pail-gcs-body", limits.threads)
        """Threads that read bodies, so that lists and changes never queue behind slow downloads."""
        self._requests = ThreadPool("pail-gcs", limits.threads)
        self._session = session
        self._calls: set[Call] = set()
        self._lock = threading.Lock()
        self._payers: set[str] = set()

    @classmethod
    def open(cls, authority: Authority, limits: Limits, *, direct: bool) -> Wire:
        """Return a wire; blocks for as long as the authority needs to find its address."""
        base_url = authority.stamp().base_url
        return cls(authority, limits, make_session(base_url, connections=2 * limits.threads, direct=direct))

    def bills_the_reader(self, bucket: str, *, so: bool) -> None:
        """Remember whether requests to a bucket name the project that pays."""
        if so:
            self._payers.add(bucket)
        else:
            self._payers.discard(bucket)

    def payer(self, *buckets: str) -> str:
        """Return the project to name in a request that concerns `buckets`; empty where none of them wants it."""
        return self.authority.billed_project if self._payers.intersection(buckets) else ""

    async def blocking(self, work: Callable[[], T]) -> T:
        """Run something else that blocks, such as signing, in a thread."""
        return await self._requests.run(work)

    async def send(self, request: Request) -> Reply:
        """Return the answer to a request; raises `PailError`."""
        reply = await self._attempts(request, self._exchange)
        assert isinstance(reply, Reply)
        return reply

    async def resource(self, request: Request) -> dict[str, Any]:
        """Return the JSON object that a request is answered with; raises `PailError`.

        A read whose answer is damaged is read once more by its caller's own retry, not here: damage is rare.
        """
        return (await self.send(request)).json(request.subject)

    async def open_body(self, request: Request) -> Opened:
        """Return an answer whose body the caller reads with `bodies`; raises `PailError`."""
        opened = await self._attempts(request, self._open)
        assert isinstance(opened, Opened)
        return opened

    async def close(self) -> None:
        """Give up what is under way and close every connection."""
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.give_up()
        for pool in (self._requests, self.bodies):
            pool.close()
        await asyncio.to_thread(self._close_blocking)

    def _close_blocking(self) -> None:
        for pool in (self._requests, self.bodies):
            pool.join(CLOSE_LIMIT_S)
        self._session.close()

    def release(self, call: Call) -> None:
        """Forget a call whose body has been read or closed."""
        call.finish()
        with self._lock:
            self._calls.discard(call)

    async def _attempts(self, request: Request, once: _Once) -> Reply | Opened:
        """Send until there is an answer that was asked for, as often as the rules of the interface allow."""
        started = time.monotonic()
        renewed = False
        for attempt in itertools.count(1):
            stamps: list[Stamp] = []
            resend = request.repeatable
            try:
                outcome = await self._try(request, once, stamps)
                if isinstance(outcome, Opened) or outcome.status < 300 or outcome.status in request.accepted:
                    return outcome
                answer = parse_answer(outcome.status, outcome.headers, outcome.body)
                if wants_user_project(answer) and self._learn_payers(request.subject):
                    continue
                if answer.status == 401 and not renewed:
                    renewed = True
                    if await self._requests.run(partial(self.authority.renew, stamps[0])):
                        continue
                error = from_answer(request.subject, answer)
                resend = resend or answer.status == 429  # refused, so not carried out
            except Transient as fault:
                error = fault
                if not stamps:
                    resend = True  # there was no token to send it with
                elif isinstance(fault, Unsent):
                    resend = True
                    await self._requests.run(partial(self.authority.moved, stamps[0]))
            pause = self._pause(error, attempt, time.monotonic() - started) if resend else None
            if pause is None:
                raise error
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    def _pause(self, error: PailError, attempt: int, spent_s: float) -> float | None:
        """Return how long to wait before the next attempt, None for no further one."""
        if not isinstance(error, Transient) or attempt >= self.limits.attempts:
            return None
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

    async def _try(self, request: Request, once: _Once, stamps: list[Stamp]) -> Reply | Opened:
        call = Call()
        with self._lock:
            self._calls.add(call)
        return await self._requests.run(partial(self._blocking_try, request, once, stamps, call), give_up=call.give_up)

    def _blocking_try(self, request: Request, once: _Once, stamps: list[Stamp], call: Call) -> Reply | Opened:
        outcome: Reply | Opened | None = None
        try:
            stamp = self.authority.stamp()
            stamps.append(stamp)
            with call.entered():
                outcome = once(request, call, stamp)
            return outcome
        finally:
            if not isinstance(outcome, Opened):
                self.release(call)

    # requests accepts any iterable with a length; its types know only of some.
    def _respond(self, request: Request, stamp: Stamp, wait_s: float) -> requests.Response:
        payer = self.payer(*request.subject.buckets)
        try:
            return self._session.request(
                request.method,
                stamp.base_url + request.path + request.query(payer),
                data=cast("bytes", request.body),
                headers={**stamp.headers, **request.headers},
                timeout=(self.limits.connect_s, wait_s),
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError, OSError, PailError) as error:
            raise from_exception(request.subject, error, host=_host(stamp)) from error

    def _exchange(self, request: Request, _call: Call, stamp: Stamp) -> Reply:
        """Send and read the whole answer."""
        with self._respond(request, stamp, self.limits.answer_s) as response:
            return self._whole(request, stamp, response)

    def _whole(self, request: Request, stamp: Stamp, response: requests.Response) -> Reply:
        try:
            failed = response.status_code >= 300 and response.status_code not in request.accepted
            body = response.raw.read(ERROR_BODY_LIMIT, decode_content=True) if failed else response.content
        except (requests.RequestException, HTTPError, OSError) as error:
            raise from_exception(request.subject, error, host=_host(stamp)) from error
        return Reply(response.status_code, response.headers, body)

    def _open(self, request: Request, call: Call, stamp: Stamp) -> Reply | Opened:
        """Send and read the head of the answer, or all of a refusal."""
        response = self._respond(request, stamp, self.limits.stall_s)
        if response.status_code in (200, 206) and not call.given_up:
            return Opened(response, call)
        with response:
            return self._whole(request, stamp, response)


def _host(stamp: Stamp) -> str:
    return urlsplit(stamp.base_url).netloc


_Once = Callable[[Request, Call, Stamp], Reply | Opened]
"""Sends a request once, in a thread; any status is an outcome, what never answered is raised."""

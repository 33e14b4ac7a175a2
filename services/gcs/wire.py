"""The road over requests: blocking calls in threads, each of which can be given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from services.errors import PailError
from services.gcs.auth import Authority, Stamp
from services.gcs.body import StoredBody
from services.gcs.exchange import Exchange, Limits, Reply, Request
from services.gcs.library_faults import from_exception
from services.gcs.pool import ThreadPool
from services.gcs.session import Call, make_session
from services.gcs.stream import Download

T = TypeVar("T")

ERROR_BODY_LIMIT: Final = 64 * 1024
"""Bytes of a refusal that are read."""

CLOSE_LIMIT_S: Final = 5.0
"""Seconds that closing waits for a thread that was given up."""


class Wire(Exchange):
    """Sends requests in threads, over requests."""

    def __init__(self, authority: Authority, limits: Limits, session: requests.Session) -> None:
        super().__init__(authority, limits)
        self.bodies = ThreadPool("pail-gcs-body", limits.threads)
        """Threads that read bodies, so that lists and changes never queue behind slow downloads."""
        self._requests = ThreadPool("pail-gcs", limits.threads)
        self._session = session
        self._calls: set[Call] = set()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, authority: Authority, limits: Limits, *, direct: bool) -> Wire:
        """Return a wire; blocks for as long as the authority needs to find its address."""
        base_url = authority.stamp().base_url
        return cls(authority, limits, make_session(base_url, connections=2 * limits.threads, direct=direct))

    async def blocking(self, work: Callable[[], T]) -> T:
        """Run something else that blocks, such as signing, in a thread."""
        return await self._requests.run(work)

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

    async def _try(self, request: Request, stamps: list[Stamp], *, stream: bool) -> Reply | StoredBody:
        call = Call()
        once = self._open if stream else self._exchange
        with self._lock:
            self._calls.add(call)
        future = self._requests.submit(partial(self._blocking_try, request, once, stamps, call))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.give_up()
            future.add_done_callback(partial(self._discard, call))
            raise

    def _discard(self, call: Call, future: Future[Reply | StoredBody]) -> None:
        """Let go of what came too late for the one who wanted it."""
        self.release(call)
        if not future.cancelled() and future.exception() is None and isinstance(body := future.result(), Download):
            body.discard()

    def _blocking_try(self, request: Request, once: _Once, stamps: list[Stamp], call: Call) -> Reply | StoredBody:
        outcome: Reply | StoredBody | None = None
        try:
            stamp = self.authority.stamp()
            stamps.append(stamp)
            with call.entered():
                outcome = once(request, call, stamp)
            return outcome
        finally:
            if not isinstance(outcome, StoredBody):
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
        # A read is soon asked for anew; a change is waited for, since nobody would know what became of it.
        wait_s = self.limits.stall_s if request.repeatable else self.limits.answer_s
        with self._respond(request, stamp, wait_s) as response:
            return self._whole(request, stamp, response)

    def _whole(self, request: Request, stamp: Stamp, response: requests.Response) -> Reply:
        try:
            failed = response.status_code >= 300 and response.status_code not in request.accepted
            body = response.raw.read(ERROR_BODY_LIMIT, decode_content=True) if failed else response.content
        except (requests.RequestException, HTTPError, OSError) as error:
            raise from_exception(request.subject, error, host=_host(stamp)) from error
        return Reply(response.status_code, response.headers, body)

    def _open(self, request: Request, call: Call, stamp: Stamp) -> Reply | StoredBody:
        """Send and read the head of the answer, or all of a refusal."""
        response = self._respond(request, stamp, self.limits.stall_s)
        if response.status_code in (200, 206) and not call.given_up:
            return Download(
                request.subject, response, call, pool=self.bodies, chunk=self.limits.chunk, release=self.release
            )
        with response:
            return self._whole(request, stamp, response)


def _host(stamp: Stamp) -> str:
    return urlsplit(stamp.base_url).netloc


_Once = Callable[[Request, Call, Stamp], Reply | StoredBody]
"""Sends a request once, in a thread; any status is an outcome, what never answered is raised."""

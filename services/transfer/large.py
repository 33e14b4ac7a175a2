"""Which way a large file goes up: in one stream, or in parallel parts where that is allowed and pays.

Whether it pays is measured: the upload begins in one stream, whose goodput says how long the rest would take.  Where
that is long, two parts are tried beside one another; where they are not clearly faster, the stream goes on where it
stood, and nothing was lost but the bytes of the trial.
"""

from __future__ import annotations

import time
from typing import Final

from services.errors import PailError
from services.model import ObjectInfo
from services.names import parse_gs_url
from services.transfer.composing import Unsuitable
from services.transfer.local import SourceFile
from services.transfer.messages import ParallelUploads
from services.transfer.parallel import NotFaster, ParallelUpload, remove_leftovers
from services.transfer.parts import advises_against, forbids, is_plan
from services.transfer.resumable import ResumableUpload, abandon_session
from services.transfer.run import Run
from services.transfer.target import ObjectTarget

ENOUGH_S: Final = 10.0
"""Seconds for which a line on which two streams carried no more than one is not tried again; doubled each time."""

ENOUGH_MOST_S: Final = 600.0
"""The most that this becomes."""

MEASURED: Final = 2
"""Parts of the single stream that are measured before anything is decided: the first one meets a cold connection."""

NEEDED: Final = ["storage.objects.create", "storage.objects.delete", "storage.objects.list"]
"""What parts need besides what every upload needs."""


class LargeUpload:
    """The upload of one large file."""

    def __init__(self, run: Run, source: SourceFile, target: ObjectTarget) -> None:
        self._run = run
        self._source = source
        self._target = target
        self._mode: ParallelUploads = run.spec.parallel_uploads or run.tools.options.parallel_uploads
        self._sent = 0
        self._measured = 0
        self._rate = 0.0

    async def upload(self) -> ObjectInfo:
        """Send what is missing and return the finished object."""
        run = self._run
        if is_plan(run.record.session) or (not run.record.session and await self._at_once()):
            try:
                return await ParallelUpload(run, self._source, self._target).upload()
            except Unsuitable as error:
                run.line.no_parts[self._target.bucket] = str(error)
        watch = self._watch if self._mode == "auto" and self._source.size >= run.tools.options.parallel_from else None
        return await ResumableUpload(run, self._source, self._target, watch).upload()

    async def _at_once(self) -> bool:
        """Tell whether the file goes up in parts without another measurement."""
        options, line = self._run.tools.options, self._run.line
        if self._mode == "never" or self._source.size < options.parallel_from:
            return False
        if self._mode == "auto" and not (line.one_stream and self._pays(self._source.size, line.one_stream)):
            return False
        return not await self._why_not()

    def _pays(self, left: int, rate: float) -> bool:
        options, line = self._run.tools.options, self._run.line
        long = left >= options.parallel_from and left >= rate * options.parallel_worth_s
        # Several large files are several streams already, and where a limit is set, it is the limit.
        return long and line.large <= 1 and not self._run.limited

    async def _watch(self, received: int, seconds: float) -> ObjectInfo | None:
        """Measure the single stream, and send what is left in parts once that pays."""
        line, sent = self._run.line, received - self._sent
        self._sent = received
        self._measured += 1
        if sent > 0 and seconds > 0:
            self._rate = max(self._rate, sent / seconds)
        if self._measured < MEASURED or not self._rate or time.monotonic() < line.enough_until:
            return None
        if not self._pays(self._source.size - received, self._rate) or await self._why_not():
            return None
        try:
            done = await ParallelUpload(self._run, self._source, self._target, one_stream=self._rate).upload()
        except NotFaster:
            line.enough_s = min(ENOUGH_MOST_S, max(ENOUGH_S, 2 * line.enough_s))
            line.enough_until = time.monotonic() + line.enough_s
        except Unsuitable as error:
            line.no_parts[self._target.bucket] = str(error)
        else:
            line.one_stream = self._rate
            return done
        return None

    async def _why_not(self) -> str:
        """Return why parts are out of the question in this bucket; found out once for each connection."""
        line, bucket = self._run.line, self._target.bucket
        if bucket not in line.no_parts:
            line.no_parts[bucket] = await self._look_at(bucket)
        return line.no_parts[bucket]

    async def _look_at(self, bucket: str) -> str:
        control = (await self._run.line.storage()).control
        try:
            info = await control.get_bucket(bucket)
            if self._mode == "always":
                return forbids(info)
            connection = self._run.line.connection
            anyone = connection.is_local or connection.endpoint
            if not anyone and len(await control.test_permissions(bucket, NEEDED)) < len(NEEDED):
                return "parts could not be removed with these credentials"
        except PailError as error:
            return "" if self._mode == "always" else error.message
        return advises_against(info)


async def give_up(run: Run) -> None:
    """Remove what an unfinished upload holds at the service: its session, or its parts, where they can be reached.

    Parts that could not be removed stay in the record, for the next start; a session expires by itself.
    """
    record = run.record
    session = record.session
    if not is_plan(session):
        record.session = ""
        if session:
            await abandon_session(run, session)
    elif await remove_leftovers(run, parse_gs_url(record.target).bucket, session) and record.session == session:
        record.session = ""

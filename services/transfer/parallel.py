"""Uploads in parallel parts: for a very large file on a line where one stream carries less than the line does.

Each part goes up through a resumable session of its own, several at a time, into a temporary object; the parts are
then composed into the target, under the target's precondition, and removed.  The plan is in the journal before the
first byte is sent, so a process that is killed goes on with every session, and whoever cancels finds what to remove.
Nothing is visible under the target's name before the compose, and the file is compared with what it was just before.
"""

from __future__ import annotations

from services.checksum import Crc32c, encode
from services.errors import Corrupt, PailError, PreconditionFailed, SessionGone, Transient
from services.gcs.interface import PART_MULTIPLE
from services.model import CREATE_ONLY, ObjectInfo
from services.names import display_name
from services.transfer.abreast import Abreast
from services.transfer.composing import Composer, Unsuitable, find_part, remove_parts
from services.transfer.local import SourceFile
from services.transfer.memory import keep_memory
from services.transfer.meter import part_size
from services.transfer.parts import Part, Plan, is_plan, part_attributes, part_bytes
from services.transfer.resumable import abandon_session, hash_range, read_hashed
from services.transfer.run import Run, source_changed
from services.transfer.streams import FIRST_STREAMS, Streams
from services.transfer.target import ObjectTarget


class NotFaster(Exception):
    """Two streams carry no more than one does: the upload goes on in one."""


class ParallelUpload:
    """The upload of one file in parts, from wherever an earlier try or process left it."""

    def __init__(self, run: Run, source: SourceFile, target: ObjectTarget, *, one_stream: float = 0.0) -> None:
        self._run = run
        self._source = source
        self._target = target
        self._plan: Plan
        self._trying = one_stream > 0
        most = max(FIRST_STREAMS, run.tools.options.part_streams // max(1, run.line.large))
        self._streams = Streams(most, one_stream)
        keep_memory()

    async def upload(self) -> ObjectInfo:
        """Send what is missing, join it, remove the parts and return the object.

        Raises `NotFaster`, `Unsuitable` with nothing left behind but the spare session, and what any upload raises.
        """
        run = self._run
        done = await self._resume()
        if done is None:
            try:
                await self._send_all()
                done = await self._join()
            except NotFaster:
                spare, self._plan.spare = self._plan.spare, ""
                await self._remove()
                run.record.session = spare
                await run.save()
                raise
            except Unsuitable:
                run.verifying = False
                await self._remove()
                raise
        await self._remove()
        return done

    async def _resume(self) -> ObjectInfo | None:
        """Take up the plan of an earlier process, or make one and have it in the journal."""
        run, record, target = self._run, self._run.record, self._target
        if is_plan(record.session):
            self._plan = Plan.from_text(record.session)
            if record.fingerprint == self._source.mark and self._plan.size == self._source.size:
                run.moved = self._plan.moved
                target.pin(self._plan.seen)
                await self._drop_spare()
                return await target.read_back()
            await self._remove()
        record.crc32c, run.moved = "", 0
        if not self._trying:
            await target.look()
        each = part_bytes(self._source.size, run.tools.options.smallest_part)
        self._plan = Plan(self._source.size, each, target.precondition.generation or 0, spare=record.session)
        record.fingerprint = self._source.mark
        await self._save()
        return None

    async def _drop_spare(self) -> None:
        spare, self._plan.spare = self._plan.spare, ""
        if spare:
            await self._save()
            await abandon_session(self._run, spare)

    async def _save(self) -> None:
        self._run.record.session = self._plan.text()
        await self._run.save()

    async def _remove(self) -> None:
        """Remove the parts, and whatever else is there of them; tried again for as long as that makes sense."""
        run = self._run
        await remove_patiently(run, self._target.bucket, self._plan)
        run.record.session = ""
        await run.save()

    async def _send_all(self) -> None:
        run, patience = self._run, self._run.patience()
        while any(not part.done for part in self._plan.parts):
            try:
                await self._side_by_side()
                run.waiting = ""
            except Transient as error:
                for part in self._plan.parts:
                    part.asked, part.flying = False, 0
                await patience.after(self._target.bucket, error, progressed=run.failed_once(error))

    async def _side_by_side(self) -> None:
        """Send parts, several at a time: more while that moves more.

        Where one breaks off the others end their chunks, and the fault is raised: what has arrived stays.
        """
        streams = self._streams

        async def move(part: Part) -> None:
            while not part.done and not abreast.ending:
                streams.ended(await self._send(part))
                await self._judge()
                abreast.grow()

        waiting = [part for part in self._plan.parts if not part.done]
        # A part that arrived damaged is no reason to give up what the others are at: it would be sent twice as well.
        abreast = Abreast(waiting, move, lambda: streams.wanted, ends=(Transient, Corrupt))
        try:
            await abreast.run()
        except (Transient, Corrupt):
            streams.broke_off()
            raise

    async def _judge(self) -> None:
        """Decide once that is clear whether parts are worth it; raises `NotFaster` where they are not."""
        if self._trying and self._streams.faster is not None:
            if not self._streams.faster:
                raise NotFaster
            self._trying = False
            await self._drop_spare()

    async def _send(self, part: Part) -> int:
        """Send the next chunk of a part, after asking where it stands if that is not known; returns its bytes."""
        run, bucket, name = self._run, self._target.bucket, self._plan.name(part)
        try:
            if not part.session:
                await self._begin(part)
            elif not part.asked:
                await self._ask(part)
            return 0 if part.done else await self._chunk(part)
        except (SessionGone, PreconditionFailed):
            # The answer to the last chunk may have been lost, and the part be complete.
            found = await find_part(run, bucket, name)
            if found is not None:
                value = await run.in_bulk(hash_range, self._source, part.start, part.end, 0)
                if value is None:
                    raise source_changed(run) from None
                await self._finish(part, found, value)
            else:
                part.reset()
                raise Transient(f"{display_name(run.record.source)}: a part has to be sent again") from None
            return 0

    async def _begin(self, part: Part) -> None:
        part.session = await (await self._run.data()).start_upload(
            self._target.bucket,
            self._plan.name(part),
            size=part.size,
            attributes=part_attributes(self._target.name, self._run.record.nonce),
            crc32c="",
            precondition=CREATE_ONLY,
        )
        part.asked, part.received, part.crc = True, 0, Crc32c()
        await self._save()

    async def _ask(self, part: Part) -> None:
        """Ask what has arrived of a part, and have the checksum of just that."""
        run = self._run
        status = await (await run.data()).upload_status(part.session, total=part.size)
        part.received = part.size if status.done is not None else status.received
        value = await run.in_bulk(hash_range, self._source, part.start, part.start + part.received, 0)
        if value is None:
            raise source_changed(run)
        part.crc, part.asked = Crc32c(value), True
        if status.done is not None:
            await self._finish(part, status.done, value)
        self._moved()

    async def _chunk(self, part: Part) -> int:
        run = self._run
        count = min(self._chunk_size(), part.size - part.received)
        chunk = await run.in_bulk(read_hashed, self._source, part.start + part.received, count, part.crc.value)
        if chunk.size < count:
            raise source_changed(run)
        last = part.received + count == part.size
        await run.throttle(count)
        self._streams.began()

        def sent(count: int) -> None:
            part.flying += count
            run.moved = min(self._plan.size, run.moved + count)

        try:
            status = await (await run.data()).upload_part(
                part.session,
                chunk.pieces,
                offset=part.received,
                total=part.size,
                crc32c=encode(chunk.value) if last else "",
                progress=sent,
            )
        except Corrupt:
            # Nothing of it was kept.
            await self._discard(part)
            raise
        part.flying = 0
        if status.done is not None:
            await self._finish(part, status.done, chunk.value)
        elif status.received == part.received + count:
            part.received, part.crc = status.received, Crc32c(chunk.value)
        else:
            part.asked = False
        self._moved()
        return count

    def _chunk_size(self) -> int:
        tools, flags = self._run.tools, self._run.flags
        return part_size(tools.options.part_chunk, [tools.bandwidth.rate, flags.bandwidth.rate], PART_MULTIPLE)

    async def _finish(self, part: Part, info: ObjectInfo, value: int) -> None:
        if info.crc32c != encode(value) or info.size != part.size:
            name = self._plan.name(part)
            await (await self._run.data()).delete_many(self._target.bucket, [(name, info.generation)])
            await self._discard(part)
            raise Corrupt(
                f"{display_name(self._run.record.target)}: a part arrived with another checksum than the file's"
            )
        part.finish(info.generation, value)
        await self._save()

    async def _discard(self, part: Part) -> None:
        part.reset()
        await self._save()

    def _moved(self) -> None:
        self._run.confirmed(sum(part.received for part in self._plan.parts))
        self._run.moved = min(self._plan.size, self._plan.moved)

    async def _join(self) -> ObjectInfo:
        """Compose the parts, once it is certain that the file is still what was read."""
        run = self._run
        if not await run.disk(self._source.unchanged):
            await self._remove()
            raise source_changed(run)
        # Whoever goes on after a crash knows the finished object by its checksum.
        run.record.crc32c = encode(self._plan.crc)
        await self._save()
        run.verifying = True
        return await Composer(run, self._target, self._plan).compose()


async def remove_patiently(run: Run, bucket: str, plan: Plan) -> None:
    """Remove all that is there of an upload in parts, with as many tries as any transfer gets; raises `PailError`."""
    patience = run.patience()
    while True:
        try:
            await remove_parts(await run.data(), bucket, plan)
        except Transient as error:
            await patience.after(bucket, error, progressed=run.failed_once(error))
        else:
            return


async def remove_leftovers(run: Run, bucket: str, session: str) -> bool:
    """Remove what a cancelled or failed upload in parts has left, in one try; tell whether nothing is left."""
    try:
        await remove_parts(await run.data(), bucket, Plan.from_text(session))
    except PailError:
        return False
    return True

"""What can be done with buckets: choose, create, add, remove, delete, switch the connection."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from app.desk import Desk
from app.screens.buckets import AddBucketDialog, CreateBucketDialog
from app.screens.delete import DeleteBucketDialog
from app.screens.dialog import ConfirmDialog, shown
from app.screens.replit import REPLIT_IDS, AwaitBucketDialog
from app.screens.selector import BucketSelector
from app.screens.undelete import RestoreObjectsDialog
from services.emptying import emptied_from
from services.errors import BucketNotFound, Conflict
from services.history import deleted_below
from services.model import BucketInfo, BucketSpec
from services.names import parse_gs_url
from services.transfer.messages import JobItem, JobView
from widgets import formats

KEPT_LOOKED_AT: Final = 10_000
"""Deleted objects of a restored bucket whose times are looked at before the question; there may be more."""


class BucketActions:
    """Works on the open bucket and on the list of buckets."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do_buckets(self) -> None:
        """Drop the selector down and do what was chosen in it."""
        desk = self._desk
        choice = await desk.ask(BucketSelector(desk.session, desk.place.bucket, desk.surroundings))
        desk.show_place()  # its display name may be another one now
        if choice is None:
            return
        match choice.kind:
            case "bucket":
                desk.open_bucket(choice.name, "")
            case "create":
                await self.create(choice.name)
            case "add":
                await self.add(choice.name)
            case "remove":
                await self.remove(choice.name)
            case "restore":
                await self.restore(choice.name, choice.generation, choice.deleted)
            case "connection":
                desk.switch_connection()

    async def do_switch_connection(self) -> None:
        """Choose another connection."""
        self._desk.switch_connection()

    async def do_create_bucket(self) -> None:
        """Create a bucket and open it."""
        await self.create("")

    async def create(self, name: str) -> None:
        """Create a bucket, proposing a name, and open it; in Replit, wait for one that its own tool makes."""
        desk = self._desk
        if desk.session.is_replit:
            await self._await_bucket()
            return
        settings = desk.place.settings
        dialog = CreateBucketDialog(
            self._create,
            desk.session.is_taken,
            where=desk.session.where,
            name=name,
            location=settings.location if settings is not None else "",
        )
        made = await desk.ask(dialog)
        if made is not None:
            desk.tell(f"Created {shown(made.name)}")
            desk.open_bucket(made.name, "")

    async def _await_bucket(self) -> None:
        desk, session = self._desk, self._desk.session
        known = frozenset(choice.name for choice in session.known_choices() if choice.attached)
        dialog = AwaitBucketDialog(
            lambda: session.appeared(known), session.access, session.attach, every_s=desk.surroundings.look_s
        )
        found = await desk.ask(dialog)
        if found is not None:
            desk.tell(f"{shown(found)} is here")
            desk.open_bucket(found, "")

    async def _create(self, spec: BucketSpec) -> BucketInfo:
        try:
            return await self._desk.session.create(spec)
        except Conflict as error:
            raise Conflict(
                f"the name {shown(spec.name)} is taken", remedy="Names are unique in the whole world: try another."
            ) from error

    async def do_add_bucket(self) -> None:
        """Add a bucket that exists, and open it."""
        await self.add("")

    async def add(self, name: str) -> None:
        """Add a bucket that exists, proposing a name, and open it."""
        desk = self._desk
        session = desk.session
        hint = REPLIT_IDS if session.is_replit else ""
        dialog = AddBucketDialog(session.others, session.access, session.attach, name, hint=hint)
        added = await desk.ask(dialog)
        if added is not None:
            choice = next((one for one in session.known_choices() if one.name == added), None)
            ability = f": {choice.ability}" if choice is not None and choice.ability != "unknown" else ""
            why = f" ({choice.reason})" if choice is not None and choice.reason else ""
            desk.tell(f"Added {shown(added)} to this workspace{ability}{why}")
            desk.open_bucket(added, "")

    async def do_remove_bucket(self) -> None:
        """Take the open bucket off the workspace's list."""
        await self.remove(self._desk.place.bucket)

    async def remove(self, bucket: str) -> None:
        """Take a bucket off the workspace's list, after a question."""
        desk = self._desk
        lines = (f"gs://{shown(bucket)}", "Only the list changes: all data stays in the bucket.")
        if await desk.ask(ConfirmDialog(f"Remove {shown(bucket)} from this workspace?", lines, go="Remove")):
            await desk.session.detach(bucket)
            desk.tell(f"Removed {shown(bucket)} from this workspace; nothing in it was touched.")
            desk.left_bucket(bucket)

    async def restore(self, bucket: str, generation: int, deleted: float | None) -> None:
        """Bring a bucket back that was deleted at a moment, and open it, after a question."""
        desk = self._desk
        lines = (f"gs://{shown(bucket)}", "It comes back with its settings. What was in it is asked about after that.")
        if not await desk.ask(ConfirmDialog(f"Restore the bucket {shown(bucket)}?", lines, go="Restore")):
            return
        await desk.session.restore(bucket, generation)
        desk.tell(f"Restored the bucket {shown(bucket)}")
        desk.open_bucket(bucket, "")
        await self._restore_objects(bucket, deleted)

    async def _restore_objects(self, bucket: str, deleted: float | None) -> None:
        """Offer to bring back what soft delete has kept of a bucket that was restored: what went with it, or all."""
        desk = self._desk
        found, more = await self._kept(bucket)
        if not found:
            return
        # Of a part only the latest moment is sure to belong to the emptying.
        since = None if deleted is None else emptied_from(found, max(found) if more else deleted)
        chosen = await desk.ask(RestoreObjectsDialog(found, since, more=more, zone=desk.surroundings.zone))
        if chosen is not None:
            url = f"gs://{bucket}/"
            await desk.start("restore", (JobItem(url, url, tree=True, deleted_from=chosen),), conflict="skip")

    async def _kept(self, bucket: str) -> tuple[list[float], bool]:
        """Return when what can be brought back was deleted, and whether there is more than was looked at."""
        found: list[float] = []
        async with aclosing(deleted_below(self._desk.session.storage.data, bucket, "")) as plans:
            async for plan in plans:
                found.append(plan.row.deleted or 0.0)
                if len(found) == KEPT_LOOKED_AT:
                    return found, True
        return found, False

    async def do_delete_bucket(self) -> None:
        """Delete the bucket with everything in it, through the engine."""
        desk, bucket = self._desk, self._desk.place.bucket
        if not await desk.ask(
            DeleteBucketDialog(bucket, desk.place.settings, desk.session.storage.data, desk.surroundings)
        ):
            return
        await desk.start("delete-bucket", (JobItem(f"gs://{bucket}/", tree=True),))
        desk.tell(f"Deleting {shown(bucket)} in the background. w shows it, X there stops it.")

    async def ended(self, job: JobView) -> None:
        """Take a bucket that the engine has deleted off the lists."""
        if job.action != "delete-bucket":
            return
        desk, bucket = self._desk, parse_gs_url(job.source).bucket
        if job.state == "done" or job.code == BucketNotFound.reason:
            if desk.is_connected and job.connection == desk.session.connection.label:
                await desk.session.forget(bucket)
                desk.left_bucket(bucket)
            desk.tell(f"Deleted the bucket {shown(bucket)}")
        else:
            why = f": {job.reason}" if job.reason else ""
            left = f"{formats.count(job.failed - 1, 'object')} could not be deleted.\n" if job.failed > 1 else ""
            rest = "w shows why · R there tries again" if job.state == "failed" else "What had gone by then is gone."
            desk.tell(f"The bucket {shown(bucket)} was not deleted{why}\n{left}{rest}", bad=True)

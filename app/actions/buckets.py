"""What can be done with buckets: choose, create, add, remove, delete, switch the connection."""

from __future__ import annotations

from app.desk import Desk
from app.screens.buckets import AddBucketDialog, CreateBucketDialog
from app.screens.delete import DeleteBucketDialog
from app.screens.dialog import ConfirmDialog, shown
from app.screens.selector import BucketSelector
from services.errors import Conflict
from services.model import BucketInfo, BucketSpec
from services.transfer.messages import JobItem, JobView


class BucketActions:
    """Works on the open bucket and on the list of buckets."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._emptying: dict[str, str] = {}
        """Jobs that empty a bucket which is deleted after them, with the bucket's name."""

    async def do_buckets(self) -> None:
        """Drop the selector down and do what was chosen in it."""
        desk = self._desk
        choice = await desk.ask(BucketSelector(desk.session, desk.place.bucket, desk.symbols))
        if choice is None:
            return
        match choice.kind:
            case "bucket":
                desk.open_bucket(choice.name, "")
            case "create":
                await self.create(choice.name)
            case "add":
                await self.add(choice.name)
            case "connection":
                desk.switch_connection()

    async def do_switch_connection(self) -> None:
        """Choose another connection."""
        self._desk.switch_connection()

    async def do_create_bucket(self) -> None:
        """Create a bucket and open it."""
        await self.create("")

    async def create(self, name: str) -> None:
        """Create a bucket, proposing a name, and open it."""
        desk = self._desk
        made = await desk.ask(CreateBucketDialog(self._create, where=desk.session.where, name=name))
        if made is not None:
            desk.tell(f"Created {shown(made.name)}")
            desk.open_bucket(made.name, "")

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
        choices = [choice for choice in await desk.session.choices() if not choice.attached]
        dialog = AddBucketDialog(tuple(one.name for one in choices), desk.session.notice, desk.session.attach, name)
        added = await desk.ask(dialog)
        if added is not None:
            desk.open_bucket(added, "")

    async def do_remove_bucket(self) -> None:
        """Take the bucket off the workspace's list."""
        desk, bucket = self._desk, self._desk.place.bucket
        lines = (f"gs://{shown(bucket)}", "Only the list changes: all data stays in the bucket.")
        if await desk.ask(ConfirmDialog(f"Remove {shown(bucket)} from this workspace?", lines, go="Remove")):
            await desk.session.detach(bucket)
            desk.left_bucket(bucket)

    async def do_delete_bucket(self) -> None:
        """Delete the bucket: empty it through the engine where it is not empty, then delete it."""
        desk, bucket = self._desk, self._desk.place.bucket
        if not await desk.ask(
            DeleteBucketDialog(bucket, desk.place.settings, desk.session.storage.data, desk.surroundings)
        ):
            return
        try:
            await desk.session.delete(bucket)
        except Conflict:
            job = await desk.start("delete", (JobItem(f"gs://{bucket}/", tree=True),))
            self._emptying[job] = bucket
            desk.only_here[job] = f"the bucket {shown(bucket)} is deleted once it is empty"
            desk.tell(f"Emptying {shown(bucket)} first; it is deleted after that.")
        else:
            self._gone(bucket)

    async def ended(self, job: JobView) -> None:
        """Go on with the deletion of a bucket once it is empty."""
        bucket = self._emptying.pop(job.id, "")
        if not bucket:
            return
        desk = self._desk
        try:
            if job.state == "done":
                # Older generations and what arrived meanwhile are no business of the job: they go here.
                await desk.session.empty(bucket)
                await desk.session.delete(bucket)
                self._gone(bucket)
            else:
                desk.tell(f"{shown(bucket)} was not deleted: emptying it was {job.state}.", bad=True)
        finally:
            desk.only_here.pop(job.id, None)

    def _gone(self, bucket: str) -> None:
        self._desk.tell(f"Deleted the bucket {shown(bucket)}")
        self._desk.left_bucket(bucket)

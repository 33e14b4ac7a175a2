"""What can be done with objects and folders: upload, download, delete, new folder, copy the URL, mark, sort."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from app.actions.past import PastActions
from app.desk import Desk, Place
from app.screens.conflict import ConflictDialog
from app.screens.delete import DeleteDialog, Doomed
from app.screens.dialog import PromptDialog, shown
from app.screens.pasted import PastedDialog, UploadChoice
from app.screens.picker import DownloadDialog, UploadDialog
from app.screens.sort import SortDialog
from services.errors import PailError
from services.model import BucketInfo
from services.names import GsUrl, base_name, check_object_name, local_path, object_name
from services.pasted import find_paths
from services.tally import Tally
from services.transfer.messages import JobItem, JobView, SnapshotQuery, TransferView
from widgets import formats
from widgets.object_rows import Entry
from widgets.object_tree import ObjectTree

COPY_LIMIT: Final = 1_000
"""URLs that are copied at once at the most: terminals drop longer clipboards."""


class ObjectActions:
    """Works on what is marked, or on the cursor's row."""

    def __init__(self, desk: Desk, past: PastActions) -> None:
        self._desk = desk
        self._past = past
        self._remembered = desk.surroundings.remembered
        self._asking: set[str] = set()

    @property
    def _tree(self) -> ObjectTree:
        return self._desk.tree

    # Upload

    async def do_upload(self) -> None:
        """Choose files and upload them."""
        await self._pick(folders=False)

    async def do_upload_folder(self) -> None:
        """Choose a folder and upload what is in it."""
        await self._pick(folders=True)

    async def _pick(self, *, folders: bool) -> None:
        place = self._desk.place
        start = await self._remembered.upload_folder()
        dialog = UploadDialog(place.bucket, self._tree.target_prefix, start, self._desk.symbols, folders=folders)
        choice = await self._desk.ask(dialog)
        if choice is not None and choice.paths:
            await self._remembered.set_upload_folder(os.path.dirname(choice.paths[0]))  # noqa: PTH120
            await self._upload(choice)

    async def pasted(self, text: str) -> None:
        """Offer to upload pasted paths."""
        desk = self._desk
        found = await asyncio.to_thread(find_paths, text)
        if not found:
            desk.tell("The pasted text names no path. Drag files onto the terminal, or press u.")
        elif not desk.place.bucket:
            desk.tell("Open a bucket first (b), then paste the paths again.")
        elif desk.place.access.ability in ("read only", "no access") and found.present:
            desk.tell("These credentials may not write to this bucket.", bad=True)
        else:
            choice = await desk.ask(PastedDialog(found, desk.place.bucket, self._tree.target_prefix))
            if choice is not None:
                await self._upload(choice)

    async def _upload(self, choice: UploadChoice) -> None:
        bucket = self._desk.place.bucket
        items = await asyncio.to_thread(upload_items, choice, bucket)
        await self._desk.start("upload", items, conflict="ask")

    # Download

    async def do_download(self) -> None:
        """Download to the folder that was used last; the first time, ask for it."""
        await self.download(self._desk.rows.selection)

    async def do_download_to(self) -> None:
        """Download to a folder that is asked for."""
        await self.download(self._desk.rows.selection, ask=True)

    async def download(self, entries: list[Entry], *, ask: bool = False) -> None:
        """Download entries; what is deleted has to be restored first, as the service keeps it unreadable."""
        kept = self._desk.browser.soft_deleted if self._desk.browser is not None else set()
        readable = [entry for entry in entries if (entry.name, entry.generation) not in kept]
        if len(readable) < len(entries):
            self._desk.tell("What is deleted can be downloaded once it is restored (^r).", bad=not readable)
        entries = readable
        if not entries:
            return
        known = await self._remembered.download_folder()
        folder: str | None = known
        if ask or not known:
            folder = await self._desk.ask(
                DownloadDialog(described(entries), known or default_download_folder(), self._desk.symbols)
            )
            if folder is None:
                return
            await self._remembered.set_download_folder(folder)
        assert folder is not None
        bucket = self._desk.place.bucket
        await self._desk.start("download", download_items(entries, bucket, folder), conflict="ask")
        self._desk.tell(f"Downloading {described(entries)} to {shown(folder)}. D chooses another folder.")

    # Delete

    async def do_delete(self) -> None:
        """Delete, after the question."""
        await self.delete(self._desk.rows.selection)

    async def delete(self, entries: list[Entry]) -> None:
        """Ask whether entries shall be deleted, and have it done."""
        if not entries:
            return
        if any(entry.is_past for entry in entries):
            await self._past.delete(entries)
            return
        desk, place = self._desk, self._desk.place
        objects = [entry for entry in entries if entry.kind == "object"]
        doomed = Doomed(
            place.bucket,
            common_prefix([entry.name for entry in entries]),
            tuple(entry.name for entry in entries),
            Tally(len(objects), sum(entry.size or 0 for entry in objects)),
        )
        settings = await self._settings_of(place)
        if await desk.ask(DeleteDialog(doomed, settings, desk.session.storage.data, desk.surroundings)):
            await desk.start("delete", delete_items(entries, place.bucket))
            self._desk.rows.clear_marks()

    async def _settings_of(self, place: Place) -> BucketInfo | None:
        """Return the bucket's settings, which say whether a delete can be undone; None where they may not be read."""
        if place.settings is None:
            try:
                place.settings = await self._desk.session.storage.control.get_bucket(place.bucket)
            except PailError:  # the dialog says that it is not known
                return None
        return place.settings

    # New folder, URL

    async def do_new_folder(self) -> None:
        """Create a folder below the cursor's."""
        desk, bucket, parent = self._desk, self._desk.place.bucket, self._tree.target_prefix

        def full(text: str) -> str:
            return f"{parent}{text.strip('/')}/"

        def check(text: str) -> str:
            if not text.strip("/"):
                return "type a name"
            try:
                check_object_name(full(text))
            except PailError as error:
                return error.message
            return ""

        name = await desk.ask(
            PromptDialog(
                "New folder",
                placeholder="name",
                lines=(f"in gs://{bucket}/{shown(parent)}",),
                check=check,
                note=lambda text: f"gs://{bucket}/{shown(full(text))}" if text.strip("/") else " ",
                submit_label="Create folder",
            )
        )
        if name is not None:
            self._tree.expect(Entry("folder", full(name)))
            await desk.start("make-folder", (JobItem("", str(GsUrl(bucket, full(name)))),))

    async def do_copy_url(self) -> None:
        """Copy the URL of each chosen row, one a line."""
        entries = self._desk.rows.selection[:COPY_LIMIT]
        urls = [str(GsUrl(self._desk.place.bucket, entry.name)) for entry in entries]
        text = "\n".join(urls)
        self._desk.screen.app.copy_to_clipboard(text)
        self._desk.tell(f"Copied {shown(urls[0])}" if len(urls) == 1 else f"Copied {formats.count(len(urls), 'URL')}")

    # Marks and order

    async def do_mark_glob(self) -> None:
        """Mark by pattern."""
        await self._glob(mark=True)

    async def do_unmark_glob(self) -> None:
        """Unmark by pattern."""
        await self._glob(mark=False)

    async def _glob(self, *, mark: bool) -> None:
        pattern = await self._desk.ask(
            PromptDialog(
                "Mark by pattern" if mark else "Unmark by pattern",
                value="*",
                lines=("* stands for anything, ? for one character, [a-z] for one of a range.",),
                check=lambda text: "" if text else "type a pattern",
                submit_label="Mark" if mark else "Unmark",
            )
        )
        if pattern is not None:
            found = self._desk.rows.mark_matching(pattern, marked=mark)
            if not found:
                self._desk.tell(f"Nothing here matches {shown(pattern)}.")

    async def do_sort(self) -> None:
        """Choose the order."""
        order = await self._desk.ask(SortDialog(self._desk.rows.order))
        if order is not None:
            self._desk.rows.sort_by(order)

    # Conflicts

    async def decide(self, job: JobView, examples: tuple[TransferView, ...]) -> None:
        """Ask what to do with targets that exist, one after the other, until the job can go on."""
        if job.id in self._asking:
            return
        self._asking.add(job.id)
        try:
            waiting = list(examples) or await self._conflicts_of(job.id)
            while waiting:
                example = waiting.pop(0)
                job = await self._as_it_stands(job)
                answer = await self._desk.ask(ConflictDialog(job, example))
                if answer is None:
                    self._desk.tell("The transfer waits for your answer: enter on it in Transfers (w).")
                    return
                await self._desk.run(answer)
                if not answer.transfer:
                    return
                waiting = waiting or await self._conflicts_of(job.id, without=example.id)
        finally:
            self._asking.discard(job.id)

    async def _as_it_stands(self, job: JobView) -> JobView:
        """Return a job with the conflicts that were found by now."""
        snapshot = await self._desk.bridge.look(SnapshotQuery(limit=0))
        return next((found for found in snapshot.jobs if found.id == job.id), job)

    async def _conflicts_of(self, job: str, *, without: str = "") -> list[TransferView]:
        snapshot = await self._desk.bridge.look(SnapshotQuery(job=job))
        return [view for view in snapshot.transfers if view.code == "exists" and view.id != without]


def described(entries: list[Entry]) -> str:
    """Return what a selection is in a few words."""
    if len(entries) == 1:
        return shown(base_name(entries[0].name), 60)
    folders = sum(entry.kind == "folder" for entry in entries)
    parts = [formats.count(len(entries) - folders, "object")] if len(entries) > folders else []
    parts += [formats.count(folders, "folder")] if folders else []
    return " and ".join(parts)


def common_prefix(names: list[str]) -> str:
    """Return the deepest folder that all names lie in."""
    # A folder's own name ends with `/`: what it lies in is found without it.
    parents = [name[: len(name) - len(base_name(name))] for name in names]
    first, last = min(parents), max(parents)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("/", 0, same) + 1]


def default_download_folder() -> str:
    """Return the folder that the first download proposes."""
    folder = os.path.expanduser("~/Downloads")  # noqa: PTH111
    return folder if os.path.isdir(folder) else os.getcwd()  # noqa: PTH109, PTH112


def upload_items(choice: UploadChoice, bucket: str) -> tuple[JobItem, ...]:
    """Return the items of an upload; looks at the disk.  Raises `UnmappableName` for a name that is not UTF-8."""
    items = []
    for path in choice.paths:
        tree = os.path.isdir(path)  # noqa: PTH112
        target = choice.prefix + object_name(os.path.basename(path)) + ("/" if tree else "")  # noqa: PTH119
        items.append(JobItem(path, str(GsUrl(bucket, target)), tree=tree))
    return tuple(items)


def download_items(entries: list[Entry], bucket: str, folder: str) -> tuple[JobItem, ...]:
    """Return the items of a download: each object and folder under its own name in `folder`.

    Where two of them have the same one, all keep the folders in which they lie, from the deepest one that has them all.
    Raises `UnmappableName` for a name that no file can have.
    """
    items = []
    owns = [base_name(entry.name) for entry in entries]
    if len(set(owns)) < len(owns):
        above = len(common_prefix([entry.name for entry in entries]))
        owns = [entry.name[above:] for entry in entries]
    for entry, own in zip(entries, owns, strict=True):
        tree = entry.kind == "folder"
        local = local_path(own[:-1] if tree else own)
        items.append(
            JobItem(
                str(GsUrl(bucket, entry.name)),
                os.path.join(folder, local),  # noqa: PTH118
                tree=tree,
                generation=entry.generation,
            )
        )
    return tuple(items)


def delete_items(entries: list[Entry], bucket: str) -> tuple[JobItem, ...]:
    """Return the items of a delete, objects at the generation that was seen."""
    return tuple(
        JobItem(str(GsUrl(bucket, entry.name)), tree=entry.kind == "folder", generation=entry.generation)
        for entry in entries
    )

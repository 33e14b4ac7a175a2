"""Real folders, of buckets with a hierarchical namespace (cloud.google.com/storage/docs/json_api/v1/folders)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from services.errors import PailError
from services.gcs.exchange import Exchange, Request
from services.gcs.failures import Answer, Subject, from_answer
from services.gcs.paths import bucket_path, folder_path
from services.model import FolderOperation, FolderPage

_HTTP_OF_RPC: Final = {3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 9: 412, 10: 409, 13: 500, 14: 503, 16: 401}
"""Status of HTTP for the codes that an operation fails with (google.rpc.Code)."""


class Folders:
    """Folders of the data plane, once they are there."""

    wire: Exchange
    """What carries the requests."""

    async def stat_folder(self, bucket: str, name: str) -> int:
        """Return the metageneration of a real folder; raises `ObjectNotFound`, or `Conflict` in a flat bucket."""
        subject = Subject("look at", bucket, name, is_object=True)
        request = Request(subject, "GET", folder_path(bucket, name), {}, repeatable=True, operation="folders.get")
        return int((await self.wire.resource(request)).get("metageneration", 0))

    async def list_folders(self, bucket: str, prefix: str, token: str = "") -> FolderPage:
        """Return one page of the real folders below a prefix, in byte order."""
        subject = Subject("list the folders of", bucket, prefix)
        params = {"prefix": prefix, "pageToken": token, "fields": "items(name),nextPageToken"}
        request = Request(
            subject,
            "GET",
            bucket_path(bucket, "folders"),
            {key: value for key, value in params.items() if value},
            repeatable=True,
            operation="folders.list",
        )
        answer = await self.wire.resource(request)
        names = [str(each["name"]) for each in answer.get("items", ()) if isinstance(each, dict) and each.get("name")]
        return FolderPage(names, str(answer.get("nextPageToken", "")))

    async def delete_folder(self, bucket: str, name: str) -> None:
        """Delete an empty real folder; raises `Conflict` where something is in it."""
        subject = Subject("delete the folder", bucket, name, is_object=True)
        await self.wire.send(Request(subject, "DELETE", folder_path(bucket, name), {}, operation="folders.delete"))

    async def rename_folder(
        self, bucket: str, source: str, target: str, *, metageneration: int | None = None
    ) -> FolderOperation:
        """Begin to rename a real folder with all that is in it, in one step."""
        subject = Subject("rename the folder", bucket, source, is_object=True)
        params = {"ifSourceMetagenerationMatch": str(metageneration)} if metageneration else {}
        request = Request(
            subject,
            "POST",
            folder_path(bucket, source, f"renameTo/folders/{quote(target, safe='')}"),
            params,
            operation="folders.rename",
        )
        return _operation(subject, await self.wire.resource(request))

    async def folder_operation(self, bucket: str, operation: str) -> FolderOperation:
        """Ask how a rename stands; raises what it failed with, `ObjectNotFound` where it is not known any more."""
        subject = Subject("ask about the renaming of a folder in", bucket, is_object=True)
        path = bucket_path(bucket, f"operations/{quote(operation, safe='')}")
        request = Request(subject, "GET", path, {}, repeatable=True, operation="operations.get")
        return _operation(subject, await self.wire.resource(request))


def _operation(subject: Subject, resource: dict[str, Any]) -> FolderOperation:
    """Return an operation; raises what it failed with."""
    name = str(resource.get("name", "")).rpartition("/")[2]
    done = resource.get("done") is True
    error = resource.get("error")
    if done and isinstance(error, dict):
        code = error.get("code")
        status = _HTTP_OF_RPC.get(code, code) if isinstance(code, int) else 500
        raise from_answer(subject, Answer(status, "", str(error.get("message", "")), None))
    if not done and not name:
        raise PailError(subject.failed("the server does not say how it stands"), url=subject.url)
    return FolderOperation(name, done)

"""Use from code: ready snippets for this bucket and this object, every name quoted right for its language."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from services.errors import UnmappableName
from services.names import base_name, local_path

Syntax = Literal["python", "javascript", "bash"]
"""Language of a snippet, for highlighting."""

_GCLOUD_WILDCARD: Final = re.compile(r"[*?\[]")
_GENERATION_SUFFIX: Final = re.compile(r"#(\d+)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Snippet:
    """One piece of code that can be copied."""

    key: str
    """A stable word."""
    title: str
    """For a person."""
    syntax: Syntax
    """Language."""
    text: str
    """The code; every name in it is a literal of the language, without control characters."""
    note: str = ""
    """What to know, in one line: what to install, or what this tool cannot address."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What snippets are about: an object, or a prefix (empty for the whole bucket)."""

    bucket: str
    name: str

    @property
    def is_prefix(self) -> bool:
        return not self.name or self.name.endswith("/")

    @property
    def url(self) -> str:
        return f"gs://{self.bucket}/{self.name}"

    @property
    def file(self) -> str:
        """A local file name for the object, which cannot leave the folder it is written to."""
        try:
            return local_path(base_name(self.name.rstrip("/"))) or "download"
        except UnmappableName:
            return "download"


def quote_shell(text: str) -> str:
    r"""Return `text` as one word of bash and zsh, in printable characters only (`$'\x1b'` where it takes that)."""
    if text.isprintable():
        return shlex.quote(text)
    parts = []
    for char in text:
        if char in "\\'":
            parts.append(f"\\{char}")
        elif char.isprintable():
            parts.append(char)
        else:
            parts.append("".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass")))
    return f"$'{''.join(parts)}'"


def quote_python(text: str) -> str:
    """Return `text` as a literal of Python, in printable characters only."""
    quoted = repr(text)
    return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in text and "\\'" not in quoted else quoted


def quote_javascript(text: str) -> str:
    """Return `text` as a literal of JavaScript, in printable characters only."""
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in plain)


def gcloud_url(bucket: str, name: str) -> str:
    """Return the URL by which `gcloud storage` means exactly this name: no wildcard, and `#1` no version."""
    literal = _GCLOUD_WILDCARD.sub(lambda match: f"[{match[0]}]", name)
    literal = _GENERATION_SUFFIX.sub(r"[#]\1", literal)
    return f"gs://{bucket}/{literal}"


def _replit_python(target: _Target) -> Snippet:
    name, file = quote_python(target.name), quote_python(target.file)
    lines = [
        "from replit.object_storage import Client",
        "",
        f"client = Client(bucket_id={quote_python(target.bucket)})",
    ]
    if target.is_prefix:
        lines += [f"for item in client.list({f'prefix={name}' if target.name else ''}):", "    print(item.name)"]
    else:
        lines += [
            f"data = client.download_as_bytes({name})",
            f"client.download_to_filename({name}, {file})",
            f"client.upload_from_filename({name}, {file})",
        ]
    note = "In a Replit App: pip install replit-object-storage"
    return Snippet("replit-python", "Replit, Python", "python", "\n".join(lines), note)


def _replit_javascript(target: _Target) -> Snippet:
    name, file = quote_javascript(target.name), quote_javascript(target.file)
    lines = [
        'import { Client } from "@replit/object-storage";',
        "",
        f"const client = new Client({{ bucketId: {quote_javascript(target.bucket)} }});",
    ]
    if target.is_prefix:
        lines += [
            f"const {{ ok, value, error }} = await client.list({f'{{ prefix: {name} }}' if target.name else ''});",
            "if (!ok) throw new Error(error.message);",
            "for (const item of value) console.log(item.name);",
        ]
    else:
        lines += [
            f"const {{ ok, error }} = await client.downloadToFilename({name}, {file});",
            "if (!ok) throw new Error(error.message);",
            f"await client.uploadFromFilename({name}, {file});",
        ]
    note = "In a Replit App: npm install @replit/object-storage"
    return Snippet("replit-javascript", "Replit, JavaScript", "javascript", "\n".join(lines), note)


def _google_python(target: _Target) -> Snippet:
    name, file = quote_python(target.name), quote_python(target.file)
    lines = ["from google.cloud import storage", "", f"bucket = storage.Client().bucket({quote_python(target.bucket)})"]
    if target.is_prefix:
        lines += [f"for blob in bucket.list_blobs({f'prefix={name}' if target.name else ''}):", "    print(blob.name)"]
    else:
        lines += [
            f"blob = bucket.blob({name})",
            "data = blob.download_as_bytes()",
            f"blob.download_to_filename({file})",
            f"blob.upload_from_filename({file})",
        ]
    return Snippet("google-python", "Google, Python", "python", "\n".join(lines), "pip install google-cloud-storage")


def _gcloud(target: _Target) -> Snippet:
    url = quote_shell(gcloud_url(target.bucket, target.name))
    file = quote_shell(f"./{target.file}")
    if target.is_prefix:
        lines = [f"gcloud storage ls {url}", f"gcloud storage cp -r {url} ."]
    else:
        lines = [f"gcloud storage cat {url}", f"gcloud storage cp {url} {file}", f"gcloud storage cp {file} {url}"]
    return Snippet("gcloud", "gcloud", "bash", "\n".join(lines))


def _rclone(target: _Target) -> Snippet:
    remote = quote_shell(f":gcs,env_auth=true:{target.bucket}/{target.name}")
    file = quote_shell(f"./{target.file}")
    if target.is_prefix:
        lines = [f"rclone lsf {remote}", f"rclone copy {remote} {file if target.name else '.'}"]
    else:
        lines = [f"rclone cat {remote}", f"rclone copyto {remote} {file}", f"rclone copyto {file} {remote}"]
    segments = target.name.removesuffix("/").split("/") if target.name else []
    unreachable = any(segment in ("", ".", "..") for segment in segments)
    note = (
        "rclone cannot address this name: it tidies up paths." if unreachable else "Uses Google's default credentials."
    )
    return Snippet("rclone", "rclone", "bash", "\n".join(lines), note)


def _pail(target: _Target) -> Snippet:
    url = quote_shell(target.url)
    file = quote_shell(f"./{target.file}")
    if target.is_prefix:
        lines = [f"pail ls {url}", f"pail cp -r --literal {url} {file if target.name else '.'}"]
    else:
        lines = [
            f"pail cat --literal {url}",
            f"pail cp --literal {url} {file}",
            f"pail cp --literal {file} {url}",
        ]
    return Snippet("pail", "pail", "bash", "\n".join(lines))


_MAKERS: Final[tuple[Callable[[_Target], Snippet], ...]] = (
    _replit_python,
    _replit_javascript,
    _google_python,
    _gcloud,
    _rclone,
    _pail,
)


def snippets(bucket: str, name: str = "") -> list[Snippet]:
    """Return the snippets for an object, a prefix (ends with `/`) or a whole bucket (empty `name`)."""
    target = _Target(bucket, name)
    return [make(target) for make in _MAKERS]

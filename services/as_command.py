"""The command of `gcloud storage`, and of `pail`, that does what a job on the screen did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.names import parse_gs_url
from services.snippets import Snippet, gcloud_url, quote_shell
from services.transfer.messages import JobItem, JobSpec

MOST: Final = 50
"""Lines that are written at the most; the rest is counted."""


def as_commands(spec: JobSpec) -> list[Snippet]:
    """Return what does the same on a command line: for gcloud, then for Pail, names quoted for a POSIX shell."""
    return [
        Snippet("gcloud", "gcloud", "bash", _lines(_gcloud(spec)), _note(spec)),
        Snippet("pail", "Pail", "bash", _lines(_pail(spec))),
    ]


def _lines(commands: Iterator[str]) -> str:
    lines = list(commands)
    more = [f"# and {len(lines) - MOST:,} more like these"] if len(lines) > MOST else []
    return "\n".join([*lines[:MOST], *more])


def _note(spec: JobSpec) -> str:
    if spec.action == "undo":
        return "gcloud keeps no journal of what it did: nothing there takes a job back."
    if spec.action == "make-folder":
        return "In a bucket without real folders a folder is an empty object whose name ends in a slash."
    if any(item.deleted_from for item in spec.items):
        return "This restores all that was deleted, also what the job left out: it was deleted before the bucket was."
    return ""


def _gcloud(spec: JobSpec) -> Iterator[str]:
    """Yield a command for each source (cloud.google.com/sdk/gcloud/reference/storage)."""
    clobber = " --no-clobber" if spec.conflict == "skip" and spec.action in ("upload", "download", "copy") else ""
    for item in spec.items:
        version = f"#{item.generation}" if item.generation and item.exact else ""
        source, target = _place(item.source, suffix=version), _place(item.target)
        match spec.action:
            case "upload" | "download" | "copy" if item.tree:
                yield f"gcloud storage rsync --recursive{clobber} {source} {target}"
            case "upload" | "download" | "copy":
                yield f"gcloud storage cp{clobber} {source} {target}"
            case "move":
                everything = _place(item.source, suffix="*") if item.tree else source
                yield f"gcloud storage mv {everything} {target}"
            case "delete":
                yield f"gcloud storage rm {'--recursive ' if item.tree else ''}{source}"
            case "make-folder":
                yield f"gcloud storage cp /dev/null {target}"
            case "delete-bucket":
                yield f"gcloud storage rm --recursive --all-versions {source}"
            case "restore":
                yield f"gcloud storage restore {_place(item.source, suffix='**') if item.tree else source}"
            case "undo":
                yield "# no command of gcloud takes a job back"
                return


def _pail(spec: JobSpec) -> Iterator[str]:
    clobber = " --no-clobber" if spec.conflict == "skip" else ""
    for item in spec.items:
        source, target = quote_shell(item.source), quote_shell(_above(item))
        tree = " -r" if item.tree else ""
        version = f" --generation {item.generation}" if item.generation and item.exact else ""
        literal = " --literal" if item.source.startswith("gs://") and set(item.source) & set("*?[") else ""
        match spec.action:
            case "upload" | "download" | "copy":
                yield f"pail cp{tree}{clobber}{version}{literal} {source} {target}"
            case "move":
                yield f"pail mv{tree}{clobber}{literal} {source} {target}"
            case "delete":
                yield f"pail rm{tree}{version}{literal} {source}"
            case "make-folder":
                yield f"pail cp /dev/null {target}"
            case "delete-bucket":
                yield f"pail rb --all {source}"
            case "restore":
                yield f"pail restore{tree}{version} {source}"
            case "undo":
                yield f"pail undo {spec.undoes}".rstrip()
                return


def _above(item: JobItem) -> str:
    """Return the target as `cp -r` takes it: a folder that keeps its name is put into the one above."""
    source, target = item.source.rstrip("/"), item.target.rstrip("/")
    above, slash, last = target.rpartition("/")
    if item.tree and slash and last == source.rpartition("/")[2] and not above.endswith("/"):
        return f"{above}/"
    return item.target.rstrip("/") if item.tree else item.target


def _place(place: str, *, suffix: str = "") -> str:
    """Return a path or a URL as one word of a shell, as gcloud means it; only `suffix` is a pattern or a version."""
    if not place.startswith("gs://"):
        return quote_shell(place) if place else ""
    url = parse_gs_url(place)
    return quote_shell(gcloud_url(url.bucket, url.name) + suffix)

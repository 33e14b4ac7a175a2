"""Names of conflict copies: the same content on the same machine always gets the same one."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from services.names import SEGMENT_LIMIT_BYTES

MARK: Final = ".conflict-"
"""What the mark in the name of a conflict copy begins with."""

_MACHINE_LIMIT: Final = 24
"""Characters of the machine's name that are used."""

_SUFFIX_LIMIT: Final = 16
"""Characters up to which what follows the last dot counts as a suffix."""


def machine_name(raw: str) -> str:
    """Return the part of a host's name that can stand in a file's name."""
    first = raw.split(".", 1)[0]
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in first)
    return kept[:_MACHINE_LIMIT].strip("-") or "this-machine"


def conflict_key(key: str, crc32c: str, machine: str) -> str:
    """Return the key under which the local version is kept: `a/b.txt` → `a/b.conflict-MACHINE-1a2b3c4d.txt`.

    The last part is the CRC32C of the content, so that keeping the same content twice makes one copy, and two
    different contents never compete for a name.
    """
    folder, slash, last = key.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    if not stem or len(suffix) > _SUFFIX_LIMIT:
        stem, dot, suffix = last, "", ""
    mark = f"{MARK}{machine}-{_hex(crc32c)}"
    room = SEGMENT_LIMIT_BYTES - len(f"{mark}{dot}{suffix}".encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    return f"{folder}{slash}{stem}{mark}{dot}{suffix}"


def _hex(crc32c: str) -> str:
    try:
        return base64.b64decode(crc32c, validate=True).hex() or "0"
    except (binascii.Error, ValueError):
        return "0"

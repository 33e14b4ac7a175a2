"""What goes over the worker's socket: frames of JSON, each with its length before it, and a versioned handshake.

A frame is four bytes of length (big-endian) and that many bytes of UTF-8 JSON.  The client greets first; then it sends
calls `{"id", "call", "value"}` and gets `{"id", "value"}` or `{"id", "error"}` for each, in any order, and facts
`{"fact"}` once it has asked for them.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import sys
from typing import Any, Final

from services.errors import Rejected, Unsafe

PROTOCOL: Final = 1
"""Version of the frames and calls; both sides have to have the same."""

FRAME_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of the longest frame: a job of some 200,000 named objects."""

HANDSHAKE_S: Final = 5.0
"""Seconds that a greeting may take."""

SOCKET_NAME: Final = "worker.sock"
"""Name of the socket in the state folder."""

LOCK_NAME: Final = "worker.lock"
"""Name of the lock in the state folder: whoever holds it is the worker."""

_LENGTH: Final = struct.Struct(">I")


async def read_frame(reader: asyncio.StreamReader) -> Any:
    """Return the next frame; raises `EOFError` at the end, `Rejected` for what is no frame."""
    try:
        (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if size > FRAME_LIMIT:
            raise Rejected(f"a message of {size} bytes is too long", remedy="Split the job.")
        data = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise EOFError("the other side has gone") from error
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Rejected("a message that is not JSON", remedy="Update pail on both sides.") from error


def to_frame(value: Any) -> bytes:
    """Return the bytes of a frame; raises `Rejected` for one that is too long."""
    data = json.dumps(value, separators=(",", ":")).encode()
    if len(data) > FRAME_LIMIT:
        raise Rejected(f"a message of {len(data)} bytes is too long", remedy="Split the job into several.")
    return _LENGTH.pack(len(data)) + data


def peer_uid(connection: Any) -> int:
    """Return the user id of the process at the other end of a Unix socket (hazard 62); raises `Unsafe`."""
    if sys.platform == "darwin":
        # struct xucred of <sys/ucred.h>: a version, the user id, then groups; LOCAL_PEERCRED is 1 at level 0.
        data = connection.getsockopt(0, 1, 76)
        version, uid = struct.unpack_from("=Ii", data)
        if version != 0:
            raise Unsafe("the worker's peer cannot be identified")
        return int(uid)
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", data)
    return int(uid)


def check_peer(writer: asyncio.StreamWriter) -> None:
    """Raise `Unsafe` unless the other side is a process of this user (or of root)."""
    uid = peer_uid(writer.get_extra_info("socket"))
    if uid not in (os.getuid(), 0):
        raise Unsafe(
            f"the process at the other end of the worker's socket belongs to user {uid}",
            remedy="Remove the socket, or set XDG_STATE_HOME to a folder of your own.",
        )


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions such as `0.10.2`; words in it count as nothing."""
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))

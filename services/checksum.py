"""CRC32C, the checksum that every object carries: running, written as Google writes it, and joined from parts."""

from __future__ import annotations

import base64
import binascii
import functools
import struct
from typing import Any, Final

import google_crc32c

_POLYNOMIAL: Final = 0x82F63B78
"""The Castagnoli polynomial with its bits reversed (RFC 3720, section 12.1)."""


_TEXT_LENGTH: Final = 8
"""Characters of a checksum in base64."""


class Crc32c:
    """A running CRC32C over bytes that come in pieces."""

    __slots__ = ("value",)

    value: int
    """The checksum of what came so far; 0 for nothing."""

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take further bytes into the checksum."""
        self.value = google_crc32c.extend(self.value, data if isinstance(data, bytes) else _readable(data))

    def base64(self) -> str:
        """Return the checksum as Google writes it in resources and headers."""
        return encode(self.value)


def _readable(data: bytearray | memoryview) -> Any:
    """Return memory as the C function takes it: `bytes`, or what `ctypes` makes of memory that can be written to."""
    view = memoryview(data)
    return bytes(view) if view.readonly or not view.contiguous else _array(view.nbytes).from_buffer(view)


@functools.lru_cache(maxsize=32)
def _array(size: int) -> Any:
    """Return the type of an array of bytes; kept, as what is hashed mostly has one of few sizes."""
    import ctypes  # 1 ms that only large bodies are worth

    return ctypes.c_char * size


def of(data: bytes | bytearray | memoryview) -> str:
    """Return the CRC32C of `data` as Google writes it."""
    return encode(google_crc32c.value(data if isinstance(data, bytes) else bytes(data)))


def matches(data: bytes, text: str) -> bool:
    """Tell whether `text`, as Google writes it, is the CRC32C of `data`: at half the cost of writing it as well."""
    try:
        return len(text) == _TEXT_LENGTH and int.from_bytes(binascii.a2b_base64(text), "big") == google_crc32c.value(
            data
        )
    except ValueError:
        return False


def encode(value: int) -> str:
    """Return base64 of the big-endian checksum (cloud.google.com/storage/docs/json_api/v1/objects, `crc32c`)."""
    return base64.b64encode(struct.pack(">L", value)).decode("ascii")


def decode(text: str) -> int:
    """Return the number that `encode` wrote; raises `ValueError` for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not a CRC32C in base64: {error}") from None
    if len(raw) != 4:
        raise ValueError(f"a CRC32C has 4 bytes, not {len(raw)}")
    return int(struct.unpack(">L", raw)[0])


def combine(a: int, b: int, length_b: int) -> int:
    """Return the CRC32C of two byte strings joined, from the checksum of each and the length of the second.

    Appending a zero bit to a message is a linear map of its checksum over GF(2): a 32×32 matrix of bits.  Squaring
    the matrix doubles the number of zeros, so `length_b` bytes of zeros take about log2(length_b) steps.  The method
    is that of `crc32_combine` in zlib (crc32.c, version 1.2.11, by Mark Adler), with the Castagnoli polynomial.
    """
    if length_b < 0:
        raise ValueError(f"a length cannot be negative: {length_b}")
    return _times(_zeros(length_b), a) ^ b


@functools.lru_cache(maxsize=32)
def _zeros(length: int) -> list[int]:
    """Return the matrix that appends so many zero bytes; kept, as the parts of an object are of one length but one."""
    one_bit = [_POLYNOMIAL, *(1 << bit for bit in range(31))]
    matrix = _square(_square(_square(one_bit)))  # eight zero bits: one byte
    total = [1 << bit for bit in range(32)]
    while length:
        if length & 1:
            total = [_times(matrix, column) for column in total]
        length >>= 1
        if length:
            matrix = _square(matrix)
    return total


def _times(matrix: list[int], vector: int) -> int:
    total = 0
    for column in matrix:
        if not vector:
            break
        if vector & 1:
            total ^= column
        vector >>= 1
    return total


def _square(matrix: list[int]) -> list[int]:
    return [_times(matrix, column) for column in matrix]

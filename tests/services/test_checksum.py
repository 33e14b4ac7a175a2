from __future__ import annotations

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import checksum


def test_the_published_check_value_comes_out() -> None:
    # RFC 3720, section B.4: 32 bytes of zeros; and the usual check value of "123456789".
    assert google_crc32c.value(b"123456789") == 0xE3069283
    assert checksum.decode(checksum.of(b"123456789")) == 0xE3069283
    assert checksum.decode(checksum.of(bytes(32))) == 0x8A9136AA


def test_nothing_has_the_checksum_that_google_shows_for_empty_objects() -> None:
    assert checksum.Crc32c().base64() == "AAAAAA=="


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_pieces_of_any_kind_of_buffer_add_up_to_the_whole(pieces: list[bytes]) -> None:
    running = checksum.Crc32c()
    for index, piece in enumerate(pieces):
        running.update((bytes, bytearray, memoryview)[index % 3](piece))
    assert running.base64() == checksum.of(b"".join(pieces))


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_memory_that_is_used_again_is_hashed_where_it_lies_and_let_go(data: bytes, start: int, end: int) -> None:
    memory = bytearray(data)
    running = checksum.Crc32c()
    with memoryview(memory) as whole, whole[start:end] as piece:
        running.update(piece)
    assert running.base64() == checksum.of(data[start:end])
    memory.clear()  # refused for as long as anybody holds it


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_two_parts_combine_to_the_checksum_of_the_whole(a: bytes, b: bytes) -> None:
    assert checksum.combine(google_crc32c.value(a), google_crc32c.value(b), len(b)) == google_crc32c.value(a + b)


def test_parts_of_gigabytes_combine_at_once() -> None:
    one_gib = google_crc32c.value(b"\0")
    length = 1
    while length < 2**30:
        one_gib = checksum.combine(one_gib, one_gib, length)
        length *= 2
    halves = checksum.combine(one_gib, one_gib, 2**30)
    assert checksum.combine(halves, google_crc32c.value(b"x"), 1) == google_crc32c.extend(halves, b"x")


@pytest.mark.parametrize("text", ["", "AAAA", "AAAAAAA=", "not base64", "AAAAAA==AAAA", "\u00e9AAAAA=="])
def test_what_is_no_checksum_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        checksum.decode(text)


@given(st.integers(0, 2**32 - 1))
def test_a_checksum_survives_being_written(value: int) -> None:
    assert checksum.decode(checksum.encode(value)) == value


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError):
        checksum.combine(1, 2, -1)


@given(st.binary(), st.text(max_size=12))
def test_data_matches_its_own_checksum_and_nothing_else(data: bytes, other: str) -> None:
    assert checksum.matches(data, checksum.of(data))
    assert not checksum.matches(data, checksum.of(data + b"x"))
    if checksum.matches(data, other):
        assert checksum.decode(other) == checksum.decode(checksum.of(data))

"""Pieces that move side by side: how many there are, and how they end where one of them breaks off."""

from __future__ import annotations

import asyncio

import pytest

from services.errors import Corrupt, LocalFileError, Transient
from services.transfer.abreast import Abreast


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_there_are_as_many_as_there_are_slots_and_more_once_there_are_more() -> None:
    slots, under_way, most = 2, 0, []
    go_on = asyncio.Event()

    async def move(_piece: int) -> None:
        nonlocal under_way
        under_way += 1
        await go_on.wait()
        under_way -= 1

    abreast = Abreast(range(9), move, lambda: slots)
    running = asyncio.create_task(abreast.run())
    await settled()
    most.append(under_way)
    slots = 5
    abreast.grow()
    await settled()
    most.append(under_way)
    go_on.set()
    await running
    assert most == [2, 5]


async def test_every_piece_moves_once() -> None:
    moved: list[int] = []

    async def move(piece: int) -> None:
        await asyncio.sleep(0)
        moved.append(piece)

    await Abreast(range(20), move, lambda: 3).run()
    assert sorted(moved) == list(range(20))


@pytest.mark.parametrize("fault", [Transient("broken"), Corrupt("damaged")])
async def test_where_one_breaks_off_the_others_come_to_their_own_end_and_none_begins(fault: Exception) -> None:
    begun: list[int] = []
    ended: list[int] = []
    go_on = asyncio.Event()

    async def move(piece: int) -> None:
        begun.append(piece)
        await settled()
        if piece == 1:
            raise fault
        await go_on.wait()
        ended.append(piece)

    abreast = Abreast(range(9), move, lambda: 3, ends=(Transient, Corrupt))
    running = asyncio.create_task(abreast.run())
    while not abreast.ending:
        await settled()
    go_on.set()
    with pytest.raises(type(fault)):
        await running
    assert begun == [0, 1, 2]
    assert ended == [0, 2]


async def test_any_other_error_ends_the_others_at_once() -> None:
    ended: list[int] = []

    async def move(piece: int) -> None:
        if piece == 1:
            await settled()
            raise LocalFileError("the disk is gone")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(piece)

    with pytest.raises(LocalFileError):
        await Abreast(range(9), move, lambda: 3).run()
    assert sorted(ended) == [0, 2]


async def test_what_is_wrong_is_told_rather_than_what_is_only_broken() -> None:
    async def move(piece: int) -> None:
        await settled()
        raise Transient("broken") if piece == 0 else Corrupt("damaged")

    with pytest.raises(Corrupt):
        await Abreast(range(2), move, lambda: 2, ends=(Transient, Corrupt)).run()


async def test_whoever_cancels_waits_until_nothing_moves_any_more() -> None:
    ended = False

    async def move(_piece: int) -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            await settled()
            ended = True

    running = asyncio.create_task(Abreast([0], move, lambda: 1).run())
    await settled()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended

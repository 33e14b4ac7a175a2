"""Rows are put where the garbage collector does not look, and nothing stays there after them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from app.collector import EVERY, RowKeeper


@pytest.fixture(autouse=True)
def nothing_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_many_rows_are_put_aside_and_looked_at_again_when_they_are_gone() -> None:
    keeper = RowKeeper()
    rows = [[] for _ in range(EVERY)]  # type: ignore[var-annotated]
    keeper.grew(EVERY - 1)
    assert gc.get_freeze_count() == 0, "a small folder is not worth it"
    keeper.grew(1)
    assert gc.get_freeze_count() >= len(rows)
    keeper.left()
    assert gc.get_freeze_count() == 0


def test_what_others_have_put_aside_stays_where_there_were_few_rows() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    keeper = RowKeeper()
    keeper.grew(5)
    keeper.left()
    assert gc.get_freeze_count() == before

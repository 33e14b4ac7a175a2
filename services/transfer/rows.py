"""Transfers written to a journal, many with one statement."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from services.transfer.record import COLUMNS, END_COLUMNS, NEW_COLUMNS, REST

ROWS: Final = 125
"""Rows that one statement writes at the most: each hands the interpreter's lock to another thread and back, which
costs more than writing a row."""

_UPDATE_FROM: Final = (3, 33)
"""Version of SQLite from which one statement changes several rows, each in its own way."""


def _values(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)


@functools.lru_cache(16)
def _put(rows: int) -> str:
    """Return the statement that writes so many rows."""
    return f"INSERT OR REPLACE INTO transfers ({', '.join(COLUMNS)}) VALUES {_values(len(COLUMNS), rows)}"  # noqa: S608


@functools.lru_cache(16)
def _put_new(rows: int) -> str:
    """Return the statement that writes so many as were just planned: half of their columns are those of all."""
    rest = "".join(f", {value!r}" for value in REST.values())
    values = ", ".join([f"({', '.join('?' * len(NEW_COLUMNS))}{rest})"] * rows)
    return f"INSERT INTO transfers ({', '.join((*NEW_COLUMNS, *REST))}) VALUES {values}"  # noqa: S608


@functools.lru_cache(16)
def _put_ends(rows: int) -> str:
    """Return the statement that writes so many ends."""
    return (
        f"WITH ended ({', '.join(f'new_{name}' for name in END_COLUMNS)}) AS (VALUES {_values(len(END_COLUMNS), rows)})"  # noqa: S608
        f" UPDATE transfers SET {', '.join(f'{name} = new_{name}' for name in END_COLUMNS[:-2])}"
        " FROM ended WHERE job = new_job AND seq = new_seq"
    )


_PUT_END: Final = (
    f"UPDATE transfers SET {', '.join(f'{name} = ?' for name in END_COLUMNS[:-2])} WHERE job = ? AND seq = ?"  # noqa: S608
)


def put_rows(db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Write transfers, given as their columns (`record.to_row`)."""
    _execute(db, _put, rows)


def put_planned(db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Write transfers that the journal does not hold yet, given as `record.to_new` returns them."""
    _execute(db, _put_new, rows)


def put_ends(db: sqlite3.Connection, ends: Sequence[tuple[object, ...]]) -> None:
    """Write how transfers ended, given as `record.to_end` returns it."""
    if sqlite3.sqlite_version_info >= _UPDATE_FROM:
        _execute(db, _put_ends, ends)
    else:
        db.executemany(_PUT_END, ends)


def _execute(db: sqlite3.Connection, statement: Callable[[int], str], rows: Sequence[tuple[object, ...]]) -> None:
    """Carry out what `statement` returns for a number of rows, for as many at once as go into one."""
    if not rows:
        return
    most = min(ROWS, db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(rows[0]))
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        db.execute(statement(len(some)), list(itertools.chain.from_iterable(some)))

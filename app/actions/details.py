"""Filling the details: what a listing does not tell is asked for once the cursor rests."""

from __future__ import annotations

import asyncio
from typing import Final

from app.desk import Desk
from services.errors import ObjectNotFound, PailError
from services.model import ObjectInfo, ObjectRow
from widgets.details import Details, marked_facts, shared_facts
from widgets.object_rows import Entry

ASKED_AT_MOST: Final = 32
"""Marked objects that are looked at one by one for what they share; of more, only the listing tells."""

ON_THE_SPOT: Final = 5_000
"""Marked rows that are added up at once; more are added up by a thread."""


async def show_more(desk: Desk, pane: Details) -> None:
    """Show what is kept about the cursor's object, or what the marked ones share; cancelled when others are chosen."""
    tree = desk.tree
    if tree.marked_totals.entries:
        await _show_marked(desk, pane)
    elif (entry := tree.cursor_entry) is not None and entry.row is not None:
        await _show_one(desk, pane, entry, entry.row)


async def _show_one(desk: Desk, pane: Details, entry: Entry, row: ObjectRow) -> None:
    try:
        info = await look(desk, row)
    except ObjectNotFound:
        pane.add_problem("it is not there any more")
        return
    except PailError as error:
        pane.add_problem(error.message)
        return
    if desk.tree.cursor_entry == entry:
        pane.show_info(info, row, zone=desk.surroundings.zone)


async def look(desk: Desk, row: ObjectRow) -> ObjectInfo:
    """Return what is kept about the very generation of a row, also about one that was deleted; raises `PailError`."""
    place, browser = desk.place, desk.browser
    deleted = browser is not None and (row.name, row.generation) in browser.soft_deleted
    data = desk.session.storage.data
    return await data.stat(place.bucket, row.name, generation=row.generation, soft_deleted=deleted)


async def _show_marked(desk: Desk, pane: Details) -> None:
    tree, zone, bucket = desk.tree, desk.surroundings.zone, desk.place.bucket
    totals, rows = tree.marked_totals, tree.marked_rows
    if len(rows) <= ON_THE_SPOT:
        facts = marked_facts(bucket, totals, rows, zone=zone)
    else:
        facts = await asyncio.to_thread(marked_facts, bucket, totals, rows, zone=zone)
    pane.show_marked(facts)
    if 1 < len(rows) <= ASKED_AT_MOST and not totals.folders:
        try:
            infos = await asyncio.gather(*(look(desk, row) for row in rows))
        except PailError:  # one has gone meanwhile: what the listing says stays
            return
        pane.show_marked([*facts, *shared_facts(infos, zone)])

"""What can be seen of a tree of listings, compared with pages that were listed just now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.model import ListPage, ObjectRow
from widgets.object_model import ObjectModel
from widgets.object_rows import Folder, Hint, Load, Row


def folders(model: ObjectModel, rows: Sequence[Row]) -> list[str]:
    """Return the folders, listed to their ends, in which some rows stand; the top where there are none."""
    holders = {holder.prefix: holder for holder in map(model.holder, rows)} or {model.root.prefix: model.root}
    return [prefix for prefix, holder in holders.items() if holder.load is Load.READY]


def first_name(model: ObjectModel, rows: Sequence[Row], prefix: str) -> str:
    """Return the first name of a folder among rows, where names are in order; else an empty text."""
    if not model.order.is_natural or model.needle:
        return ""
    inside = (row for row in rows if not isinstance(row, Hint) and model.holder(row).prefix == prefix)
    row = next(inside, None)
    # Folders come first on the screen, and among the objects in the bucket: then only the beginning is sure.
    return "" if row is None or isinstance(row, Folder) else row.name


def differs(model: ObjectModel, prefix: str, page: ListPage, start: str, *, past: bool) -> bool:
    """Tell whether a page of live objects, listed from `start` on, is another one than what is known of a folder.

    `past`: folders are shown that hold nothing live; the page has none of them.
    """
    folder = _listed(model, prefix)
    if folder is None:
        return False
    names = [row.name for row in page.objects[-1:]] + page.prefixes[-1:]
    end = max(names, key=str.encode).encode() if page.next_token and names else None

    def within(name: str) -> bool:
        return name.encode() >= start.encode() and (end is None or name.encode() <= end)

    rows = [
        (row.name, row.generation, row.updated) for row in folder.objects if row.deleted is None and within(row.name)
    ]
    shown = [child.prefix for child in folder.folders if within(child.prefix)]
    listed = [row for row in page.objects if not model.is_placeholder(folder, row)]
    if rows != [(row.name, row.generation, row.updated) for row in listed]:
        return True
    return not set(shown).issuperset(page.prefixes) if past else shown != page.prefixes


def past_differs(
    model: ObjectModel, prefix: str, page: ListPage, start: str, ours: Callable[[ObjectRow], bool]
) -> bool:
    """Tell whether a page of generations that are gone, listed from `start` on, is another one than what is known.

    `ours` says which of the known ones a listing of this kind would have.
    """
    folder = _listed(model, prefix)
    names = [row.name for row in page.objects[-1:]] + page.prefixes[-1:]
    if folder is None or (page.next_token and not names):
        return False
    # A page may end among the generations of one name: of that one nothing is sure.
    end = max(names, key=str.encode).encode() if page.next_token and names else None

    def key(row: ObjectRow) -> tuple[str, int] | None:
        sure = row.name.encode() >= start.encode() and (end is None or row.name.encode() < end)
        return (row.name, row.generation) if sure and row.deleted is not None else None

    known = {key(row) for row in folder.objects if row.deleted is not None and ours(row)}
    listed = {key(row) for row in page.objects if not model.is_placeholder(folder, row)}
    return known - {None} != listed - {None}


def _listed(model: ObjectModel, prefix: str) -> Folder | None:
    folder = model.folder(prefix)
    return folder if folder is not None and folder.load is Load.READY else None

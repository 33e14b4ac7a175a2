"""The tree model against a naive one, over random histories."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.model import ListPage, ObjectRow
from widgets.arranging import arrange
from widgets.object_model import ObjectModel, Splice
from widgets.object_rows import Folder, Hint, Load, Order, Row, arrange_folders, arrange_objects


def row(name: str, size: int = 1, generation: int = 1) -> ObjectRow:
    return ObjectRow(name, size, float(size), generation, 1, "", "text/plain", "STANDARD")


def list_names(names: dict[str, int], prefix: str) -> tuple[list[ObjectRow], list[str]]:
    """What a service lists with the delimiter `/`."""
    objects, prefixes = [], set()
    for name, size in sorted(names.items()):
        if not name.startswith(prefix):
            continue
        rest = name[len(prefix) :]
        if "/" in rest:
            prefixes.add(prefix + rest[: rest.index("/") + 1])
        else:
            objects.append(row(name, size))
    return objects, sorted(prefixes)


def pages(names: dict[str, int], prefix: str, page_size: int) -> list[ListPage]:
    objects, prefixes = list_names(names, prefix)
    both = sorted(
        [(item.name, item) for item in objects] + [(item, item) for item in prefixes], key=lambda pair: pair[0]
    )
    out = []
    for start in range(0, max(1, len(both)), page_size):
        part = [item for _, item in both[start : start + page_size]]
        out.append(ListPage([i for i in part if isinstance(i, ObjectRow)], [i for i in part if isinstance(i, str)], ""))
    return out


def naive_rows(model: ObjectModel, folder: Folder) -> list[Row]:
    """Walk the open folders, recursively."""
    out: list[Row] = []
    for child in folder.shown:
        out.append(child)
        if isinstance(child, Folder) and child.opened:
            out += naive_rows(model, child)
    if folder.hint is not None:
        out.append(folder.hint)
    return out


def check(model: ObjectModel) -> None:
    expected = naive_rows(model, model.root)
    assert [id(item) for item in model.rows] == [id(item) for item in expected]
    for item in [model.root, *model.rows]:
        if isinstance(item, Folder) and item.opened:
            assert item.below == len(naive_rows(model, item))
        if isinstance(item, Folder) and not item.unsettled:
            folders = arrange_folders(item.folders, model.order, model.needle)
            if not model.needle:  # with a filter, folders that were opened later may be on top of what matched
                assert item.shown == [*folders, *arrange_objects(item.objects, model.order, model.needle)]
    for item in model.rows:
        if not isinstance(item, Hint):
            assert model.rows[model.index_of(item)] is item


NAMES = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "dir", "", "é"]), min_size=1, max_size=4).map("/".join).filter(bool),
    st.integers(0, 3),
    max_size=24,
)


class Histories(RuleBasedStateMachine):
    """Open, close, list, refresh, sort and filter in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, int] = {}
        self.pending: dict[int, tuple[Folder, list[ListPage]]] = {}
        self.shadow: list[Row] = []

    @initialize(names=NAMES)
    def start(self, names: dict[str, int]) -> None:
        self.names = names
        self.model = ObjectModel("")
        self.shadow = list(self.model.rows)
        self.list_folder(self.model.root)

    def spliced(self, splices: list[Splice]) -> None:
        for splice in splices:
            assert 0 <= splice.at <= len(self.shadow)
            self.shadow[splice.at : splice.at + splice.removed] = [None] * splice.added  # type: ignore[list-item]
        assert len(self.shadow) == len(self.model.rows)
        for index, item in enumerate(self.shadow):
            assert item is None or item is self.model.rows[index]
        self.shadow = list(self.model.rows)

    def list_folder(self, folder: Folder) -> None:
        ticket, splices = self.model.begin(folder)
        self.spliced(splices)
        self.pending[ticket] = (folder, pages(self.names, folder.prefix, 3))

    def folders(self) -> list[Folder]:
        return [item for item in self.model.rows if isinstance(item, Folder)]

    @rule(pick=st.integers(0, 50))
    def toggle(self, pick: int) -> None:
        folders = self.folders()
        if not folders:
            return
        folder = folders[pick % len(folders)]
        splice = self.model.close(folder) if folder.opened else self.model.open(folder)
        self.spliced([splice] if splice else [])
        if folder.opened and folder.load is Load.NEW:
            self.list_folder(folder)

    @rule(pick=st.integers(0, 50))
    def page(self, pick: int) -> None:
        if not self.pending:
            return
        ticket = list(self.pending)[pick % len(self.pending)]
        folder, rest = self.pending[ticket]
        final = len(rest) == 1
        if folder.ticket == ticket:
            self.spliced(self.model.add_page(folder, rest[0], final=final))
        if final or folder.ticket != ticket:
            del self.pending[ticket]
        else:
            self.pending[ticket] = (folder, rest[1:])

    @rule(pick=st.integers(0, 50))
    def broken(self, pick: int) -> None:
        if not self.pending:
            return
        ticket = list(self.pending)[pick % len(self.pending)]
        folder, _ = self.pending.pop(ticket)
        if folder.ticket == ticket:
            self.spliced(self.model.fail(folder, "denied", ""))

    @rule(names=NAMES, pick=st.integers(0, 50))
    def refresh(self, names: dict[str, int], pick: int) -> None:
        self.names = names
        folders = [self.model.root, *self.folders()]
        folder = folders[pick % len(folders)]
        if folder.load in (Load.READY, Load.FAILED):
            self.list_folder(folder)

    @rule(pick=st.integers(0, 50), leaf=st.sampled_from(["a", "b", "é"]), there=st.booleans())
    def change_in_place(self, pick: int, leaf: str, there: bool) -> None:
        folders = [self.model.root, *self.folders()]
        folder = folders[pick % len(folders)]
        if folder.load is not Load.READY:
            return
        name = folder.prefix + leaf
        if there:
            self.spliced([self.model.update(folder, [row(name, 2, 2)], {}, [f"{name}/"])])
            assert self.model.object_named(name) == row(name, 2, 2)
            assert self.model.child_folder(f"{name}/") is not None
        else:
            self.spliced([self.model.update(folder, [], {name: 2}, [])])
            assert self.model.object_named(name) is None

    @rule(key=st.sampled_from(["name", "size", "modified", "type"]), descending=st.booleans())
    def sort(self, key: str, descending: bool) -> None:
        self.model.order = Order(key, descending)  # type: ignore[arg-type]
        self.spliced([self.model.arrange_all()])

    @rule(needle=st.sampled_from(["", "a", "dir"]), late=st.booleans(), pick=st.integers(0, 50))
    def filter(self, needle: str, late: bool, pick: int) -> None:
        self.model.needle = needle
        jobs = [(f, f.folders[:], f.objects, len(f.objects)) for f in self.model.known_folders()]
        done = arrange(jobs, self.model.order, needle)
        if late:
            self.page(pick)
        self.spliced([self.model.settle(done)])

    @invariant()
    def is_what_a_walk_gives(self) -> None:
        if hasattr(self, "model"):
            check(self.model)


def test_rows_are_what_a_walk_over_the_open_folders_gives() -> None:
    run_state_machine_as_test(Histories, settings=settings(max_examples=150, stateful_step_count=25, deadline=None))


@given(NAMES)
@settings(max_examples=50, deadline=None)
def test_every_listed_name_is_shown_exactly_once(names: dict[str, int]) -> None:
    model = ObjectModel("")
    todo = [model.root]
    while todo:
        folder = todo.pop()
        model.begin(folder)
        for page in (parts := pages(names, folder.prefix, 2)):
            model.add_page(folder, page, final=page is parts[-1])
        for child in folder.folders:
            model.open(child)
            todo.append(child)
    shown = [item.name for item in model.rows if isinstance(item, ObjectRow)]
    placeholders = {name for name, size in names.items() if name.endswith("/") and size == 0}
    assert sorted(shown) == sorted(set(names) - placeholders)
    assert placeholders <= {item.prefix for item in model.rows if isinstance(item, Folder)}


def test_a_thousand_nested_folders_open_without_recursion() -> None:
    model = ObjectModel("")
    folder = model.root
    for depth in range(1, 1_024):
        model.begin(folder)
        model.add_page(folder, ListPage([], ["/" * depth], ""), final=True)
        folder = folder.folders[0]
        model.open(folder)
    assert len(model.rows) == 1_023
    assert model.depth(model.rows[-1]) == 1_022
    top = model.rows[0]
    assert isinstance(top, Folder)
    model.close(top)
    assert model.rows == [top]
    model.open(top)
    assert len(model.rows) == 1_023


def test_a_closed_folder_remembers_what_was_open_in_it() -> None:
    model = ObjectModel("")
    for folder, page in ((model.root, ListPage([], ["a/"], "")),):
        model.begin(folder)
        model.add_page(folder, page, final=True)
    outer = model.root.folders[0]
    model.open(outer)
    model.begin(outer)
    model.add_page(outer, ListPage([row("a/x")], ["a/b/"], ""), final=True)
    inner = outer.folders[0]
    model.open(inner)
    model.begin(inner)
    model.add_page(inner, ListPage([row("a/b/y")], [], ""), final=True)
    before = list(model.rows)
    model.close(outer)
    assert model.rows == [outer]
    model.open(outer)
    assert model.rows == before

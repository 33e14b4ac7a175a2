"""Every state of every view at every size: what it says, that nothing is cut silently, and which key is next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from app.context import VIEWS
from app.themes import ANSI_DARK, DARK, LIGHT
from services.localstore.faults import Fault, Faults
from services.localstore.server import StoreServer
from tests.flows.conftest import Desk, OpenDesk, eventually
from widgets.symbols import ASCII, UNICODE, Symbols

SIZES = [(120, 40), (80, 24), (60, 20), (40, 10)]
READS = ("buckets.get", "buckets.list", "buckets.testIamPermissions", "objects.list", "objects.get")


@dataclass(frozen=True)
class State:
    """What the service does, and what each view says of it, with the key that is next."""

    name: str
    faults: tuple[Fault, ...]
    says: dict[str, tuple[str, ...]]


def status(code: int) -> tuple[Fault, ...]:
    return tuple(Fault(operation, "status", status=code, count=None) for operation in READS)


MOVING = ("Nothing is moving.", "1 leads to the objects:", "there u uploads, d downloads.")
PAIRS = ("No pair yet.",)
STATES = [
    State(
        "empty",
        (),
        {
            "objects": ("mpty. u upload", "n folder"),
            "settings": ("Bucket ID", "Address"),
            "transfers": MOVING,
            "sync": PAIRS,
            "usage": ("counted",),
        },
    ),
    State(
        "loading",
        tuple(Fault(operation, "latency", seconds=60, count=None) for operation in READS),
        {
            "objects": ("loading",),
            "settings": ("reading",),
            "transfers": MOVING,
            "sync": PAIRS,
            "usage": ("ounting", "Esc Cancel"),
        },
    ),
    State(
        "error",
        status(400),
        {
            "objects": ("R tries again", "b chooses another bucket"),
            "settings": ("enter reads again",),
            "transfers": MOVING,
            "sync": PAIRS,
            "usage": ("cannot", "R Recount"),
        },
    ),
    State(
        "offline",
        tuple(Fault(operation, "reset", count=None) for operation in READS),
        {
            "objects": ("R tries again", "b chooses another bucket"),
            "settings": ("enter reads again",),
            "transfers": MOVING,
            "sync": PAIRS,
            "usage": ("cannot", "R Recount"),
        },
    ),
    State(
        "forbidden",
        status(403),
        {
            "objects": ("R tries again", "b chooses another bucket"),
            "settings": ("enter reads again",),
            "transfers": MOVING,
            "sync": PAIRS,
            "usage": ("cannot", "R Recount"),
        },
    ),
]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def store(store_factory: Callable[..., StoreServer], faults: Faults) -> StoreServer:
    return store_factory(faults=faults)


def joined(text: str) -> str:
    """Return what stands on a screen as running text: lines that were folded are put together."""
    return " ".join(text.split())


def colours(d: Desk) -> Iterator[str]:
    """Yield every colour that goes to the terminal."""
    for line in d.app.screen._compositor.render_strips():
        for segment in line:
            for colour in (segment.style and segment.style.color, segment.style and segment.style.bgcolor):
                if colour is not None and not colour.is_default:
                    yield colour.type.name


def check_key_line(d: Desk) -> None:
    """Every hint is whole, and the line says where there are more."""
    line = d.text().splitlines()[-1]
    hints = re.split(r"  (?=\S)", line.strip())
    keys = d.main._keys
    whole = {f"{hint.key} {label}" for hint in keys.hints for label in (hint.label, hint.short) if label}
    if len(hints) == 1:  # short labels stand one cell apart
        left = line.strip() + " "
        for hint in sorted({*whole, f"{keys.more.key} more"}, key=len, reverse=True):
            left = left.replace(f"{hint} ", "")
        assert left == "", f"cut: {line!r}"
    else:
        assert set(hints) <= {*whole, f"{keys.more.key} more"}, f"cut: {line!r}"
    assert line.rstrip().endswith(("more", "Help")) or all(hint.key in line for hint in keys.hints)


async def look_around(d: Desk, state: State, *, ascii_only: bool) -> None:
    for size in SIZES[1::2] if ascii_only else SIZES:
        await d.pilot.resize_terminal(*size)
        for number, (view, _) in enumerate(VIEWS, 1):
            await d.press(str(number))
            words = state.says[view]
            try:
                await eventually(lambda words=words: all(word in joined(d.text()) for word in words), 15)
            except TimeoutError:
                raise AssertionError(f"{state.name} {view} {size}: {words}\n{d.text()}") from None
            if size[1] > 10 or view in ("objects", "transfers", "sync"):
                check_key_line(d)
            if ascii_only:
                assert d.text().isascii(), f"{view} {size}: {[c for c in d.text() if not c.isascii()]}\n{d.text()}"


@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
async def test_every_state_says_what_it_is_and_which_key_is_next(
    desk: OpenDesk, faults: Faults, state: State, symbols: Symbols, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = symbols is ASCII
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    for fault in state.faults:
        faults.add(fault)
    async with desk(symbols=symbols, size=SIZES[0]) as d:
        await look_around(d, state, ascii_only=plain)
        if plain:
            assert list(colours(d)) == []
            return
        for theme in (LIGHT, ANSI_DARK, DARK) if state.name in ("empty", "forbidden") else ():
            d.app.theme = theme.name
            for number in "12345":
                await d.press(number)
                kinds = set(colours(d))
                assert kinds == ({"STANDARD"} if theme is ANSI_DARK else {"TRUECOLOR"})
        faults.clear()

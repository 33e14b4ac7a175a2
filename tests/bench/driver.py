"""Measures what the cell-diffing driver costs beside Textual: `python -m tests.bench.driver`.

CPU of one picture of 120×40, from what Textual writes to what goes to the terminal, the median of many:

- the same picture again;
- a page of a list: every row shows another name, in a few looks;
- the worst case: 480 pieces of ten cells, each in random colours, every cell of which changes.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Final

from app.driver.screen import DiffScreen

WIDTH: Final = 120
HEIGHT: Final = 40
PICTURES: Final = 200
"""Pictures of which the median is taken."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


def same(_number: int, _chance: random.Random) -> str:
    """Return one picture, always the same."""
    return page(0, random.Random(1))


def page(number: int, _chance: random.Random) -> str:
    """Return a page of a list, as Textual writes it: name, size and age in looks of their own, a scrollbar."""
    rows = []
    for y in range(HEIGHT):
        row = number * HEIGHT + y
        name = f"object-{row * 7919 % 100_003:06d}-of-many.parquet"
        ground = "48;2;43;74;104" if y == 0 else "48;2;18;22;28"
        rows.append(
            f"\x1b[{y + 1};1H\x1b[38;2;213;218;225;{ground}m  {name:<80}\x1b[0m"
            f"\x1b[38;2;135;146;161;{ground}m{row * 31 % 999:>14} KiB{row % 60:>14} min\x1b[0m"
            f"\x1b[38;2;47;58;71;48;2;26;32;41m \x1b[0m" + " "
        )
    return "\n".join(rows) + "\x1b[1;1H"


def worst(_number: int, chance: random.Random) -> str:
    """Return a picture of which every cell has another character and every piece another look."""
    rows = []
    for y in range(HEIGHT):
        pieces = []
        for _ in range(WIDTH // 10):
            colours = [chance.randrange(256) for _ in range(6)]
            text = "".join(chance.choices(LETTERS, k=10))
            red, green, blue, *ground = colours
            pieces.append(f"\x1b[38;2;{red};{green};{blue};48;2;{ground[0]};{ground[1]};{ground[2]}m{text}\x1b[0m")
        rows.append(f"\x1b[{y + 1};1H{''.join(pieces)}")
    return "\n".join(rows) + "\x1b[1;1H"


CASES: Final[dict[str, Callable[[int, random.Random], str]]] = {
    "the same picture again": same,
    "a page of a list": page,
    "every cell in random colours": worst,
}
"""What is measured."""


def measure(draw: Callable[[int, random.Random], str]) -> tuple[float, float]:
    """Return the milliseconds of CPU and the bytes of a picture, medians."""
    chance = random.Random(1)
    screen = DiffScreen(WIDTH, HEIGHT)
    spent, sizes = [], []
    for number in range(PICTURES):
        picture = draw(number, chance)
        begun = time.thread_time()
        screen.feed(picture)
        written = screen.take()
        spent.append((time.thread_time() - begun) * 1000)
        sizes.append(len(written.encode()))
    return statistics.median(spent), statistics.median(sizes)


def main() -> None:
    """Print a table."""
    print("| picture | ms CPU | bytes |\n|---|---|---|")
    for name, draw in CASES.items():
        spent, size = measure(draw)
        print(f"| {name} | {spent:.2f} | {size:,.0f} |")


if __name__ == "__main__":
    main()

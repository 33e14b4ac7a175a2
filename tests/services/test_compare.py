"""Two generations side by side."""

from __future__ import annotations

from services.compare import SHOWN_LINES, diff, differences
from services.model import ObjectInfo
from tests.services.samples import NOW


def info(generation: int, **resource: str) -> ObjectInfo:
    return ObjectInfo(
        "b", "x", generation, generation, 1, NOW, NOW, "c", "m", "t", "", "STANDARD", {"k": str(generation)}, resource
    )


def test_only_what_differs_is_named_and_numbers_of_generations_are_not() -> None:
    found = differences(info(1, cacheControl="no-store", etag="a"), info(2, contentType="text/css", etag="b"))
    assert [(each.label, each.before, each.after) for each in found] == [
        ("Size", "1 byte", "2 bytes"),
        ("Cache control", "no-store", ""),
        ("Metadata k", "1", "2"),
        ("Content type", "", "text/css"),
    ]
    assert differences(info(1), info(1)) == ()


def test_lines_are_told_apart_by_their_first_sign_and_bounded() -> None:
    before = ["1", "2", "3", "4", "5", "--- 6"]
    assert diff(before, ["1", "2", "3", "4", "five", "--- 6"]) == [
        "@@ -2,5 +2,5 @@",
        " 2",
        " 3",
        " 4",
        "-5",
        "+five",
        " --- 6",
    ]
    assert diff(before, before) == []
    long = diff([str(number) for number in range(3_000)], [])
    assert (len(long), long[-1]) == (SHOWN_LINES + 1, "@@ and more differences @@")

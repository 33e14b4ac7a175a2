"""What was emptied out of a bucket before it was deleted is told from what had been deleted earlier, by the times."""

from __future__ import annotations

import pytest

from services.emptying import GAP_S, emptied_from


@pytest.mark.parametrize(
    ("deleted", "since"),
    [
        ([], 10_000.0),
        ([9_990.0, 9_500.0, 9_000.0], 9_000.0),
        ([9_990.0, 9_500.0, 1_000.0], 9_500.0),
        ([1_000.0], 10_000.0),
        ([9_990.0, 11_000.0], 9_990.0),
        ([10_000.0 - GAP_S], 10_000.0 - GAP_S),
        ([10_000.0 - GAP_S - 1], 10_000.0),
    ],
)
def test_the_emptying_is_what_ends_with_the_bucket_without_a_long_gap(deleted: list[float], since: float) -> None:
    assert emptied_from(deleted, 10_000.0) == since

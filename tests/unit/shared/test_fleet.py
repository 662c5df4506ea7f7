"""How many workers share a budget: nobody is alone before somebody has said so."""

import pytest

from shared.fleet import Fleet


def test_size_is_unknown_before_anybody_has_counted() -> None:
    assert Fleet().size is None


@pytest.mark.parametrize(
    ("counts", "size"), [([1], 1), ([1, 4], 4), ([4, 1], 4), ([4, 1, 1], 1), ([4, 1, 3], 3), ([0], 1)]
)
def test_more_workers_count_at_once_and_fewer_when_they_are_missing_twice(
    counts: list[int], size: int
) -> None:
    fleet = Fleet()

    for count in counts:
        fleet.heard(count)

    assert fleet.size == size

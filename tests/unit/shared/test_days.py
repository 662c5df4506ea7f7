import itertools
from datetime import UTC, datetime, timedelta

import pytest

from shared.days import MARGIN, day_ends_in_s, next_starts

LOS_ANGELES = "America/Los_Angeles"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-11-28 08:05", "2026-11-29 08:00"),  # winter: eight hours behind
        ("2026-07-01 06:59", "2026-07-01 07:00"),  # summer: seven
        ("2026-11-01 07:30", "2026-11-02 08:00"),  # a day of 25 hours
        ("2026-03-08 08:30", "2026-03-09 07:00"),  # a day of 23
        ("2026-12-31 23:00", "2027-01-01 08:00"),
    ],
)
def test_next_day_begins_at_the_midnight_of_its_zone_and_a_minute(now: str, midnight: str) -> None:
    (start,) = next_starts(at(now), zone=LOS_ANGELES)

    assert start == at(midnight) + MARGIN
    assert day_ends_in_s(at(now), zone=LOS_ANGELES) == (start - at(now)).total_seconds()


def test_minute_after_midnight_still_belongs_to_the_day_before() -> None:
    midnight = at("2026-11-28 08:00")

    assert day_ends_in_s(midnight + timedelta(seconds=20), zone=LOS_ANGELES) == 40
    assert day_ends_in_s(midnight + MARGIN, zone=LOS_ANGELES) == 86_400


def test_days_around_a_change_of_clocks_are_as_long_as_they_are() -> None:
    starts = next_starts(at("2026-10-30 12:00"), zone=LOS_ANGELES, count=4)

    hours = [(later - sooner) / timedelta(hours=1) for sooner, later in itertools.pairwise(starts)]
    assert hours == [24, 25, 24]

"""Calendar days of a time zone: when each one begins, by the rules of the zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

MARGIN = timedelta(seconds=60)
"""How long after midnight a day begins for us.

Who counts by days may be a little behind our clock: asked too early it would say that the day is used up, and
we would believe it for the whole new one. An answer from before midnight that comes after it does no harm
either.
"""


def next_starts(now: datetime, *, zone: str, count: int = 1) -> tuple[datetime, ...]:
    """Return when the next days begin there, in UTC: a minute after each midnight, whatever the clocks do.

    now: aware. zone: as the tz database names it.
    """
    there = ZoneInfo(zone)
    today = (now - MARGIN).astimezone(there).date()
    midnights = (
        datetime.combine(today + timedelta(days=number), time(), tzinfo=there)
        for number in range(1, count + 1)
    )
    return tuple(midnight.astimezone(UTC) + MARGIN for midnight in midnights)


def day_ends_in_s(now: datetime, *, zone: str) -> float:
    """Return the seconds until the next day begins there."""
    (start,) = next_starts(now, zone=zone)
    return (start - now).total_seconds()

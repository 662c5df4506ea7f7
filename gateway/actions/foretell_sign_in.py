"""When a sign-in ends, told in time: whole days that are left, and a sentence when there are few."""

import math
from datetime import UTC, datetime, timedelta

import msgspec

from shared.db.connections import Connection, ConnectionState

_NOTICE_DAYS = 30
_SOON_DAYS = 7
_LAST_DAYS = 1
_DAY = timedelta(days=1)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """days_left: begun days count, 0 from the end on, None where no end is known. notice: what is to do."""

    days_left: int | None = None
    notice: str | None = None


def foretell(connection: Connection) -> Forecast:
    """Say how long a sign-in lives, as of the moment when the connection was read."""
    ends_at = connection.sign_in_ends_at
    if connection.state is not ConnectionState.CONNECTED or ends_at is None:
        return Forecast()
    days_left = max(0, math.ceil((ends_at - connection.read_at) / _DAY))
    return Forecast(days_left=days_left, notice=_notice(days_left, ends_at=ends_at.astimezone(UTC)))


def ends_within_a_day(connection: Connection) -> bool:
    days_left = foretell(connection).days_left
    return days_left is not None and days_left <= _LAST_DAYS


def _notice(days_left: int, *, ends_at: datetime) -> str | None:
    day = f"{ends_at:%Y-%m-%d}"
    if days_left == 0:
        return f"The sign-in was good until {day}: connect the account again."
    if days_left <= _LAST_DAYS:
        return (
            f"The sign-in ends within a day, at {ends_at:%Y-%m-%d %H:%M} UTC: connect the account again now."
        )
    if days_left <= _SOON_DAYS:
        return f"The sign-in ends in {days_left} days, on {day}: connect the account again before, in time."
    if days_left <= _NOTICE_DAYS:
        return f"The sign-in ends on {day}, in {days_left} days; connecting the account again prolongs it."
    return None

"""What is said of a sign-in's end: whole days, and a sentence in time."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gateway.actions.foretell_sign_in import ends_within_a_day, foretell
from shared.db.connections import Connection, ConnectionState
from shared.models import ConnectionId, Platform, UserId

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def connection(left: timedelta | None, *, state: ConnectionState = ConnectionState.CONNECTED) -> Connection:
    return Connection(
        id=ConnectionId("c-1"),
        user_id=UserId("u-1"),
        platform=Platform.SPOTIFY,
        account_id="acc-1",
        label="Mira Holt",
        market="DE",
        state=state,
        authorized_at=NOW - timedelta(days=100),
        sign_in_ends_at=None if left is None else NOW + left,
        created_at=NOW - timedelta(days=100),
        read_at=NOW,
    )


@pytest.mark.parametrize(
    ("left", "days_left", "words"),
    [
        (timedelta(days=181), 181, None),
        (timedelta(days=30) + SECOND, 31, None),
        (timedelta(days=30), 30, "ends on 2026-12-22, in 30 days"),
        (timedelta(days=7) + SECOND, 8, "in 8 days"),
        (timedelta(days=7), 7, "ends in 7 days, on 2026-11-29"),
        (timedelta(days=1) + SECOND, 2, "ends in 2 days, on 2026-11-23"),
        (timedelta(days=1), 1, "ends within a day, at 2026-11-23 12:00 UTC"),
        (SECOND, 1, "ends within a day, at 2026-11-22 12:00 UTC"),
        (timedelta(0), 0, "was good until 2026-11-22"),
        (timedelta(days=-3), 0, "was good until 2026-11-19"),
    ],
)
def test_the_notice_comes_a_month_a_week_and_a_day_before_the_end_and_after_it(
    left: timedelta, days_left: int, words: str | None
) -> None:
    forecast = foretell(connection(left))

    assert forecast.days_left == days_left
    assert (forecast.notice is None) if words is None else (words in (forecast.notice or ""))


@pytest.mark.parametrize("state", [ConnectionState.RECONNECT_REQUIRED, ConnectionState.DISCONNECTED])
def test_of_a_sign_in_that_is_over_already_no_end_is_foretold(state: ConnectionState) -> None:
    forecast = foretell(connection(timedelta(days=3), state=state))

    assert (forecast.days_left, forecast.notice) == (None, None)


def test_an_end_that_nobody_knows_is_not_guessed() -> None:
    forecast = foretell(connection(None))

    assert (forecast.days_left, forecast.notice) == (None, None)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=1) + SECOND, False),
        (timedelta(days=1), True),
        (timedelta(days=-1), True),
        (None, False),
    ],
)
def test_the_last_day_is_told_from_the_days_before(left: timedelta | None, *, expected: bool) -> None:
    assert ends_within_a_day(connection(left)) is expected


def test_the_end_is_foretold_as_of_the_moment_of_reading_in_any_time_zone() -> None:
    row = connection(timedelta(hours=30))
    assert row.sign_in_ends_at is not None
    elsewhere = row.sign_in_ends_at.astimezone(datetime.strptime("+0900", "%z").tzinfo)

    forecast = foretell(msgspec.structs.replace(row, sign_in_ends_at=elsewhere))

    assert forecast.notice == foretell(row).notice

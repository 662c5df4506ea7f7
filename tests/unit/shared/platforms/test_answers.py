from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import (
    CrossplayError,
    PlatformDenied,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    ReconnectRequired,
    ValidationFailed,
)
from shared.models import Platform
from shared.platforms.answers import (
    Answer,
    Failure,
    Refusal,
    error_of,
    foreign_cursor,
    meaning_429,
    parse_retry_after,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def failure(
    status: int, text: str = "", *, operation: str = "read_items", is_personal: bool = True
) -> Failure:
    return Failure(
        label="Spotify",
        platform=Platform.SPOTIFY,
        operation=operation,
        status=status,
        text=text,
        is_personal=is_personal,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, PlatformUnavailable),
        (400, PlatformRejected),
        (401, ReconnectRequired),
        (402, PlatformDenied),
        (403, PlatformDenied),
        (404, PlatformNotFound),
        (405, PlatformRejected),
        (408, PlatformUnavailable),
        (410, PlatformNotFound),
        (413, PlatformRejected),
        (425, PlatformUnavailable),
        (500, PlatformUnavailable),
        (504, PlatformUnavailable),
        (599, PlatformUnavailable),
    ],
)
def test_status_means_an_error_with_the_platforms_name(status: int, kind: type[CrossplayError]) -> None:
    error = error_of(failure(status), refusals=())

    assert type(error) is kind
    assert str(error).startswith("Spotify ")


def test_a_call_of_nobodys_that_is_not_let_in_asks_no_user_to_connect() -> None:
    error = error_of(failure(401, is_personal=False), refusals=())

    assert type(error) is PlatformDenied
    assert "operator" in str(error)


def test_own_table_is_asked_first_and_its_first_row_that_fits_counts() -> None:
    refusals = (
        Refusal(status=403, word="premium", kind=PlatformRejected, message="{label} wants Premium."),
        Refusal(status=403, operation="search", kind=PlatformNotFound, message="not searched"),
        Refusal(status=403, is_personal=True, kind=ReconnectRequired, message="{label} wants a user."),
    )

    by_word = error_of(failure(403, "Active PREMIUM subscription required"), refusals=refusals)
    by_operation = error_of(failure(403, operation="search"), refusals=refusals)
    by_caller = error_of(failure(403), refusals=refusals)
    by_common_table = error_of(failure(404, "premium"), refusals=refusals)

    assert (type(by_word), str(by_word)) == (PlatformRejected, "Spotify wants Premium.")
    assert type(by_operation) is PlatformNotFound
    assert type(by_caller) is ReconnectRequired
    assert type(by_common_table) is PlatformNotFound


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:00:05 -0000", 5.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, wait_s: float | None) -> None:
    assert parse_retry_after(text, date=None, now=NOW) == wait_s


@pytest.mark.parametrize("wrong_by_h", [-1, 0, 1])
def test_a_moment_of_the_platforms_clock_is_read_by_that_clock(wrong_by_h: int) -> None:
    wait_s = parse_retry_after(
        "Sun, 22 Nov 2026 12:01:30 GMT",
        date="Sun, 22 Nov 2026 12:00:00 GMT",
        now=NOW + timedelta(hours=wrong_by_h),
    )

    assert wait_s == 90.0


def test_a_date_header_that_cannot_be_read_is_as_good_as_none() -> None:
    assert parse_retry_after("Sun, 22 Nov 2026 12:01:30 GMT", date="yesterday", now=NOW) == 90.0


def test_page_token_that_is_not_known_is_a_foreign_cursor() -> None:
    error = error_of(failure(400, '{"reason": "badToken"}'), refusals=[foreign_cursor(400, word="badtoken")])

    assert isinstance(error, ValidationFailed)


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [(403, b'"usedUp"', 429), (403, b'"forbidden"', 403), (400, b'"usedUp"', 400)],
)
def test_words_of_a_quota_mean_429_with_their_status_alone(status: int, body: bytes, meant: int) -> None:
    reword = meaning_429(403, rb'"usedUp"')

    answer = reword(Answer(status=status, body=body, retry_after="7"))

    assert (answer.status, answer.body, answer.retry_after) == (meant, body, "7")

"""What follows from an attempt to deliver."""

import random

import pytest

from shared.deliveries import Attempted, DeliveryError, DeliveryState, DisabledReason
from shared.webhook_events import WebhookEvent
from worker.webhooks.verdicts import DAY_S, DISABLE_AFTER_S, RETRY_DELAYS_S, Answer, judge

HOUR_S = 3600.0


def attempted(
    status: int | None = 500,
    *,
    error: DeliveryError | None = DeliveryError.STATUS,
    event: WebhookEvent = WebhookEvent.TRANSFER_COMPLETED,
    failure_count: int = 0,
    failing_s: float = 0.0,
    retry_after_s: float | None = None,
) -> Attempted:
    answer = Answer(status=status, error=error, duration_ms=7, retry_after_s=retry_after_s)
    return judge(
        answer,
        event=event,
        failure_count=failure_count,
        failing_s=failing_s,
        rng=random.Random(failure_count),
    )


def test_an_accepted_delivery_is_delivered() -> None:
    result = attempted(204, error=None)

    assert result == Attempted(state=DeliveryState.DELIVERED, status=204, error=None, duration_ms=7)


def test_retries_follow_the_schedule_with_a_spread_of_a_tenth() -> None:
    planned = [5, 300, 1800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S]

    waits = [attempted(failure_count=count).delay_s for count in range(len(planned))]

    assert list(RETRY_DELAYS_S) == planned
    for wait_s, planned_s in zip(waits, planned, strict=True):
        assert wait_s is not None
        assert 0.9 * planned_s <= wait_s <= 1.1 * planned_s
        assert wait_s != planned_s


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, DeliveryError.STATUS),
        (404, DeliveryError.STATUS),
        (503, DeliveryError.STATUS),
        (None, DeliveryError.TIMEOUT),
        (None, DeliveryError.NAME_UNKNOWN),
        (None, DeliveryError.ADDRESS_REFUSED),
    ],
)
def test_what_is_not_taken_is_tried_again(status: int | None, error: DeliveryError) -> None:
    result = attempted(status, error=error)

    assert (result.state, result.status, result.error) == (DeliveryState.PENDING, status, error)


@pytest.mark.parametrize(("wish_s", "least_s", "most_s"), [(60, 60, 60), (1, 4.5, 5.5), (9e9, DAY_S, DAY_S)])
def test_a_longer_wish_of_the_receiver_is_kept_up_to_a_day(
    wish_s: float, least_s: float, most_s: float
) -> None:
    delay_s = attempted(503, retry_after_s=wish_s).delay_s

    assert delay_s is not None
    assert least_s <= delay_s <= most_s


def test_a_receiver_that_is_gone_is_disabled_at_once() -> None:
    result = attempted(410)

    assert (result.state, result.disabled_reason) == (DeliveryState.FAILED, DisabledReason.GONE)


@pytest.mark.parametrize(
    ("failing_s", "reason"), [(DISABLE_AFTER_S, DisabledReason.FAILING), (DISABLE_AFTER_S - 1, None)]
)
def test_after_the_last_retry_a_receiver_that_has_taken_nothing_for_days_is_disabled(
    failing_s: float, reason: DisabledReason | None
) -> None:
    result = attempted(failure_count=len(RETRY_DELAYS_S), failing_s=failing_s)

    assert (result.state, result.delay_s, result.disabled_reason) == (DeliveryState.FAILED, None, reason)


def test_as_long_as_there_are_retries_nothing_is_disabled() -> None:
    result = attempted(failure_count=len(RETRY_DELAYS_S) - 1, failing_s=30 * DAY_S)

    assert (result.state, result.disabled_reason) == (DeliveryState.PENDING, None)


def test_what_could_not_be_signed_here_disables_nobody() -> None:
    result = attempted(
        None, error=DeliveryError.UNSIGNED, failure_count=len(RETRY_DELAYS_S), failing_s=30 * DAY_S
    )

    assert (result.state, result.disabled_reason) == (DeliveryState.FAILED, None)


@pytest.mark.parametrize("event", [WebhookEvent.TRANSFER_PROGRESS, WebhookEvent.WEBHOOK_TEST])
def test_progress_and_tests_are_sent_once(event: WebhookEvent) -> None:
    result = attempted(event=event, failing_s=30 * DAY_S)

    assert (result.state, result.delay_s, result.disabled_reason) == (DeliveryState.FAILED, None, None)

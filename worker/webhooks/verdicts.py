"""What follows from an attempt to deliver: delivered, again later, or never. Pure."""

import random

import msgspec

from shared.deliveries import Attempted, DeliveryError, DeliveryState, DisabledReason
from shared.webhook_events import WebhookEvent

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0

RETRY_DELAYS_S = (
    *(5.0, 5 * MINUTE_S, 30 * MINUTE_S),
    *(2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S),
)
"""The schedule of Standard Webhooks 1.0.0: with the attempt at once, ten attempts in three days."""

LONGEST_WISH_S = DAY_S
DISABLE_AFTER_S = 3 * DAY_S
_JITTER = 0.1
_GONE = 410
# The next one makes the last one superfluous; and of a test its user wants to know now.
_SENT_ONCE = frozenset({WebhookEvent.TRANSFER_PROGRESS, WebhookEvent.WEBHOOK_TEST})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went: a status, or the error that came in its place.

    retry_after_s: what the receiver asks for, None if it does not.
    """

    status: int | None
    error: DeliveryError | None
    duration_ms: int
    retry_after_s: float | None = None


def judge(
    answer: Answer, *, event: WebhookEvent, failure_count: int, failing_s: float, rng: random.Random
) -> Attempted:
    """Decide what becomes of a delivery.

    failure_count: attempts of it that failed before. failing_s: for how long its webhook has taken nothing.
    """
    if answer.error is None:
        return _result(answer, DeliveryState.DELIVERED)
    if answer.status == _GONE:
        return _result(answer, DeliveryState.FAILED, disabled_reason=DisabledReason.GONE)
    if event not in _SENT_ONCE and failure_count < len(RETRY_DELAYS_S):
        delay_s = _delay_s(failure_count, wish_s=answer.retry_after_s, rng=rng)
        return _result(answer, DeliveryState.PENDING, delay_s=delay_s)
    is_hopeless = (
        event not in _SENT_ONCE
        and failing_s >= DISABLE_AFTER_S
        and answer.error is not DeliveryError.UNSIGNED  # that is nobody's fault but ours
    )
    return _result(
        answer, DeliveryState.FAILED, disabled_reason=DisabledReason.FAILING if is_hopeless else None
    )


def _result(
    answer: Answer,
    state: DeliveryState,
    *,
    delay_s: float | None = None,
    disabled_reason: DisabledReason | None = None,
) -> Attempted:
    return Attempted(
        state=state,
        status=answer.status,
        error=answer.error,
        duration_ms=answer.duration_ms,
        delay_s=delay_s,
        disabled_reason=disabled_reason,
    )


def _delay_s(failure_count: int, *, wish_s: float | None, rng: random.Random) -> float:
    """Return the wait of the schedule, spread a little, or the receiver's wish where that is longer."""
    planned_s = RETRY_DELAYS_S[failure_count] * rng.uniform(1 - _JITTER, 1 + _JITTER)
    return max(planned_s, min(wish_s or 0.0, LONGEST_WISH_S))

"""What becomes of a job that stopped."""

import random

import pytest

from shared import errors
from shared.errors import CrossplayError, PlatformError, RateLimited, Remedy
from shared.lifecycle import PauseReason
from worker.retry import MAX_DELAY_S, UNLOCK_AFTER_S, Discard, Pause, Retry, Snooze, backoff_s, plan

SEEDS = range(50)


def every_error() -> list[CrossplayError]:
    """Make one of each class of the tree that can be raised."""
    found: list[CrossplayError] = []
    waiting: list[type[CrossplayError]] = [CrossplayError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__ == errors.__name__:
            found.append(make(kind))
    return found


def make(kind: type[CrossplayError]) -> CrossplayError:
    if issubclass(kind, RateLimited):
        return kind("Wait.", platform="spotify", operation="search", retry_after_s=5)
    if issubclass(kind, PlatformError):
        return kind("No.", platform="spotify", operation="search", status=400)
    if issubclass(kind, errors.SettingsError):
        return kind(("one",))
    if issubclass(kind, errors.FieldFault):
        return kind("/name", "is missing")
    return kind("Sorry.")


def limited(retry_after_s: float) -> RateLimited:
    return RateLimited("Wait.", platform="spotify", operation="search", retry_after_s=retry_after_s)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_every_error_gets_the_verdict_of_its_remedy(error: CrossplayError) -> None:
    expected = {Remedy.NONE: Discard, Remedy.RETRY: Retry, Remedy.SNOOZE: Snooze, Remedy.USER: Pause}

    verdict = plan(error, attempt=1, max_attempts=20, rng=random.Random(1))

    assert type(verdict) is expected[error.remedy]


def test_the_last_attempt_may_fail_and_then_the_job_is_given_up_with_its_reason() -> None:
    error = errors.PlatformUnavailable("Spotify is silent.", platform="spotify", operation="read_items")

    verdicts = [plan(error, attempt=attempt, max_attempts=3, rng=random.Random(1)) for attempt in (1, 2, 3)]

    assert [type(verdict) for verdict in verdicts] == [Retry, Retry, Discard]
    assert verdicts[-1] == Discard(
        code="upstream-unavailable", text="Spotify is silent. Given up after 3 attempts."
    )


def test_a_rate_limited_job_is_snoozed_however_often_it_was_tried() -> None:
    verdict = plan(limited(5), attempt=99, max_attempts=3, rng=random.Random(1))

    assert isinstance(verdict, Snooze)


@pytest.mark.parametrize(
    ("retry_after_s", "is_parked"), [(0, False), (60, False), (61, True), (46_800, True)]
)
def test_only_a_long_wait_is_parked(retry_after_s: float, *, is_parked: bool) -> None:
    verdict = plan(limited(retry_after_s), attempt=1, max_attempts=3, rng=random.Random(1))

    assert isinstance(verdict, Snooze)
    assert verdict.is_parked is is_parked


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snooze_never_ends_before_the_platforms_time_and_hardly_after_it(seed: int) -> None:
    verdict = plan(limited(30), attempt=1, max_attempts=3, rng=random.Random(seed))

    assert isinstance(verdict, Snooze)
    assert 30 <= verdict.delay_s <= 31


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.ReconnectRequired("Again."), PauseReason.RECONNECT_REQUIRED),
        (errors.ConnectionMissing("Gone."), PauseReason.RECONNECT_REQUIRED),
        (errors.PlatformNotConfigured("Not here."), PauseReason.PLATFORM_NOT_CONFIGURED),
        (
            errors.PlatformDenied("No.", platform="spotify", operation="search", status=403),
            PauseReason.PLATFORM_DENIED,
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_pause_says_what_the_user_has_to_do(error: CrossplayError, reason: PauseReason) -> None:
    verdict = plan(error, attempt=1, max_attempts=3, rng=random.Random(1))

    assert verdict == Pause(reason=reason)


def test_tokens_that_no_key_opens_are_tried_again_by_themselves() -> None:
    verdict = plan(errors.TokensLocked("No key."), attempt=1, max_attempts=3, rng=random.Random(1))

    assert verdict == Pause(reason=PauseReason.TOKENS_LOCKED, again_s=UNLOCK_AFTER_S)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("failure_count", "ceiling_s"), [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0)])
def test_the_backoff_doubles_its_ceiling_and_jitters_below_it(
    seed: int, failure_count: int, ceiling_s: float
) -> None:
    delay_s = backoff_s(failure_count, rng=random.Random(seed))

    assert ceiling_s / 10 <= delay_s <= ceiling_s


@pytest.mark.parametrize("failure_count", [10, 100, 1_000_000])
def test_the_backoff_stops_growing_at_its_most(failure_count: int) -> None:
    delays_s = [backoff_s(failure_count, rng=random.Random(seed)) for seed in SEEDS]

    assert max(delays_s) <= MAX_DELAY_S
    assert len(set(delays_s)) == len(delays_s)

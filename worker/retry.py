"""What becomes of a job that stopped: again, later, when the user acts, or never. Pure."""

import random
from typing import TypeAlias

import msgspec

from shared.errors import (
    CrossplayError,
    PlatformDenied,
    PlatformNotConfigured,
    RateLimited,
    Remedy,
    TokensLocked,
)
from shared.lifecycle import PauseReason

FIRST_DELAY_S = 1.0
MAX_DELAY_S = 300.0
MAX_LOOK_DELAY_S = 30.0
PARK_AFTER_S = 60.0  # a longer wait is told to the user as a pause with its hour
UNLOCK_AFTER_S = 300.0  # workers with another key ring may run by then


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Again after delay_s; costs an attempt."""

    delay_s: float


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """Again after delay_s; costs none. is_parked: long enough to be shown as a pause."""

    delay_s: float
    is_parked: bool = False


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """When the user, or the operator, has acted. again_s: also tried after so long, if given."""

    reason: PauseReason
    again_s: float | None = None


class Discard(msgspec.Struct, frozen=True, kw_only=True):
    """Never: the transfer fails with this error."""

    code: str
    text: str


Verdict: TypeAlias = Retry | Snooze | Pause | Discard

_PAUSES = {
    PlatformDenied: Pause(reason=PauseReason.PLATFORM_DENIED),
    PlatformNotConfigured: Pause(reason=PauseReason.PLATFORM_NOT_CONFIGURED),
    TokensLocked: Pause(reason=PauseReason.TOKENS_LOCKED, again_s=UNLOCK_AFTER_S),
}
_RECONNECT = Pause(reason=PauseReason.RECONNECT_REQUIRED)
"""What every other error means that only a person can cure."""


def plan(error: CrossplayError, *, attempt: int, max_attempts: int, rng: random.Random) -> Verdict:
    """Decide by the error's remedy alone. attempt: 1 for a job's first execution."""
    match error.remedy:
        case Remedy.SNOOZE:
            delay_s = error.retry_after_s if isinstance(error, RateLimited) else FIRST_DELAY_S
            jittered_s = delay_s + rng.uniform(0, min(1.0, delay_s / 10))
            return Snooze(delay_s=jittered_s, is_parked=delay_s > PARK_AFTER_S)
        case Remedy.USER:
            return next((pause for kind, pause in _PAUSES.items() if isinstance(error, kind)), _RECONNECT)
        case Remedy.RETRY if attempt < max_attempts:
            return Retry(delay_s=backoff_s(attempt, rng=rng))
        case Remedy.RETRY:
            return Discard(code=error.code, text=f"{error} Given up after {attempt} attempts.")
        case _:
            return Discard(code=error.code, text=str(error))


def backoff_s(failure_count: int, *, rng: random.Random) -> float:
    """Return an exponential delay with full jitter, never below a tenth of its ceiling. Starts at 1."""
    ceiling_s = min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failure_count - 1, 20))
    return rng.uniform(ceiling_s / 10, ceiling_s)


def look_delay_s(look_count: int) -> float:
    """Return how long to wait before a target is looked at again. look_count: so many waits came before."""
    return min(MAX_LOOK_DELAY_S, 0.5 * 2.0**look_count)

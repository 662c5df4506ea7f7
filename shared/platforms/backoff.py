"""How long to wait for a platform that does not say."""

import random

from shared.clock import Clock


class Backoff:
    """How long to wait after a 429 that does not say: doubled each time, with jitter, until a success.

    Refusals of requests that were under way together count once.
    """

    def __init__(self, *, first_s: float, clock: Clock, rng: random.Random, most_s: float = 64.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._clock = clock
        self._rng = rng
        self._count = 0
        self._until_s = 0.0

    def next_s(self) -> float:
        now_s = self._clock.monotonic()
        if now_s >= self._until_s:
            ceiling_s = min(self._most_s, self._first_s * 2.0**self._count)
            self._count += 1
            self._until_s = now_s + self._rng.uniform(ceiling_s / 2, ceiling_s)
        return self._until_s - now_s

    def reset(self) -> None:
        self._count = 0

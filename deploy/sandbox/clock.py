"""The sandbox's clock: wall time that a test can move forward."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

NowSource = Callable[[], float]


class Clock:
    """Tells the time of the simulated platforms in seconds since 1970, moved by `advance`."""

    def __init__(self, *, source: NowSource = time.time) -> None:
        self._source = source
        self._offset_s = 0.0

    def now_s(self) -> float:
        return self._source() + self._offset_s

    def advance(self, seconds: float) -> None:
        self._offset_s += seconds


def iso(at_s: float) -> str:
    """Write a moment as the platforms do: 2026-11-22T10:00:00Z."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

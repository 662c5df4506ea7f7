"""What was asked of a simulated platform: counts by operation and status, and the last calls."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

LAST_CALLS = 5000


class Counters:
    """Counts platform calls; a call whose answer was never sent has the status "lost"."""

    def __init__(self) -> None:
        self._by_operation: dict[str, Counter[str]] = {}
        self._last: deque[dict[str, Any]] = deque(maxlen=LAST_CALLS)

    def count(self, operation: str, *, status: str, call: Mapping[str, Any]) -> None:
        """call: what else is to be kept of it."""
        self._by_operation.setdefault(operation, Counter())[status] += 1
        self._last.append({"operation": operation, "status": status, **call})

    def reset(self) -> None:
        self._by_operation.clear()
        self._last.clear()

    def summary(self) -> dict[str, Any]:
        """Return {"total", "by_operation": {operation: {status: count}}, "by_status"}."""
        by_status: Counter[str] = Counter()
        for counts in self._by_operation.values():
            by_status.update(counts)
        return {
            "total": by_status.total(),
            "by_operation": {name: dict(counts) for name, counts in sorted(self._by_operation.items())},
            "by_status": dict(sorted(by_status.items())),
        }

    def last_calls(self) -> list[dict[str, Any]]:
        return list(self._last)

"""How many workers there are, as far as one process knows."""

from collections import deque


class Fleet:
    """Remembers the last two counts: a worker that is missing in one may only have been slow to say so."""

    def __init__(self) -> None:
        self._heard: deque[int] = deque(maxlen=2)

    def heard(self, count: int) -> None:
        self._heard.append(max(1, count))

    @property
    def size(self) -> int | None:
        """The larger of the last two counts; None before the first."""
        return max(self._heard, default=None)

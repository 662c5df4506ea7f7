"""A lease as its owner sees it: a deadline on the monotonic clock, and the gate in front of each send."""

import asyncio

from shared.clock import Clock
from shared.errors import LeaseLost


class Lease:
    """Ownership of one job. Times are the owner's monotonic seconds, taken before the store was asked.

    A send passes the gate only if the lease outlasts the send's whole time-out; so when the lease is over
    by the database's clock, any call of this owner is over too.
    """

    def __init__(self, *, clock: Clock, asked_at: float, lease_s: float, send_timeout_s: float) -> None:
        self.clock = clock
        self._lease_s = lease_s
        self._send_timeout_s = send_timeout_s
        self._until = asked_at + lease_s
        self.lost = asyncio.Event()

    def renewed(self, *, asked_at: float) -> None:
        self._until = asked_at + self._lease_s

    def lose(self) -> None:
        self.lost.set()

    @property
    def left_s(self) -> float:
        return 0.0 if self.lost.is_set() else max(0.0, self._until - self.clock.monotonic())

    @property
    def is_over(self) -> bool:
        return not self.left_s

    def gate(self) -> None:
        """Raise LeaseLost unless a send that starts now ends while the lease is ours."""
        if self.lost.is_set() or self.clock.monotonic() + self._send_timeout_s >= self._until:
            raise LeaseLost("The lease ends before this request would; it was not sent.")

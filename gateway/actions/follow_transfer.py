"""Follow a transfer: each newer state that is seen of it, for as long as a stream may live."""

import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import msgspec

from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.refusals import TooManyStreams
from shared.db.pool import STORE_ERRORS
from shared.db.transfers import TransferView
from shared.errors import NotFound
from shared.models import UserId


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds the streams of one process.

    total_count: of all users together; each stream costs a small query every quarter of a second.
    life_s: then its reader comes back, with a key that is checked anew. ping_s: the longest silence.
    send_s: how long a reader may take for what is sent; shorter than the time in which a process stops.
    """

    total_count: int = 200
    life_s: float = 600.0
    ping_s: float = 15.0
    send_s: float = 5.0


STREAM_LIMITS = StreamLimits()


class FollowTransfer:
    """Follows transfers, as many at once as the limits and the count per user allow."""

    def __init__(self, *, read: ReadTransfer, per_user_count: int, limits: StreamLimits) -> None:
        self.limits = limits
        self._read = read
        self._per_user_count = per_user_count
        self._open: Counter[UserId] = Counter()

    @contextlib.contextmanager
    def seat(self, user_id: UserId) -> Iterator[None]:
        """Count a stream while it is open. Raises TooManyStreams."""
        if self._open[user_id] >= self._per_user_count:
            raise TooManyStreams(
                f"You have {self._per_user_count} event streams open here, and nobody may have more.",
                limit=self._per_user_count,
            )
        if self._open.total() >= self.limits.total_count:
            raise TooManyStreams(
                "All users of this server together have as many event streams open as it can serve.",
                limit=self.limits.total_count,
            )
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            self._open += Counter()  # forgets users without a stream

    async def looks(
        self, user_id: UserId, transfer_id: str, *, beyond: int, is_admitted: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[TransferView | None, None]:
        """Yield after each look what is newer than all before, or None where nothing is.

        Only the latest state is kept, so revisions that come between two looks are passed over. While the
        store is away nothing is newer. Ends after life_s, or after one more look when the process is about
        to leave, or where its reader is not admitted any more. Between two looks no connection to the store
        is held.
        """
        ends_s = time.monotonic() + self.limits.life_s
        while time.monotonic() < ends_s and not self._read.is_closing:
            await self._read.rest()
            try:
                if not await is_admitted():
                    return
                view = await self._look(user_id, transfer_id, beyond=beyond)
            except NotFound:
                return
            except STORE_ERRORS:
                view = None
            if view is not None:
                beyond = view.transfer.revision
            yield view

    async def _look(self, user_id: UserId, transfer_id: str, *, beyond: int) -> TransferView | None:
        if await self._read.revision(user_id, transfer_id) == beyond:
            return None
        return await self._read.view(user_id, transfer_id)

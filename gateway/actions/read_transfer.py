"""Read a user's transfers: their state now, or as soon as it changes, their items, and the list of them."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

from gateway.actions.accounts import parse_id
from shared.db import items, transfers
from shared.db.items import Item
from shared.db.pool import Pool
from shared.db.transfers import Transfer, TransferView
from shared.errors import NotFound
from shared.models import Outcome, TransferId, UserId

WAIT_LIMIT_S = 60.0
_POLL_S = 0.25
_WAITER_COUNT = 100


class ReadTransfer:
    """Reads transfers. closing: set when the process is about to leave, so that nobody waits any more."""

    def __init__(self, *, pool: Pool, closing: asyncio.Event) -> None:
        self._pool = pool
        self._closing = closing
        self._waiter_count = 0

    async def view(self, user_id: UserId, transfer_id: str) -> TransferView:
        """Raises NotFound, for a foreign transfer as for none."""
        parsed = parse_id(transfer_id)
        found = parsed and await transfers.get_with_counts(self._pool, TransferId(parsed), user_id=user_id)
        if not found:
            raise _not_found()
        return found

    async def revision(self, user_id: UserId, transfer_id: str) -> int:
        """Return the revision alone, cheaply. Raises NotFound."""
        parsed = parse_id(transfer_id)
        found = parsed and await transfers.revision(self._pool, TransferId(parsed), user_id=user_id)
        if not found:
            raise _not_found()
        return found

    async def wait(self, user_id: UserId, transfer_id: str, *, beyond: int, timeout_s: float) -> bool:
        """Wait until the revision is another one than `beyond`; False where nobody can be let wait.

        Returns after timeout_s, at most WAIT_LIMIT_S, in any case. Raises NotFound.
        """
        if self._waiter_count >= _WAITER_COUNT:
            return False
        self._waiter_count += 1
        try:
            async with asyncio.timeout(min(timeout_s, WAIT_LIMIT_S)):
                while await self.revision(user_id, transfer_id) == beyond and not self.is_closing:
                    await self.rest()
        except TimeoutError:
            pass
        finally:
            self._waiter_count -= 1
        return True

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    async def rest(self) -> None:
        """Wait until another look is worth it: a moment, or until the process is about to leave."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), _POLL_S)

    async def page(
        self, user_id: UserId, *, before: tuple[datetime, TransferId] | None, limit: int
    ) -> list[Transfer]:
        """Return the user's transfers, newest first."""
        return await transfers.page(self._pool, user_id, before=before, limit=limit)

    async def items(
        self,
        user_id: UserId,
        transfer_id: str,
        *,
        after: int,
        outcomes: Sequence[Outcome] | None,
        limit: int,
    ) -> list[Item]:
        """Return items behind position `after`, in order. Raises NotFound."""
        await self.revision(user_id, transfer_id)
        return await items.page(
            self._pool,
            TransferId(transfer_id),
            user_id=user_id,
            after=after,
            outcomes=outcomes,
            limit=limit,
        )


def _not_found() -> NotFound:
    return NotFound("You have no transfer of this id.")

"""Pause, resume, cancel or retry a transfer."""

import asyncpg
from loguru import logger

from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.wake_workers import WakeWorkers
from shared.db import control
from shared.db.control import Control
from shared.db.pool import Pool
from shared.errors import StateConflict
from shared.lifecycle import State
from shared.models import TransferId, UserId

# A wish that the state has fulfilled already is no mistake.
_DONE = {
    Control.PAUSE: {State.PAUSED},
    Control.RESUME: {State.QUEUED, State.RUNNING},
    Control.CANCEL: {State.CANCELLED},
    Control.RETRY: {State.QUEUED, State.RUNNING},
}


class ControlTransfer:
    """Changes what a transfer does; each wish may be repeated."""

    def __init__(self, *, pool: Pool, read: ReadTransfer, wake: WakeWorkers) -> None:
        self._pool = pool
        self._read = read
        self._wake = wake

    async def __call__(self, user_id: UserId, transfer_id: str, wish: Control) -> None:
        """Raises NotFound, and StateConflict where the transfer's state makes the wish meaningless."""
        view = await self._read.view(user_id, transfer_id)
        try:
            is_changed = await control.apply(
                self._pool, TransferId(view.transfer.id), user_id=user_id, control=wish
            )
        except asyncpg.UniqueViolationError as error:
            raise StateConflict(
                "Another transfer is writing to this playlist: retry when it is done."
            ) from error
        if not is_changed:
            state = (await self._read.view(user_id, transfer_id)).transfer.state
            if state not in _DONE[wish]:
                raise StateConflict(f"A transfer that is {state} cannot be asked to {wish}.")
            return
        logger.bind(transfer_id=view.transfer.id).info(f"transfer asked to {wish}")
        await self._wake((view.transfer.source_platform, view.transfer.target_platform))

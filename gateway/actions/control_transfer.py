"""Pause, resume or cancel a transfer."""

from loguru import logger

from gateway.actions.accounts import PlatformsPort
from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.wake_workers import WakeWorkers
from shared.db import control, platform_pauses
from shared.db.control import Control
from shared.db.pool import Pool
from shared.db.transfers import Transfer
from shared.errors import CrossplayError, PlatformPaused, StateConflict
from shared.lifecycle import TERMINAL, PauseReason, State
from shared.models import UserId
from shared.summaries import paused_by_operator

# A wish that the state has fulfilled already is no mistake.
_DONE = {
    Control.PAUSE: {State.PAUSED},
    Control.RESUME: {State.QUEUED, State.RUNNING},
    Control.CANCEL: {State.CANCELLED},
}


class ControlTransfer:
    """Changes what a transfer does; each wish may be repeated."""

    def __init__(
        self, *, pool: Pool, read: ReadTransfer, platforms: PlatformsPort, wake: WakeWorkers
    ) -> None:
        self._pool = pool
        self._read = read
        self._platforms = platforms
        self._wake = wake

    async def __call__(self, user_id: UserId, transfer_id: str, wish: Control) -> None:
        """Raises NotFound, PlatformPaused, and StateConflict where its state makes the wish meaningless."""
        view = await self._read.view(user_id, transfer_id)
        if not await control.apply(self._pool, view.transfer.id, user_id=user_id, control=wish):
            transfer = (await self._read.view(user_id, transfer_id)).transfer
            if not _is_done(transfer, wish):
                raise self._refusal(transfer, wish)
            return
        await platform_pauses.settle(self._pool)
        logger.bind(transfer_id=view.transfer.id, wish=wish).info("Transfer controlled")
        await self._wake((view.transfer.source_platform, view.transfer.target_platform))

    def _refusal(self, transfer: Transfer, wish: Control) -> CrossplayError:
        if wish is Control.RESUME and transfer.pause_reason is PauseReason.OPERATOR:
            return PlatformPaused(f"{paused_by_operator(transfer, label=self._platforms.label)}.")
        return StateConflict(
            f"A transfer that is {transfer.state} cannot be asked to {wish}.", state=transfer.state
        )


def _is_done(transfer: Transfer, wish: Control) -> bool:
    if wish is Control.CANCEL and transfer.is_cancelling and transfer.state not in TERMINAL:
        return True
    return transfer.state in _DONE[wish]

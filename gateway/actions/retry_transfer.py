"""Try again what a transfer has not moved, or let one that has failed go on."""

from loguru import logger

from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.wake_workers import WakeWorkers
from shared.db import platform_pauses, retries
from shared.db.pool import Pool
from shared.db.retries import RetryScope
from shared.models import UserId


class RetryTransfer:
    """Starts retries; each wish may be repeated."""

    def __init__(self, *, pool: Pool, read: ReadTransfer, wake: WakeWorkers) -> None:
        self._pool = pool
        self._read = read
        self._wake = wake

    async def __call__(self, user_id: UserId, transfer_id: str, scope: RetryScope | None) -> None:
        """Raises NotFound, and StateConflict as retries.retry does."""
        transfer = (await self._read.view(user_id, transfer_id)).transfer
        if not await retries.retry(self._pool, transfer.id, user_id=user_id, scope=scope):
            return
        await platform_pauses.settle(self._pool)
        logger.bind(transfer_id=transfer.id, scope=scope).info("Transfer retried")
        await self._wake((transfer.source_platform, transfer.target_platform))

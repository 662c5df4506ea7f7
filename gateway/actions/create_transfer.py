"""Start a transfer: check now what can be checked, store it with its first job, wake a worker."""

import uuid

from loguru import logger
from opentelemetry import trace as trace_api

from gateway.actions.check_transfer import Checked, CheckTransfer, Wish
from gateway.actions.wake_workers import WakeWorkers
from shared import spans
from shared.db import platform_pauses, transfers
from shared.db.pool import Pool
from shared.db.transfers import NewTransfer, Transfer
from shared.errors import IdempotencyKeyReused
from shared.meters import meters
from shared.models import TransferId, UserId
from shared.platforms.collections import collection_of


class CreateTransfer:
    """Makes transfers."""

    def __init__(self, *, pool: Pool, check: CheckTransfer, wake: WakeWorkers) -> None:
        self._pool = pool
        self._check = check
        self._wake = wake

    async def __call__(
        self, user_id: UserId, wish: Wish, *, idempotency_key: str | None, trace: dict[str, str]
    ) -> tuple[TransferId, bool]:
        """Return the transfer and whether it is an earlier one of the same key.

        Raises IdempotencyKeyReused, and what CheckTransfer raises.
        """
        if idempotency_key is not None:
            earlier = await transfers.find_by_key(self._pool, user_id, idempotency_key=idempotency_key)
            if earlier:
                return _replay(earlier, wish=wish)
        checked = await self._check(user_id, wish)
        new = _new(user_id, wish, checked=checked, idempotency_key=idempotency_key, trace=trace)
        transfer, is_new = await transfers.insert(self._pool, new)
        if not is_new:  # a request at the same time was faster
            return _replay(transfer, wish=wish)
        trace_api.get_current_span().set_attributes(spans.of_transfer(transfer))
        logger.bind(transfer_id=transfer.id, user_id=user_id).info("Transfer created")
        for warning in new.warnings:
            meters.warned(warning["code"])
        await platform_pauses.settle(self._pool)  # so that it says at once what it waits for
        await self._wake((transfer.source_platform,))
        return transfer.id, False


def _replay(earlier: Transfer, *, wish: Wish) -> tuple[TransferId, bool]:
    if earlier.request_sha256 != wish.digest():
        raise IdempotencyKeyReused("This Idempotency-Key has been used with another body before.")
    return earlier.id, True


def _new(
    user_id: UserId,
    wish: Wish,
    *,
    checked: Checked,
    idempotency_key: str | None,
    trace: dict[str, str],
) -> NewTransfer:
    source, target, existing = checked.source, checked.target, checked.target_playlist
    return NewTransfer(
        id=TransferId(str(uuid.uuid4())),
        user_id=user_id,
        idempotency_key=idempotency_key,
        request_sha256=wish.digest(),
        source_connection_id=source.connection.id if source.connection else None,
        source_market=None if source.connection else source.market,
        source_platform=source.platform,
        source_playlist_id=source.playlist.id,
        source_name=source.playlist.name,
        target_connection_id=target.id,
        target_platform=target.platform,
        target_playlist_id=existing.id if existing else None,
        target_name=checked.target_name,
        target_url=existing.url if existing else None,
        policy=wish.policy,
        explicit=wish.explicit,
        on_duplicate="skip" if existing and collection_of(existing.id) else wish.on_duplicate,
        warnings=checked.warnings,
        trace=trace,
    )

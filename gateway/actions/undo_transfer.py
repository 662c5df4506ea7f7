"""Undo a transfer: a transfer of its own removes what that one has added."""

import uuid

from loguru import logger
from opentelemetry import trace as trace_api

from gateway.actions.accounts import PlatformsPort
from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.refusals import UndoNotSupported
from gateway.actions.wake_workers import WakeWorkers
from shared import spans
from shared.db import platform_pauses, undos
from shared.db.pool import Pool
from shared.db.transfers import Transfer
from shared.models import TransferId, UserId


class UndoTransfer:
    """Starts undos; the wish may be repeated."""

    def __init__(
        self, *, pool: Pool, read: ReadTransfer, platforms: PlatformsPort, wake: WakeWorkers
    ) -> None:
        self._pool = pool
        self._read = read
        self._platforms = platforms
        self._wake = wake

    async def __call__(
        self, user_id: UserId, transfer_id: str, *, trace: dict[str, str]
    ) -> tuple[TransferId, bool]:
        """Return the undo and whether it had been started before.

        Raises NotFound, UndoNotSupported, and StateConflict where there is nothing to undo, or not yet.
        """
        transfer = (await self._read.view(user_id, transfer_id)).transfer
        can = self._platforms.capabilities(transfer.target_platform)
        if not can.of_target(transfer.target_playlist_id).can_remove:
            raise self._by_hand(transfer)
        undo, is_new = await undos.begin(
            self._pool, transfer.id, user_id=user_id, new_id=TransferId(str(uuid.uuid4())), trace=trace
        )
        if is_new:
            trace_api.get_current_span().set_attributes(spans.of_transfer(undo))
            logger.bind(transfer_id=transfer.id, undo_id=undo.id).info("Undo created")
            await platform_pauses.settle(self._pool)
            await self._wake((undo.target_platform,))
        return undo.id, not is_new

    def _by_hand(self, transfer: Transfer) -> UndoNotSupported:
        label, name = self._platforms.label(transfer.target_platform), transfer.target_name
        cure = f"delete “{name}”" if transfer.target_is_new else f"remove them from “{name}”"
        return UndoNotSupported(
            f"{label} lets no other app remove tracks: {cure} in its own app.",
            playlist_id=transfer.target_playlist_id,
            url=transfer.target_url,
        )

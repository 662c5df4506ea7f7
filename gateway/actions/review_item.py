"""Decide about one item of a transfer as its user wants it, whatever matching has said."""

import msgspec
from loguru import logger

from gateway.actions.accounts import AccountRef, Accounts
from gateway.actions.find_track import FindTrack
from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.wake_workers import WakeWorkers
from shared.db import platform_pauses, reviews
from shared.db.items import Item
from shared.db.pool import Pool
from shared.db.reviews import Choice
from shared.db.transfers import Transfer
from shared.errors import FieldFault, NotFound, ValidationFailed
from shared.models import Candidate, TransferId, UserId
from shared.platforms.collections import collection_of

_MOST_DIGITS = 9  # of a position; more do not fit into the column


class ReviewWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of an item: a candidate by its number from 1, else a track, else it is left out."""

    candidate: int | None = None
    track: str | None = None
    is_remembered: bool = False


class ReviewItem:
    """Stores decisions; each may be repeated."""

    def __init__(
        self,
        *,
        pool: Pool,
        accounts: Accounts,
        find_track: FindTrack,
        read: ReadTransfer,
        wake: WakeWorkers,
    ) -> None:
        self._pool = pool
        self._accounts = accounts
        self._find_track = find_track
        self._read = read
        self._wake = wake

    async def __call__(self, user_id: UserId, transfer_id: str, *, position: str, wish: ReviewWish) -> Item:
        """Settle an item and return it; a completed transfer goes on where it gets a track by that.

        Raises NotFound, ValidationFailed, StateConflict where it comes too late, what Accounts.find raises,
        and what the platform's calls raise.
        """
        transfer = (await self._read.view(user_id, transfer_id)).transfer
        item = await self._item(transfer, position)
        _check_kind(transfer, wish)
        choice = await self._choice(transfer, item, wish)
        if choice.is_remembered and item.source.track is None:
            fault = FieldFault("/remember", "Leave it out: the source does not say which track this is.")
            raise ValidationFailed("This cannot be remembered.", faults=(fault,))
        goes_on = await reviews.decide(
            self._pool, transfer.id, user_id=user_id, position=item.position, choice=choice
        )
        logger.bind(transfer_id=transfer.id, goes_on=goes_on).info("Item decided")
        if goes_on:
            await platform_pauses.settle(self._pool)
            await self._wake((transfer.target_platform,))
        return await self._item(transfer, position)

    async def _item(self, transfer: Transfer, position: str) -> Item:
        is_number = position.isascii() and position.isdigit() and len(position) <= _MOST_DIGITS
        found = is_number and await reviews.get(
            self._pool, TransferId(transfer.id), user_id=transfer.user_id, position=int(position)
        )
        if not found:
            raise NotFound("This transfer has no track at this position.")
        return found

    async def _choice(self, transfer: Transfer, item: Item, wish: ReviewWish) -> Choice:
        if wish.candidate is not None:
            candidate = _candidate(item, wish.candidate)
            return Choice(
                target=candidate.track,
                score=candidate.score,
                evidence=candidate.evidence,
                is_remembered=wish.is_remembered,
            )
        target = None
        if wish.track is not None:
            ref = AccountRef(connection_id=transfer.target_connection_id)
            connection = await self._accounts.find(transfer.user_id, ref)
            target = await self._find_track(connection, wish.track, pointer="/track")
        return Choice(target=target, is_remembered=wish.is_remembered)


def _check_kind(transfer: Transfer, wish: ReviewWish) -> None:
    """Check that nobody names a track for an album, or wants its choice remembered as that of a track."""
    collection = collection_of(transfer.source_playlist_id)
    if collection is None or collection.holds_tracks:
        return
    if wish.track is not None:
        fault = FieldFault("/track", f"Choose one of `alternatives` by its number: these are {collection}.")
        raise ValidationFailed("Only tracks can be named.", faults=(fault,))
    if wish.is_remembered:
        fault = FieldFault(
            "/remember", f"Leave it out: only choices of tracks are kept, these are {collection}."
        )
        raise ValidationFailed("This cannot be remembered.", faults=(fault,))


def _candidate(item: Item, number: int) -> Candidate:
    count = len(item.alternatives)
    if number <= count:
        return item.alternatives[number - 1]
    cure = f"Choose 1 to {count} of `alternatives`." if count else "There are none: name one by `track`."
    raise ValidationFailed("There is no such candidate.", faults=(FieldFault("/candidate", cure),))

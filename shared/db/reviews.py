"""Decisions of a user about single items, in one transaction with what follows from them."""

import asyncpg
import msgspec

from shared.db import match_rules, transfers
from shared.db.items import Item
from shared.db.items import from_row as item_from_row
from shared.db.pool import Connection, Pool
from shared.db.transfers import Transfer
from shared.errors import NotFound, StateConflict
from shared.lifecycle import State
from shared.models import MATCHED, Evidence, Outcome, Track, TransferId, UserId

PRESENT_REASON = "The target playlist already has it."


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a user wants for an item. target: the track to be added, None to leave the item out.

    score, evidence: of a candidate that was chosen. is_remembered: it is to be a rule, too.
    """

    target: Track | None
    score: float | None = None
    evidence: Evidence | None = None
    is_remembered: bool = False

    @property
    def outcome(self) -> Outcome:
        return Outcome.SKIPPED_BY_USER if self.target is None else Outcome.CHOSEN_BY_USER


DECIDABLE = frozenset(
    {
        Outcome.REVIEW,
        Outcome.NO_CANDIDATE,
        Outcome.ONLY_OTHER_VERSION,
        Outcome.NOT_TRANSFERABLE,
        Outcome.SKIPPED_BY_USER,
        Outcome.FAILED,
    }
)
"""What no worker touches any more. Matched items may be on their way to the platform."""

GET = """
SELECT items.* FROM items JOIN transfers ON transfers.id = items.transfer_id
WHERE items.transfer_id = $1 AND transfers.user_id = $2 AND position = $3
"""
LOCK_ITEM = "SELECT * FROM items WHERE transfer_id = $1 AND position = $2 FOR UPDATE"
# Each row that stood there before counts for one of ours, as when the target was first read.
IS_PRESENT = """
SELECT coalesce((SELECT times FROM target_base_tracks WHERE transfer_id = $1 AND track_id = $2), 0) > (
    SELECT count(*) FROM items
    WHERE transfer_id = $1 AND target_track_id = $2 AND outcome = 'already_present')
"""
# Behind REOPEN, so that the item belongs to the opening that it has caused.
SETTLE = """
UPDATE items SET outcome = $3, reason = $4, score = $5, target = $6, target_track_id = $7, evidence = $8,
       is_users_choice = $7::text IS NOT NULL,
       reopened_at = (SELECT reopened_at FROM transfers WHERE id = $1)
WHERE transfer_id = $1 AND position = $2
"""
REVISE = "UPDATE transfers SET revision = revision + 1 WHERE id = $1"
REOPEN = """
UPDATE transfers SET state = 'running', phase = 'write', finished_at = NULL, is_target_claimed = true,
       repair_count = 0, reopened_at = now(), retry_scope = NULL, revision = revision + 1
WHERE id = $1
"""
WRITE_JOB = """
INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch)
SELECT gen_random_uuid(), id, user_id, target_platform, 'write',
       (SELECT coalesce(max(batch), -1) + 1 FROM jobs WHERE transfer_id = $1 AND phase = 'write')
FROM transfers WHERE id = $1
"""


async def get(pool: Pool, transfer_id: TransferId, *, user_id: UserId, position: int) -> Item | None:
    """Return an item of a user's transfer; None if there is none at this position."""
    row = await pool.fetchrow(GET, transfer_id, user_id, position)
    return item_from_row(row) if row else None


async def decide(
    pool: Pool, transfer_id: TransferId, *, user_id: UserId, position: int, choice: Choice
) -> bool:
    """Settle an item as its user wants it; return whether a completed transfer goes on for it.

    A decision that holds already changes nothing. Raises NotFound, and StateConflict where it comes too late.
    """
    async with pool.acquire() as connection, connection.transaction():
        transfer = await transfers.lock(connection, transfer_id, user_id=user_id)
        item_row = transfer and await connection.fetchrow(LOCK_ITEM, transfer_id, position)
        if transfer is None or not item_row:
            raise NotFound("This transfer has no track at this position.")
        item = item_from_row(item_row)
        if choice.is_remembered and item.source.track is not None:
            await match_rules.put(
                connection,
                user_id,
                source=item.source.track,
                target_platform=transfer.target_platform,
                target=choice.target,
            )
        if _holds(item, choice):
            return False
        _check(transfer, item)
        return await _settle(connection, transfer, item, choice=choice)


async def _settle(connection: Connection, transfer: Transfer, item: Item, *, choice: Choice) -> bool:
    outcome, reason = choice.outcome, "You chose this track." if choice.target else "You left it out."
    about = choice if choice.target else item  # what was found out about an item that is left out stays
    if choice.target is not None and await _is_present(connection, transfer, choice.target):
        outcome, reason = Outcome.ALREADY_PRESENT, PRESENT_REASON
    goes_on = transfer.state is State.COMPLETED and outcome is Outcome.CHOSEN_BY_USER
    if goes_on:
        await _reopen(connection, transfer)
    else:
        await connection.execute(REVISE, transfer.id)
    await connection.execute(
        SETTLE,
        transfer.id,
        item.position,
        outcome,
        reason,
        about.score,
        None if choice.target is None else msgspec.to_builtins(choice.target),
        None if choice.target is None else choice.target.id,
        None if about.evidence is None else msgspec.to_builtins(about.evidence),
    )
    return goes_on


async def _reopen(connection: Connection, transfer: Transfer) -> None:
    try:
        await connection.execute(REOPEN, transfer.id)
    except asyncpg.UniqueViolationError as error:
        raise StateConflict(
            "Another transfer is writing to this playlist: decide when it is done."
        ) from error
    await connection.execute(WRITE_JOB, transfer.id)


async def _is_present(connection: Connection, transfer: Transfer, target: Track) -> bool:
    if transfer.on_duplicate != "skip" or transfer.target_count is None:
        return False
    return bool(await connection.fetchval(IS_PRESENT, transfer.id, target.id))


def _holds(item: Item, choice: Choice) -> bool:
    if choice.target is None:
        return item.outcome is Outcome.SKIPPED_BY_USER
    is_same = item.target is not None and item.target.id == choice.target.id
    return is_same and item.outcome in MATCHED | {Outcome.ALREADY_PRESENT}


def _check(transfer: Transfer, item: Item) -> None:
    """Raise StateConflict where a decision would come too late, or too early."""
    later = "For transfers to come, make a rule with PUT /rules."
    if transfer.undoes is not None:
        raise StateConflict("An undo adds no tracks: decide it in the transfer that it undoes.")
    if transfer.undone_by is not None:
        raise StateConflict(f"This transfer has been undone: start a new one. {later}")
    if transfer.is_cancelling or transfer.state is State.CANCELLED:
        raise StateConflict(f"This transfer was cancelled: start a new one. {later}")
    if item.outcome in (Outcome.PENDING, Outcome.DEFERRED):
        raise StateConflict(
            "This track has not been looked up yet: decide it when it is, or make a rule now."
        )
    if item.outcome not in DECIDABLE:
        raise StateConflict(f"This track is {item.outcome} already, and what is matched stays. {later}")

"""What was not moved is tried again: a completed transfer is opened for it, a failed one goes on."""

from enum import StrEnum

import asyncpg

from shared.db import control, transfers
from shared.db.control import Control
from shared.db.pool import Connection, Pool, execute_long
from shared.db.transfers import Transfer
from shared.errors import NotFound, StateConflict
from shared.lifecycle import TERMINAL, State
from shared.models import Outcome, TransferId, UserId


class RetryScope(StrEnum):
    """What is to be tried again: look-ups that wait (deferred), else items of a completed transfer."""

    DEFERRED = "deferred"
    UNMATCHED = "unmatched"
    FAILED = "failed"
    ALL = "all"


_UNMATCHED = (Outcome.NO_CANDIDATE, Outcome.ONLY_OTHER_VERSION)
_OUTCOMES = {
    RetryScope.UNMATCHED: _UNMATCHED,
    RetryScope.FAILED: (Outcome.FAILED,),
    RetryScope.ALL: (*_UNMATCHED, Outcome.FAILED),
}
_WORDS = {
    RetryScope.UNMATCHED: "none of its tracks is without a match",
    RetryScope.FAILED: "none of its tracks has failed",
    RetryScope.ALL: "none of its tracks is without a match or has failed",
}

# What its user has named stays named. What has no track of its own cannot be looked up. What the market did
# not play it may play by now.
CHOOSE = """
UPDATE items SET outcome = 'pending', reason = '', reopened_at = now(),
       target = CASE WHEN is_users_choice THEN target END,
       target_track_id = CASE WHEN is_users_choice THEN target_track_id END
WHERE transfer_id = $1 AND NOT is_written
      AND (outcome = ANY($2)
           OR outcome = 'not_transferable' AND reason = 'region' AND 'no_candidate' = ANY($2))
      AND (source ? 'track' OR is_users_choice)
"""
# The jobs that had matched them do it once more, as other jobs: whoever did the old ones is fenced. Each
# looks into its own range: EXISTS may be joined with all pending items, which takes 20 s for 100,000.
REOPEN_JOBS = """
UPDATE jobs SET state = 'open', epoch = epoch + 1, attempt = 0, failure_count = 0, run_at = now(),
       queued_at = NULL, finished_at = NULL, last_error = NULL
WHERE transfer_id = $1 AND phase = 'match' AND state = 'done'
      AND (
          SELECT true FROM items
          WHERE items.transfer_id = $1 AND items.position BETWEEN first_position AND last_position
                AND items.outcome = 'pending'
          LIMIT 1)
"""
REOPEN = """
UPDATE transfers SET state = 'running', phase = 'match', finished_at = NULL, is_target_claimed = true,
       repair_count = 0, reopened_at = now(), retry_scope = $2, revision = revision + 1
WHERE id = $1
"""
NOTE = "UPDATE transfers SET retry_scope = $2 WHERE id = $1"
# The look-up that comes of it costs no attempt: it is not the job's own wish.
HURRY = """
UPDATE jobs SET run_at = now(), attempt = greatest(0, attempt - 1)
WHERE transfer_id = $1 AND phase = 'match' AND state = 'open' AND run_at > now()
"""
IS_DEFERRED = """
SELECT EXISTS (
    SELECT FROM item_counts WHERE transfer_id = $1 AND outcome = 'deferred' AND item_count > 0)
"""


async def retry(pool: Pool, transfer_id: TransferId, *, user_id: UserId, scope: RetryScope | None) -> bool:
    """Do what a user's wish means in the state of the transfer; return whether something is new by that.

    scope: None for whatever is meant: a failed transfer as a whole, all items of a completed one. The same
    wish again, while it is being done, changes nothing. Raises NotFound, and StateConflict where the wish
    means nothing, or another transfer is writing to the playlist.
    """
    async with pool.acquire() as connection, connection.transaction():
        transfer = await transfers.lock(connection, transfer_id, user_id=user_id)
        if transfer is None:
            raise NotFound("You have no transfer of this id.")
        _check(transfer, scope)
        try:
            return await _apply(connection, transfer, scope)
        except asyncpg.UniqueViolationError as error:
            raise StateConflict(
                "Another transfer is writing to this playlist: retry when it is done.", state=transfer.state
            ) from error


async def _apply(connection: Connection, transfer: Transfer, scope: RetryScope | None) -> bool:
    if scope is RetryScope.DEFERRED:
        return await _hurry(connection, transfer)
    if transfer.state is State.COMPLETED:
        await _reopen(connection, transfer, scope or RetryScope.ALL)
        return True
    if transfer.state is State.FAILED:
        await connection.execute(NOTE, transfer.id, scope or RetryScope.FAILED)
        return await control.change(connection, transfer.id, user_id=transfer.user_id, control=Control.RETRY)
    return False


async def _hurry(connection: Connection, transfer: Transfer) -> bool:
    """Let look-ups that wait run now. Their budget decides whether they may; a pause keeps them."""
    if await execute_long(connection, HURRY, transfer.id):
        return True
    if not await connection.fetchval(IS_DEFERRED, transfer.id):
        raise StateConflict("No look-up of this transfer waits.", state=transfer.state)
    return False


async def _reopen(connection: Connection, transfer: Transfer, scope: RetryScope) -> None:
    outcomes = list(_OUTCOMES[scope])
    if not await execute_long(connection, CHOOSE, transfer.id, outcomes):
        raise StateConflict(
            f"This transfer is {transfer.state}, and there is nothing to retry: {_WORDS[scope]}.",
            state=transfer.state,
        )
    await execute_long(connection, REOPEN_JOBS, transfer.id)
    await connection.execute(REOPEN, transfer.id, scope)


def _check(transfer: Transfer, scope: RetryScope | None) -> None:
    """Raise StateConflict where the wish means nothing for the transfer."""
    refusal = _refusal_of_kind(transfer, scope) or _refusal_of_state(transfer, scope)
    if refusal is not None:
        raise StateConflict(refusal, state=transfer.state)


def _refusal_of_kind(transfer: Transfer, scope: RetryScope | None) -> str | None:
    if transfer.undone_by is not None:
        return "This transfer has been undone: start a new one."
    if transfer.is_cancelling or transfer.state is State.CANCELLED:
        return "This transfer was cancelled: start a new one."
    if transfer.undoes is None:
        return None
    if transfer.state is State.COMPLETED:
        return "This undo is completed: what it could not remove has to be removed by hand."
    return None if scope is None else "An undo goes on as a whole: leave `scope` out."


def _refusal_of_state(transfer: Transfer, scope: RetryScope | None) -> str | None:
    state = transfer.state
    if state in TERMINAL:
        if scope is RetryScope.DEFERRED:
            return f"This transfer is {state}: no look-up of it waits."
        if state is State.FAILED and scope is RetryScope.UNMATCHED:
            return (
                "This transfer has failed: let it go on first (leave `scope` out), then retry the unmatched."
            )
        return None
    if scope is RetryScope.DEFERRED or _is_under_way(transfer, scope):
        return None
    if state is State.PAUSED:
        return "This transfer is paused: let it end first, then retry what is left."
    return f"This transfer is {state}: retry what is left when it has ended."


def _is_under_way(transfer: Transfer, scope: RetryScope | None) -> bool:
    """Say whether an open transfer is doing already what is wished."""
    if scope is None:
        return transfer.state is not State.PAUSED or transfer.retry_scope is not None
    return transfer.retry_scope == scope

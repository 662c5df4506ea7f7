"""What a user may do to a running transfer: pause, resume, cancel, and retry one that has failed."""

from enum import StrEnum

from shared.db.pool import Connection, Pool, execute_long
from shared.models import TransferId, UserId


class Control(StrEnum):
    """A user's wish."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"


# Jobs under way go on to their checkpoint; nothing new starts, because only running transfers are given out.
PAUSE = """
UPDATE transfers SET state = 'paused', pause_reason = 'user', pause_platform = NULL, resume_at = NULL,
       revision = revision + 1
WHERE id = $1 AND user_id = $2 AND NOT is_cancelling
      AND (state IN ('queued', 'running') OR (state = 'paused' AND pause_reason IS DISTINCT FROM 'user'))
RETURNING true
"""
RESUME = """
UPDATE transfers SET state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END,
       pause_reason = NULL, pause_platform = NULL, resume_at = NULL, revision = revision + 1
WHERE id = $1 AND user_id = $2 AND state = 'paused' AND pause_reason IS DISTINCT FROM 'operator'
RETURNING true
"""
# A worker winds up: only it can find out what a write did that is under way.
CANCEL = """
UPDATE transfers SET is_cancelling = true, state = 'running', pause_reason = NULL, pause_platform = NULL,
       resume_at = NULL, revision = revision + 1
WHERE id = $1 AND user_id = $2 AND state IN ('queued', 'running', 'paused') AND NOT is_cancelling
RETURNING true
"""
HURRY = "UPDATE jobs SET run_at = now() WHERE transfer_id = $1 AND state = 'open' AND run_at > now()"
RETRY = """
UPDATE transfers SET state = 'running', error_code = NULL, error_text = NULL, finished_at = NULL,
       is_target_claimed = target_count IS NOT NULL, revision = revision + 1
WHERE id = $1 AND user_id = $2 AND state = 'failed' AND undone_by IS NULL RETURNING true
"""
REVIVE_ITEMS = """
UPDATE items SET outcome = 'pending', reason = ''
WHERE transfer_id = $1 AND outcome = 'failed' AND NOT is_written
      AND (
          EXISTS (SELECT FROM transfers WHERE id = $1 AND undoes IS NOT NULL)
          OR (target IS NULL OR is_users_choice) AND position IN (
              SELECT generate_series(first_position, last_position) FROM jobs
              WHERE jobs.transfer_id = $1 AND phase = 'match' AND jobs.state IN ('open', 'dead')
          )
      )
"""
REVIVE_JOBS = """
UPDATE jobs SET state = 'open', attempt = 0, run_at = now(), finished_at = NULL, queued_at = NULL
WHERE transfer_id = $1 AND state = 'dead'
"""

_CHANGES = {Control.PAUSE: PAUSE, Control.RESUME: RESUME, Control.CANCEL: CANCEL, Control.RETRY: RETRY}
_AFTERWARDS = {Control.CANCEL: (HURRY,), Control.RETRY: (REVIVE_ITEMS, REVIVE_JOBS)}


async def apply(pool: Pool, transfer_id: TransferId, *, user_id: UserId, control: Control) -> bool:
    """Change a transfer's state; False where its state does not allow that, or the user has no such one.

    Raises asyncpg.UniqueViolationError for a retry whose target another transfer is writing to.
    """
    async with pool.acquire() as connection, connection.transaction():
        return await change(connection, transfer_id, user_id=user_id, control=control)


async def change(
    connection: Connection, transfer_id: TransferId, *, user_id: UserId, control: Control
) -> bool:
    """Do the same inside a transaction."""
    if not await connection.fetchval(_CHANGES[control], transfer_id, user_id):
        return False
    for sql in _AFTERWARDS.get(control, ()):
        await execute_long(connection, sql, transfer_id)
    return True

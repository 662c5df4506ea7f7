"""Dead letters: jobs that were given up, each with the error that ended it; their transfers have failed."""

from datetime import datetime

import msgspec

from shared.db import control
from shared.db.control import Control
from shared.db.pool import Pool
from shared.lifecycle import Phase
from shared.models import Platform, TransferId, UserId


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A job that was given up. code: the problem's; last_error: the last attempt's, in words."""

    transfer_id: TransferId
    platform: Platform
    phase: Phase
    batch: int
    attempt: int
    code: str
    last_error: str
    finished_at: datetime


LIST = """
SELECT jobs.transfer_id::text, jobs.platform, jobs.phase, jobs.batch, jobs.attempt,
       coalesce(transfers.error_code, '') AS code, coalesce(jobs.last_error, '') AS last_error,
       jobs.finished_at
FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
WHERE jobs.state = 'dead' AND transfers.state = 'failed'
ORDER BY jobs.finished_at DESC, jobs.id LIMIT $1
"""
OWNER = "SELECT user_id FROM transfers WHERE id = $1"


async def latest(pool: Pool, *, limit: int) -> list[DeadLetter]:
    return [msgspec.convert(dict(row), DeadLetter) for row in await pool.fetch(LIST, limit)]


async def revive(pool: Pool, transfer_id: TransferId) -> bool:
    """Let a failed transfer try again, as its user could; False where it has not failed, or was undone.

    Raises asyncpg.UniqueViolationError as control.apply does.
    """
    user_id = await pool.fetchval(OWNER, transfer_id)
    if user_id is None:
        return False
    return await control.apply(pool, transfer_id, user_id=UserId(str(user_id)), control=Control.RETRY)

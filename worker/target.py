"""What every writer to a target does: claims it for itself, drops an intent that came to nothing, goes on."""

import asyncpg

from shared.db import intents, jobs
from shared.errors import RateLimited, Remedy
from worker.context import Context

CLAIM_WAIT_S = 5.0

CLAIM = "UPDATE transfers SET is_target_claimed = true WHERE id = $1"


def is_full(context: Context) -> bool:
    """Say whether the playlist takes no more tracks."""
    limit = context.capabilities.playlist_limit
    return limit is not None and (context.transfer.target_count or 0) >= limit


async def claim(context: Context) -> bool:
    """Become the playlist's one writer; False while another transfer is. May be repeated."""
    try:
        async with jobs.fenced(context.pool, context.job) as connection:
            await connection.execute(CLAIM, context.transfer.id)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def withdraw_if_refused(context: Context, error: Exception) -> None:
    """Drop the intent after an answer that promises that nothing was done."""
    if isinstance(error, RateLimited) or getattr(error, "remedy", None) is Remedy.USER:
        await intents.withdraw(context.pool, context.job)


def grown(context: Context, track_count: int, *, limit: int) -> int | None:
    """Return twice a batch limit that has proved itself; None where it is the platform's own again."""
    if context.job.batch_limit is None or 2 * track_count >= limit:
        return None
    return 2 * track_count

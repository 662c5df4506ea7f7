"""The rows are the outbox: what is runnable and not queued becomes stream entries, fairly, again if lost."""

from shared.db import jobs, workers
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import STORE_ERRORS, Streams

LOST_AFTER_S = 3.0  # an entry that is not in the stream by then was lost with it
_MIN_WINDOW = 8


async def dispatch(pool: Pool, streams: Streams, platform: Platform) -> int:
    """Queue runnable jobs of a platform, up to twice the fleet's slots; return how many.

    Raises streams.STORE_ERRORS where Redis is away; the jobs are runnable again then.
    """
    _, slot_count = await workers.alive(pool)
    chosen = await jobs.choose(pool, platform, window=max(_MIN_WINDOW, 2 * slot_count))
    if chosen:
        try:
            await streams.add(platform, chosen)
        except STORE_ERRORS:
            await jobs.unqueue(pool, [job.job_id for job in chosen])
            raise
    return len(chosen)


async def rescue(pool: Pool, streams: Streams, platform: Platform) -> int:
    """Let jobs be queued again whose entry is gone from the stream; return how many."""
    stale = await jobs.stale(pool, platform, queued_for_s=LOST_AFTER_S)
    lost = stale - await streams.queued_jobs(platform) if stale else set()
    if lost:
        await jobs.unqueue(pool, sorted(lost))
    return len(lost)

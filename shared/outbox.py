"""The rows are the outbox: what is runnable and not queued becomes stream entries, fairly, again if lost."""

from shared import sending
from shared.db import jobs, workers
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import STORE_ERRORS, Streams

LOST_AFTER_S = 3.0  # an entry that is not in the stream by then was lost with it
USER_SHARE = 0.75  # of the fleet's slots: the rest is free for whoever comes next
_MIN_WINDOW = 8  # while no worker is known
_MIN_RESERVE = 2


async def dispatch(pool: Pool, streams: Streams, platform: Platform) -> int:
    """Queue runnable jobs of a platform for the fleet's free slots and a few more; return how many.

    A longer queue would serve nobody sooner and keep a small transfer waiting behind a giant's jobs; for
    the same reason one user never has all slots.

    Raises streams.STORE_ERRORS where Redis is away; the jobs are runnable again then.
    """
    _, slot_count = await workers.alive(pool)
    window = max(_MIN_WINDOW, slot_count + max(_MIN_RESERVE, slot_count // 8))
    chosen = await jobs.choose(
        pool, platform, window=window, user_cap=max(1, int(max(_MIN_WINDOW, slot_count) * USER_SHARE))
    )
    if chosen:
        try:
            await sending.send(pool, streams, platform, chosen=chosen)
        except STORE_ERRORS:
            await jobs.unqueue(pool, [job.id for job in chosen])
            raise
    return len(chosen)


async def rescue(pool: Pool, streams: Streams, platform: Platform) -> int:
    """Let jobs be queued again whose entry is gone from the stream; return how many."""
    stale = await jobs.stale(pool, platform, queued_for_s=LOST_AFTER_S)
    lost = stale - await streams.queued_jobs(platform) if stale else set()
    if lost:
        await jobs.unqueue(pool, sorted(lost))
    return len(lost)

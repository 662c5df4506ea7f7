"""Stores what becomes of a job that stopped, fenced like any checkpoint. Knows no music."""

from shared.db import jobs
from shared.db.jobs import Job
from shared.db.pool import Pool, execute_long
from worker.retry import Discard, Pause, Retry, Snooze, Verdict

PARKED = "rate_limited"
PAUSE = """
UPDATE transfers SET state = 'paused', pause_reason = $2, pause_platform = $3, revision = revision + 1,
       resume_at = CASE WHEN $4::float8 IS NULL THEN NULL
                        ELSE greatest(resume_at, clock_timestamp() + make_interval(secs => $4)) END
WHERE id = $1 AND (state IN ('queued', 'running') OR (state = 'paused' AND pause_reason = 'rate_limited'))
"""
FAIL = """
UPDATE transfers SET state = 'failed', error_code = $2, error_text = $3, finished_at = now(),
       is_target_claimed = false
WHERE id = $1 AND state NOT IN ('completed', 'cancelled', 'failed')
RETURNING extract(epoch FROM now() - coalesce(reopened_at, created_at))::float8
"""
FAIL_ITEMS = """
UPDATE items SET outcome = 'failed', reason = $2
WHERE transfer_id = $1 AND NOT is_written AND outcome IN ('pending', 'deferred')
"""


async def store(pool: Pool, job: Job, *, verdict: Verdict, error: str) -> float | None:
    """Release, park or bury a job. error: a sentence without secrets. Raises LeaseLost.

    Returns after how many seconds its transfer has failed; None where it has not, or had before.
    """
    failed_after_s = None
    match verdict:
        case Retry():
            await _release(pool, job, delay_s=verdict.delay_s, error=error, costs_attempt=True)
        case Snooze(is_parked=False):
            await _release(pool, job, delay_s=verdict.delay_s, error=error, costs_attempt=False)
        case Snooze():
            await _pause(pool, job, reason=PARKED, resume_in_s=verdict.delay_s, error=error)
        case Pause():
            await _pause(pool, job, reason=verdict.reason, resume_in_s=verdict.again_s, error=error)
        case Discard():
            failed_after_s = await _bury(pool, job, code=verdict.code, text=verdict.text)
    return failed_after_s


async def _release(pool: Pool, job: Job, *, delay_s: float, error: str, costs_attempt: bool) -> None:
    async with pool.acquire() as connection:
        await jobs.release(connection, job, delay_s=delay_s, error=error, costs_attempt=costs_attempt)


async def _pause(pool: Pool, job: Job, *, reason: str, resume_in_s: float | None, error: str) -> None:
    """Release a job and let its whole transfer wait: from then on the transfer's row alone holds it back."""
    async with pool.acquire() as connection, connection.transaction():
        await jobs.release(connection, job, delay_s=0, error=error, costs_attempt=False)
        await connection.execute(PAUSE, job.transfer_id, reason, job.platform, resume_in_s)


async def _bury(pool: Pool, job: Job, *, code: str, text: str) -> float | None:
    """Dead-letter a job: its transfer fails; items that were not looked up are named, matched ones kept."""
    async with jobs.checkpoint(pool, job, is_dead=True, error=text) as connection:
        failed_after_s: float | None = await connection.fetchval(FAIL, job.transfer_id, code, text)
        await execute_long(connection, FAIL_ITEMS, job.transfer_id, text)
    return failed_after_s

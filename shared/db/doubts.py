"""Targets that may hold more than their rows know of, because the rows are older: after a restore."""

from shared.db import intents, jobs
from shared.db.intents import Write
from shared.db.jobs import Job
from shared.db.pool import Pool

# Playlists behind this one may have been made and filled, too.
SETTLE = "UPDATE doubtful_targets SET part = $2 + 1 WHERE transfer_id = $1"


async def declare_add(pool: Pool, job: Job, *, write: Write, part: int) -> None:
    """Turn the doubt about a target into one open intent of all that may have been added to it meanwhile.

    Raises LeaseLost.
    """
    async with jobs.fenced(pool, job) as connection:
        await intents.declare(connection, job, kind="add", write=write, is_found=True)
        await connection.execute(SETTLE, job.transfer_id, part)

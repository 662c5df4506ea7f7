"""What the tests of retries have in common: the wish, and answers that have grown old."""

from typing import Any

import pytest

from shared.db import retries
from shared.db.retries import RetryScope
from shared.errors import PlatformRejected
from shared.models import Outcome, TransferId
from tests.integration.worker.deciding import completed
from tests.integration.worker.engine import POSITIONED, Engine, target_track

either_class = pytest.mark.parametrize("engine", [POSITIONED], ids=["positioned"], indirect=True)
"""For what does not depend on how the target is written to."""

AGE = "UPDATE lookups SET asked_at = asked_at - make_interval(secs => $1)"
LONG_AGO_S = 11 * 60.0
JUST_NOW_S = 9 * 60.0


async def retry(engine: Engine, transfer_id: TransferId, scope: RetryScope | None = None) -> bool:
    user_id = (await engine.load(transfer_id)).user_id
    return await retries.retry(engine.pool, transfer_id, user_id=user_id, scope=scope)


async def let_answers_age(engine: Engine, seconds: float = LONG_AGO_S) -> None:
    """Make the platform's answers so much older than they are."""
    await engine.pool.execute(AGE, seconds)


async def pass_time(engine: Engine, seconds: float) -> None:
    """Let time pass for answers and for the moment since which a transfer is open again."""
    await let_answers_age(engine, seconds)
    for table in ("transfers", "items"):
        await engine.pool.execute(
            f"UPDATE {table} SET reopened_at = reopened_at - make_interval(secs => $1)", seconds
        )


def look_up_count(engine: Engine) -> int:
    """Return how many calls were made to the target's catalog."""
    operations = ("find_by_isrc", "search", "search_albums", "read_album")
    return sum(engine.target.called(operation) for operation in operations)


async def aged(engine: Engine, **options: Any) -> TransferId:
    """Run a transfer that lacks its third track, which is there by now, and let time pass."""
    transfer_id = await completed(engine, **options)
    await let_answers_age(engine)
    return transfer_id


async def mixed(engine: Engine) -> TransferId:
    """Complete a transfer with an item that failed in its look-up, one without a match, and others."""
    engine.target.search_errors.append(
        PlatformRejected("Odd query.", platform="apple_music", operation="search", status=400)
    )
    transfer_id = await engine.transfer([0, 1, 2, 3, 4, 5], known=[0, 3, 4, 5])
    await engine.run_phase("read")
    await engine.run_phase("match")
    for position, outcome in ((3, "review"), (4, "skipped_by_user"), (5, "not_transferable")):
        await engine.pool.execute("UPDATE items SET outcome = $2 WHERE position = $1", position, outcome)
    await engine.run()
    assert sorted((await engine.outcomes(transfer_id))[1:3]) == [Outcome.FAILED, Outcome.NO_CANDIDATE]
    engine.target.know(target_track(1), target_track(2))
    await let_answers_age(engine)
    return transfer_id

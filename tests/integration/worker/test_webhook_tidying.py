"""What workers do for webhooks beside delivering: sign-ins that end are told, old deliveries forgotten."""

import pytest

from shared.db import webhook_queue
from shared.db.pool import Pool
from tests.integration.worker.webhooks import Hook, delivering, hook
from tests.waiting import until_answered
from worker.webhooks.deliverer import KEPT_DAYS
from worker.webhooks.verdicts import DAY_S

pytestmark = pytest.mark.integration

MOVE_END = """
UPDATE connections SET sign_in_ends_at = now() + make_interval(secs => $2) WHERE id = $1
"""
CONNECT = """
INSERT INTO connections (id, user_id, platform, label, market, sealed_tokens, authorized_at, sign_in_ends_at)
VALUES (gen_random_uuid(), $1, 'spotify', 'Mira', 'DE', 'sealed', now(), now() + make_interval(secs => $2))
RETURNING id
"""


async def test_old_deliveries_are_forgotten(pool: Pool) -> None:
    mine = await hook(pool)
    old = await mine.add()
    await pool.execute("UPDATE webhooks SET is_enabled = false")
    age = "UPDATE webhook_deliveries SET created_at = now() - make_interval(days => $1)"
    await pool.execute(age, KEPT_DAYS + 1)
    kept = await mine.add()

    async with delivering(pool):

        async def is_pruned() -> bool:
            return bool(await pool.fetchval("SELECT count(*) = 1 FROM webhook_deliveries"))

        await until_answered(is_pruned)

    assert (await mine.delivery())["id"] != old
    assert str((await mine.delivery())["id"]) == kept


@pytest.mark.parametrize("days_left", [-1, 31, 400])
async def test_an_end_of_a_sign_in_that_is_past_or_far_away_is_not_told(pool: Pool, days_left: int) -> None:
    mine = await hook(pool)
    await ending_connection(mine, pool, days_left=days_left)

    await webhook_queue.tell_expiring(pool)

    assert await mine.told() == ["connection.connected"]


async def test_an_end_of_a_sign_in_is_told_at_thirty_seven_and_one_day_once_each(pool: Pool) -> None:
    mine, stranger = await hook(pool), await hook(pool, user="somebody else")
    connection_id = await ending_connection(mine, pool, days_left=29.5)

    counts = []
    for days_left in (29.5, 10, 6.5, 2, 0.9, 0.1):
        for _ in range(2):  # the next look at the same end, which is nearer now
            await pool.execute(MOVE_END, connection_id, days_left * DAY_S)
            await webhook_queue.tell_expiring(pool)
        counts.append((await mine.told()).count("connection.expiring"))

    facts = await mine.facts("connection.expiring")
    assert counts == [1, 1, 2, 2, 3, 3]
    assert set(facts) == {"id", "platform", "label", "state", "sign_in_ends_at"}
    assert await stranger.told() == []


async def test_a_connection_that_does_not_work_is_not_told_to_expire(pool: Pool) -> None:
    mine = await hook(pool)
    connection_id = await ending_connection(mine, pool, days_left=3)
    await pool.execute("UPDATE connections SET state = 'reconnect_required' WHERE id = $1", connection_id)

    await webhook_queue.tell_expiring(pool)

    assert (await mine.told())[-1] == "connection.reconnect_required"


async def ending_connection(mine: Hook, pool: Pool, *, days_left: float) -> str:
    return str(await pool.fetchval(CONNECT, mine.user_id, days_left * DAY_S))

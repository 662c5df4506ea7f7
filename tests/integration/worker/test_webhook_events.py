"""What webhooks are told: each change once, in order, with the facts of its commit, and nobody else's."""

import asyncio

import pytest

from shared.db import connections, control, items, platform_pauses
from shared.db.control import Control
from shared.db.items import Settled
from shared.db.pool import Pool
from shared.errors import PlatformRejected
from shared.models import ConnectionId, Outcome, Platform, TransferId
from shared.webhook_events import SUBSCRIBABLE, WebhookEvent
from tests.integration.worker.deciding import choose, completed, decide
from tests.integration.worker.engine import Engine
from tests.integration.worker.webhooks import Hook, hook
from tests.waiting import until_answered, within

pytestmark = pytest.mark.integration

RATE_LIMITED = """
UPDATE transfers SET state = 'paused', pause_reason = 'rate_limited', pause_platform = 'spotify',
    resume_at = now(), revision = revision + 1 WHERE id = $1
"""
UNTHROTTLED = """
CREATE FUNCTION aged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_at = now() - interval '1 hour';
    NEW.state = 'delivered';
    RETURN NEW;
END $$;
CREATE TRIGGER unthrottled BEFORE INSERT ON webhook_deliveries FOR EACH ROW EXECUTE FUNCTION aged();
"""
REVISIONS = """
SELECT type, (snapshot->'transfer'->>'revision')::int AS revision, snapshot->'transfer'->>'state' AS state
FROM webhook_deliveries WHERE webhook_id = $1 AND type LIKE 'transfer.%' ORDER BY number
"""


async def wish(engine: Engine, transfer_id: TransferId, *wishes: Control) -> None:
    user_id = (await engine.load(transfer_id)).user_id
    for one in wishes:
        assert await control.apply(engine.pool, transfer_id, user_id=user_id, control=one)


async def settle(engine: Engine, transfer_id: TransferId, *settled: Settled) -> None:
    async with engine.pool.acquire() as connection, connection.transaction():
        await items.settle(connection, transfer_id, settled)


def of_transfer(told: list[str]) -> list[str]:
    return [event.removeprefix("transfer.") for event in told if event.startswith("transfer.")]


async def test_a_transfer_tells_its_way_in_order(positioned: Engine) -> None:
    mine = await hook(positioned.pool)

    transfer_id = await positioned.transfer(range(6))
    await positioned.run()

    assert of_transfer(await mine.told()) == ["queued", "started", "completed"]
    facts = await mine.facts("transfer.completed")
    transfer = await positioned.load(transfer_id)
    assert facts["transfer"]["revision"] == transfer.revision
    assert facts["transfer"]["state"] == "completed"
    assert [one for one in facts["counts"] if one[2]] == [["exact", True, 6]]


async def test_pauses_of_every_kind_are_told_with_their_ends(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(6))
    await positioned.step(phase="read")

    await wish(positioned, transfer_id, Control.PAUSE, Control.RESUME)
    await positioned.pool.execute(RATE_LIMITED, transfer_id)
    await positioned.pool.execute(RATE_LIMITED, transfer_id)
    await wish(positioned, transfer_id, Control.PAUSE, Control.RESUME)
    await positioned.run()

    assert of_transfer(await mine.told()) == [
        *("queued", "started", "paused", "resumed"),
        *("paused", "paused", "resumed"),  # for the rate limit, then for its user as well
        "completed",
    ]


async def test_a_pause_before_the_start_ends_in_the_queue_and_the_start_follows(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(2))

    await platform_pauses.pause(positioned.pool, Platform.SPOTIFY, reason="")
    await platform_pauses.settle(positioned.pool)
    await platform_pauses.resume(positioned.pool, Platform.SPOTIFY)
    await platform_pauses.settle(positioned.pool)
    await positioned.run()

    assert of_transfer(await mine.told()) == ["queued", "paused", "resumed", "started", "completed"]
    assert (await mine.facts("transfer.resumed"))["transfer"]["state"] == "queued"
    assert transfer_id == (await mine.facts("transfer.started"))["transfer"]["id"]


@pytest.mark.parametrize("wishes", [(), (Control.PAUSE,)])
async def test_a_cancelled_transfer_tells_its_end_alone_with_final_counts(
    positioned: Engine, wishes: tuple[Control, ...]
) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(6))
    await positioned.step(phase="read")

    await wish(positioned, transfer_id, *wishes, Control.CANCEL)
    await positioned.run()

    assert of_transfer(await mine.told()) == ["queued", "started", *("paused" for _ in wishes), "cancelled"]
    counts = (await mine.facts("transfer.cancelled"))["counts"]
    assert {outcome for outcome, _, count in counts if count} == {"skipped_by_user"}


async def test_a_transfer_that_is_cancelled_in_the_queue_has_never_started(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(6))

    await wish(positioned, transfer_id, Control.CANCEL)
    await positioned.run()

    assert of_transfer(await mine.told()) == ["queued", "cancelled"]


async def test_a_failure_and_its_retry_are_told(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(6))
    positioned.connection_error = PlatformRejected(
        "No.", platform="spotify", operation="read_items", status=400
    )
    await positioned.run()
    failed = of_transfer(await mine.told())
    counts = (await mine.facts("transfer.failed"))["counts"]

    positioned.connection_error = None
    await wish(positioned, transfer_id, Control.RETRY)
    await positioned.run()

    assert failed[-1] == "failed"
    assert "pending" not in {outcome for outcome, _, count in counts if count}
    assert of_transfer(await mine.told()) == [*failed, "resumed", "completed"]


async def test_a_late_decision_is_told_as_going_on_and_as_another_end(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await completed(positioned)
    before = of_transfer(await mine.told())

    await decide(positioned, transfer_id, 2, choose(2))
    await positioned.run()

    assert of_transfer(await mine.told()) == [*before, "resumed", "completed"]


async def test_the_first_doubtful_match_is_told_once(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(5))
    await positioned.run_phase("read")

    doubtful = [Settled(position=at, outcome=Outcome.REVIEW, reason="Not certain.") for at in (1, 2)]
    for one in doubtful:
        await settle(positioned, transfer_id, one)
    for one in doubtful:
        await settle(
            positioned, transfer_id, Settled(position=one.position, outcome=Outcome.NO_CANDIDATE, reason="")
        )
    await settle(positioned, transfer_id, doubtful[0])

    assert of_transfer(await mine.told()) == ["queued", "started", "needs_review"]
    assert ["review", False, 1] in (await mine.facts("transfer.needs_review"))["counts"]


async def test_progress_is_told_on_request_every_ten_seconds_and_never_twice_at_once(
    positioned: Engine,
) -> None:
    mine = await hook(positioned.pool, events=SUBSCRIBABLE)
    other = await hook(positioned.pool)
    await positioned.transfer(range(30))

    await positioned.run_phase("read")
    at_once = of_transfer(await mine.told())
    later = "UPDATE webhook_deliveries SET created_at = created_at - interval '11 seconds'"
    await positioned.pool.execute(later)
    await positioned.step(phase="match")
    while_it_waits = of_transfer(await mine.told())
    await positioned.pool.execute("UPDATE webhook_deliveries SET state = 'delivered'")
    await positioned.step(phase="match")

    assert at_once == while_it_waits == ["queued", "started", "progress"]
    assert of_transfer(await mine.told()) == ["queued", "started", "progress", "progress"]
    assert (await mine.facts("transfer.progress"))["transfer"]["state"] == "running"
    assert "progress" not in of_transfer(await other.told())


async def test_an_end_is_not_preceded_by_progress_of_the_same_revision(positioned: Engine) -> None:
    mine = await hook(positioned.pool, events=SUBSCRIBABLE)
    async with positioned.pool.acquire() as connection:
        await connection.execute(UNTHROTTLED)
    try:
        await positioned.transfer(range(6))
        await positioned.run()
        rows = await positioned.pool.fetch(REVISIONS, mine.id)
    finally:
        await positioned.pool.execute("DROP FUNCTION aged CASCADE")

    revisions = [row["revision"] for row in rows]
    assert revisions == sorted(set(revisions))
    assert {row["state"] for row in rows if row["type"] == "transfer.progress"} == {"running"}
    assert rows[-1]["type"] == "transfer.completed"
    assert len(rows) > 5


async def test_what_is_rolled_back_is_not_told(positioned: Engine) -> None:
    mine = await hook(positioned.pool)
    transfer_id = await positioned.transfer(range(2))

    async with positioned.pool.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("UPDATE transfers SET state = 'failed' WHERE id = $1", transfer_id)
        await connection.execute("ROLLBACK")

    assert of_transfer(await mine.told()) == ["queued"]


async def test_only_enabled_webhooks_of_the_same_user_hear_what_they_subscribe_to(positioned: Engine) -> None:
    pool = positioned.pool
    strangers = await hook(pool, user="somebody else")
    resting = await hook(pool)
    await pool.execute("UPDATE webhooks SET is_enabled = false WHERE id = $1", resting.id)
    choosy = await hook(pool, events=[WebhookEvent.TRANSFER_COMPLETED])

    await positioned.transfer(range(2))
    await positioned.run()

    assert await strangers.told() == await resting.told() == []
    assert await choosy.told() == ["transfer.completed"]


async def test_a_webhook_that_is_being_removed_breaks_nothing(positioned: Engine) -> None:
    pool = positioned.pool
    doomed = await hook(pool)
    async with pool.acquire() as remover:
        await remover.execute("BEGIN")
        await remover.execute("DELETE FROM webhooks WHERE id = $1", doomed.id)
        starting = asyncio.create_task(positioned.transfer(range(2)))
        await until_answered(lambda: is_blocked(pool))
        await remover.execute("COMMIT")
    await within(starting)

    assert await pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 0


async def is_blocked(pool: Pool) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'"
    return bool(await pool.fetchval(waiting))


async def connection_of(mine: Hook, pool: Pool) -> str:
    return str(
        await pool.fetchval(
            "INSERT INTO connections (id, user_id, platform, label, market, sealed_tokens, authorized_at) "
            "VALUES (gen_random_uuid(), $1, 'spotify', 'Mira', 'DE', 'sealed-tokens', now()) RETURNING id",
            mine.user_id,
        )
    )


async def test_a_connection_tells_its_states_and_no_token(pool: Pool) -> None:
    mine = await hook(pool)
    connection_id = await connection_of(mine, pool)

    for change in ("state = 'reconnect_required'", "label = 'M'", "state = 'connected'"):
        await pool.execute(f"UPDATE connections SET {change} WHERE id = $1", connection_id)
    await pool.execute("UPDATE connections SET authorized_at = now() + interval '1 s', version = version + 1")
    facts = await mine.facts("connection.connected")
    await connections.disconnect(pool, ConnectionId(connection_id), user_id=mine.user_id)

    assert await mine.told() == [
        "connection.connected",
        "connection.reconnect_required",
        "connection.connected",
        "connection.connected",
        "connection.disconnected",
    ]
    assert (await mine.facts("connection.disconnected"))["state"] == "disconnected"
    assert facts == {
        "id": connection_id,
        "platform": "spotify",
        "label": "M",
        "state": connections.ConnectionState.CONNECTED,
    }

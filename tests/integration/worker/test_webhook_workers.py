"""Many workers deliver to many webhooks: each once, in order, and nobody waits for another's receiver."""

import pytest

from shared.db.pool import Pool
from shared.db.webhooks import WebhookChange, change
from tests.integration.worker.webhooks import LEASE_S, delivering, hook, pass_time, settled
from tests.receivers import Receiver
from worker.webhooks.deliverer import FAILING_SLOT_COUNT, PER_USER_COUNT

pytestmark = pytest.mark.integration


async def test_receivers_that_do_not_answer_hold_up_nobody_who_does(pool: Pool) -> None:
    async with Receiver() as dead, Receiver() as alive, delivering(pool):
        dead.gate.clear()
        count = 2 * FAILING_SLOT_COUNT + 4
        silent = [await hook(pool, dead.url, user=f"user {number}") for number in range(count)]
        await pool.execute("UPDATE webhooks SET failing_since = now()")
        for one in silent:
            await one.add()
        await dead.arrived(FAILING_SLOT_COUNT)
        mine = await hook(pool, alive.url)
        sent = [await mine.add() for _ in range(5)]

        await alive.arrived(5)

        held_count = len(dead.arrivals)
        dead.gate.set()
        await dead.arrived(len(silent))

    assert alive.ids == sent
    assert held_count == FAILING_SLOT_COUNT


async def test_a_user_with_many_slow_receivers_takes_a_few_places(pool: Pool) -> None:
    async with Receiver() as slow, Receiver() as other, delivering(pool):
        slow.gate.clear()
        hooks = [await hook(pool, slow.url) for _ in range(PER_USER_COUNT + 3)]
        for one in hooks:
            await one.add()
        await slow.arrived(PER_USER_COUNT)
        mine = await hook(pool, other.url, user="somebody else")
        await mine.add()
        await other.arrived(1)
        slow.gate.set()
        await slow.arrived(len(hooks))

    assert slow.most_at_once == PER_USER_COUNT


async def test_a_webhook_gets_one_at_a_time_from_all_workers_together_and_each_once(pool: Pool) -> None:
    async with Receiver() as receiver, delivering(pool), delivering(pool), delivering(pool):
        mine = await hook(pool, receiver.url)
        sent = [await mine.add() for _ in range(30)]
        await receiver.arrived(30)
        await settled(mine)

    assert receiver.ids == sent
    assert receiver.most_at_once == 1


async def test_many_webhooks_get_each_delivery_once_from_all_workers_together(pool: Pool) -> None:
    async with Receiver() as receiver:
        hooks = [await hook(pool, receiver.url) for _ in range(10)]
        sent = [await one.add() for one in hooks for _ in range(5)]
        async with delivering(pool), delivering(pool), delivering(pool):
            await receiver.arrived(50)
            for one in hooks:
                await settled(one)

    assert sorted(receiver.ids) == sorted(sent)


async def test_a_worker_that_dies_before_it_notes_the_result_leaves_the_rest_in_order(pool: Pool) -> None:
    async with Receiver() as receiver:
        mine = await hook(pool, receiver.url)
        first, second = await mine.add(), await mine.add()
        receiver.gate.clear()
        async with delivering(pool) as victim:
            await receiver.arrived(1)
            victim.cancel()
        receiver.gate.set()
        async with delivering(pool):
            alone = await mine.row()
            await pass_time(pool, LEASE_S)
            await receiver.arrived(3)
            await settled(mine)

    assert alone["lease_until"] is not None
    assert receiver.ids == [first, first, second]
    assert receiver.arrivals[0].body == receiver.arrivals[1].body
    assert (await mine.delivery(first))["attempt_count"] == 2


async def test_a_result_that_comes_after_the_lease_changes_nothing(pool: Pool) -> None:
    async with Receiver(500, 204) as receiver:
        mine = await hook(pool, receiver.url)
        sent = await mine.add()
        receiver.gate.clear()
        async with delivering(pool), delivering(pool):
            await receiver.arrived(1)
            await pass_time(pool, LEASE_S)
            await receiver.arrived(2)
            receiver.gate.set()
            delivery = await settled(mine, attempts=2)

    assert receiver.ids == [sent, sent]
    assert (delivery["state"], delivery["last_status"]) == ("delivered", 204)
    assert (await mine.row())["failing_since"] is None


async def test_a_new_address_gets_what_the_old_one_was_just_being_sent(pool: Pool) -> None:
    async with Receiver(410) as old, Receiver() as new, delivering(pool):
        mine = await hook(pool, old.url)
        sent = await mine.add()
        old.gate.clear()
        await old.arrived(1)

        await change(pool, mine.id, user_id=mine.user_id, wish=WebhookChange(url=new.url))
        old.gate.set()
        await new.arrived(1)
        await settled(mine, attempts=2)

    assert new.ids == [sent]
    assert (await mine.row())["is_enabled"]

"""A transfer's events arrive signed and in order, though nobody lives who has sent the first of them."""

import pytest

from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds
from tests.receivers import Receiver
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EVENTS = ["transfer.queued", "transfer.started", "transfer.completed"]


async def test_webhooks_arrive_in_order_though_every_worker_is_killed(stack: Stack, worlds: Worlds) -> None:
    await stack.forget_answers()
    async with Receiver() as receiver:
        receiver.gate.clear()
        webhook = await stack.user.post("/webhooks", {"url": receiver.url, "events": EVENTS})
        transfer_id = await stack.start(worlds.road_trip)
        await receiver.arrived(1)

        for worker in list(stack.workers):
            await stack.kill(worker)
        receiver.gate.set()
        await stack.refresh()
        status = await stack.user.end(transfer_id)
        await until(lambda: receiver.types[-1] == "transfer.completed")
        await stack.user.delete(f"/webhooks/{webhook['id']}")

    bodies = {arrival.id: arrival.payload for arrival in receiver.arrivals}
    assert await stack.flaws(worlds.road_trip, status) == []
    assert receiver.ids[0] == receiver.ids[1]
    assert [body["type"] for body in bodies.values()] == EVENTS
    assert [body["data"]["id"] for body in bodies.values()] == [transfer_id] * 3
    revisions = [body["data"]["revision"] for body in bodies.values()]
    assert revisions == sorted(set(revisions))
    last = bodies[receiver.ids[-1]]["data"]
    for name in ("revision", "state", "phase", "outcome", "counts", "summary"):
        assert last[name] == status[name]
    for arrival in receiver.arrivals:
        arrival.verify(webhook["secret"])
    assert stack.told_count("whsec_") == stack.told_count("/hook") == 0

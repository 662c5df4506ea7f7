"""A transfer is followed over a stream that is cut all the time, while a worker is killed."""

import asyncio
import random

import pytest

from tests.e2e.stack import Stack
from tests.e2e.users import Refused, User
from tests.e2e.worlds import Worlds
from tests.event_streams import Event
from tests.waiting import within

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

UP_TO_BYTES = 3000  # an event and a part of the next one


async def test_a_transfer_is_followed_over_cuts_to_its_end(stack: Stack, worlds: Worlds) -> None:
    await stack.forget_answers()
    transfer_id = await stack.start(worlds.road_trip)
    following = asyncio.create_task(follow(stack.user, transfer_id, rng=random.Random(5)))

    await stack.kill(await stack.next_at_work(transfer_id))
    seen = await within(following)

    status = await stack.user.status(transfer_id)
    revisions = [event.revision for event in seen]
    assert revisions == sorted({event.data["revision"] for event in seen})
    for event in seen:
        counts = dict(event.data["counts"])
        assert counts.pop("total") == sum(counts.values())
    assert len(seen) > 3
    assert (seen[0].name, seen[-1].name, seen[-1].data) == ("snapshot", "done", status)
    assert await stack.flaws(worlds.road_trip, status) == []
    with pytest.raises(Refused, match="204"):
        await stack.user.listen(transfer_id, last=revisions[-1])


async def follow(user: User, transfer_id: str, *, rng: random.Random) -> list[Event]:
    """Cut the stream at a random byte again and again until the end has been told."""
    seen: list[Event] = []
    while not seen or seen[-1].name != "done":
        stream = await user.listen(transfer_id, last=seen[-1].revision if seen else None)
        seen += await stream.read(rng.randrange(UP_TO_BYTES))
        stream.cut()
    return seen

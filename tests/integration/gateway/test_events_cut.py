"""A reader whose stream is cut again and again, at any byte, misses no state and sees none twice."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from shared.db.pool import Pool
from shared.settings import Settings
from tests.event_streams import Event
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller
from tests.integration.gateway.event_streams import ask, gateway, listen, start

pytestmark = pytest.mark.integration

CUT_COUNT = 50
UP_TO_BYTES = 3000  # an event and a part of the next one
PACES_S = (*[0.01] * 12, 0.6)  # a rush as a rule, and now and then a time in which nothing is new
NEXT = """
UPDATE transfers SET revision = revision + 1, target_name = $2, state = $3, pause_reason = $4
WHERE id = $1 RETURNING revision
"""


async def test_a_stream_cut_fifty_times_loses_and_doubles_nothing(
    settings: Settings, platforms: FakePlatforms, connected: Caller, pool: Pool
) -> None:
    dice = random.Random(5)
    transfer_id = await start(connected)
    written: dict[int, tuple[str, str]] = {1: ("Road Trip", "queued")}
    enough = asyncio.Event()
    seen: list[Event] = []
    async with gateway(settings, platforms) as one, gateway(settings, platforms) as other:
        callers = [Caller(client, key=connected.key, user_id=connected.user_id) for client in (one, other)]
        writing = asyncio.create_task(write(pool, transfer_id, written=written, enough=enough))

        for _ in range(CUT_COUNT):
            stream = await listen(dice.choice(callers), transfer_id, last=last_of(seen))
            seen += await stream.read(dice.randrange(UP_TO_BYTES))
            stream.cut()
        enough.set()
        stream = await listen(dice.choice(callers), transfer_id, last=last_of(seen))
        seen += await stream.to_the_end()
        await writing
        over = await ask(callers[0], transfer_id, last=last_of(seen))

    revisions = [event.data["revision"] for event in seen]
    assert revisions == [event.revision for event in seen]
    assert revisions == sorted(set(revisions))
    assert len(revisions) > CUT_COUNT / 3
    assert [told(event.data) for event in seen] == [written[revision] for revision in revisions]
    assert (seen[-1].name, seen[-1].revision) == ("done", max(written))
    assert [event.name for event in seen].count("done") == 1
    assert over.status == 204


async def write(
    pool: Pool, transfer_id: str, *, written: dict[int, tuple[str, str]], enough: asyncio.Event
) -> None:
    """Raise revisions, many in a second, each with a state of its own, until it is enough; then complete."""
    number, dice = 0, random.Random(6)
    while not enough.is_set():
        number += 1
        state = "paused" if number % 7 == 0 else "running"
        await put(pool, transfer_id, written=written, name=f"Name {number}", state=state)
        await asyncio.sleep(dice.choice(PACES_S))
    await put(pool, transfer_id, written=written, name="The end", state="completed")


async def put(
    pool: Pool, transfer_id: str, *, written: dict[int, tuple[str, str]], name: str, state: str
) -> None:
    reason = "user" if state == "paused" else None
    revision = await pool.fetchval(NEXT, transfer_id, name, state, reason)
    written[revision] = (name, state)


def last_of(seen: list[Event]) -> int | None:
    return seen[-1].revision if seen else None


def told(status: Mapping[str, Any]) -> tuple[str, str]:
    return status["target"]["name"], status["state"]

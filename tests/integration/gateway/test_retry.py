"""POST /status/{id}/retry: what was not moved is tried again, once, or the answer says why not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.db import items
from shared.db.items import Settled
from shared.db.pool import Pool
from shared.models import Outcome, Platform, SourceItem, Track, TrackId, TransferId
from tests.integration.gateway.conftest import Caller, Reply, transfer_body

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"
MATCH_JOB = """
INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch, first_position, last_position, state)
SELECT gen_random_uuid(), id, user_id, target_platform, 'match', 0, 0, 2, 'done' FROM transfers
WHERE id = $1
"""
CHANGE = """
UPDATE transfers SET state = $2, phase = 'verify', started_at = now(), is_read = true,
       target_playlist_id = 'p.1', target_count = 1
WHERE id = $1
"""


@pytest_asyncio.fixture
async def transfer_id(connected: Caller, pool: Pool) -> AsyncIterator[str]:
    """A completed transfer with a written track, one without a match, and one that failed."""
    reply = await connected("POST", "/transfer", json=transfer_body())
    own_id = TransferId(reply.json["id"])
    tracks = [
        Track(platform=Platform.SPOTIFY, id=TrackId(f"t-s{number}"), title=f"Lantern {number}")
        for number in range(3)
    ]
    outcomes = (Outcome.EXACT, Outcome.NO_CANDIDATE, Outcome.FAILED)
    settled = [
        Settled(
            position=position,
            outcome=outcome,
            reason="",
            target=tracks[position] if outcome is Outcome.EXACT else None,
        )
        for position, outcome in enumerate(outcomes)
    ]
    async with pool.acquire() as connection:
        await items.insert(connection, own_id, first=0, items=[SourceItem(track=one) for one in tracks])
        await items.settle(connection, own_id, settled)
    await pool.execute("UPDATE items SET is_written = true WHERE outcome = 'exact'")
    await pool.execute("UPDATE jobs SET state = 'done' WHERE transfer_id = $1", own_id)
    await pool.execute(MATCH_JOB, own_id)
    await pool.execute(CHANGE, own_id, "completed")
    yield own_id


async def retry(call: Caller, transfer_id: str, **options: Any) -> Reply:
    return await call("POST", f"/status/{transfer_id}/retry", **options)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, (2, 0, 0)),
        ({"json": {}}, (2, 0, 0)),
        ({"json": {"scope": None}}, (2, 0, 0)),
        ({"json": {"scope": "all"}}, (2, 0, 0)),
        ({"json": {"scope": "unmatched"}}, (1, 0, 1)),
        ({"json": {"scope": "failed"}}, (1, 1, 0)),
    ],
)
async def test_a_completed_transfer_goes_on_with_what_is_meant(
    connected: Caller, transfer_id: str, pool: Pool, options: dict[str, Any], left: tuple[int, int, int]
) -> None:
    before = (await connected("GET", f"/status/{transfer_id}")).json

    reply = await retry(connected, transfer_id, **options)

    counts = reply.json["counts"]
    assert reply.status == 202
    assert (reply.json["state"], reply.json["phase"], reply.json["outcome"]) == ("running", "match", None)
    assert reply.json["revision"] == before["revision"] + 1
    assert (counts["pending"], counts["unmatched"], counts["failed"]) == left
    assert counts["total"] == before["counts"]["total"] == 3
    job = await pool.fetchrow("SELECT state, queued_at FROM jobs WHERE phase = 'match'")
    assert job is not None
    assert job["state"] == "open"
    assert job["queued_at"] is not None


async def test_a_wish_may_be_repeated_while_it_is_done(connected: Caller, transfer_id: str) -> None:
    body = {"scope": "unmatched"}
    first = await retry(connected, transfer_id, json=body)

    again = await retry(connected, transfer_id, json=body)
    other = await retry(connected, transfer_id, json={"scope": "failed"})

    assert (again.status, again.json) == (202, first.json)
    assert other.problem() == (409, "state-conflict")
    assert other.json["state"] == "running"


async def test_where_nothing_is_left_the_problem_says_so_with_the_state(
    connected: Caller, transfer_id: str, pool: Pool
) -> None:
    await pool.execute("UPDATE items SET outcome = 'review' WHERE NOT is_written")

    reply = await retry(connected, transfer_id)

    assert reply.problem() == (409, "state-conflict")
    assert reply.json["state"] == "completed"
    assert "nothing to retry" in reply.json["detail"]


@pytest.mark.parametrize("state", ["queued", "running", "paused", "cancelled"])
async def test_a_scope_that_the_state_makes_meaningless_is_refused_with_the_state(
    connected: Caller, transfer_id: str, pool: Pool, state: str
) -> None:
    await pool.execute(CHANGE, transfer_id, state)

    for scope in ("unmatched", "failed", "all"):
        reply = await retry(connected, transfer_id, json={"scope": scope})
        assert reply.problem() == (409, "state-conflict")
        assert reply.json["state"] == state


async def test_waiting_look_ups_are_hurried_and_nothing_else_changes(
    connected: Caller, transfer_id: str, pool: Pool
) -> None:
    await pool.execute(CHANGE, transfer_id, "running")
    await pool.execute("UPDATE items SET outcome = 'deferred' WHERE outcome = 'no_candidate'")
    await pool.execute(
        "UPDATE jobs SET state = 'open', run_at = now() + interval '1 hour' WHERE phase = 'match'"
    )
    before = (await connected("GET", f"/status/{transfer_id}")).json

    replies = [await retry(connected, transfer_id, json={"scope": "deferred"}) for _ in range(2)]

    assert [(reply.status, reply.json) for reply in replies] == [(202, before)] * 2
    assert await pool.fetchval("SELECT queued_at FROM jobs WHERE phase = 'match'") is not None


@pytest.mark.parametrize(
    ("content", "status", "pointer"),
    [
        (b'{"scope": "review"}', 422, "/scope"),
        (b'{"scope": ["all"]}', 422, "/scope"),
        (b'{"only": "all"}', 422, "/only"),
        (b"[]", 422, ""),
        (b"{", 400, ""),
    ],
)
async def test_a_body_of_another_form_is_refused_at_its_field(
    connected: Caller, transfer_id: str, content: bytes, status: int, pointer: str
) -> None:
    reply = await retry(connected, transfer_id, data=content, headers={"Content-Type": "application/json"})

    assert reply.problem() == (status, "validation")
    assert reply.pointers() == [pointer]
    assert (await connected("GET", f"/status/{transfer_id}")).json["state"] == "completed"


async def test_a_wrong_scope_is_answered_with_the_right_ones(connected: Caller, transfer_id: str) -> None:
    reply = await retry(connected, transfer_id, json={"scope": "everything"})

    (fault,) = reply.json["errors"]
    assert "choose one of deferred, unmatched, failed, all" in fault["detail"]


async def test_nobody_retries_for_others(connected: Caller, stranger: Caller, transfer_id: str) -> None:
    replies = [await retry(stranger, transfer_id), await retry(connected, UNKNOWN_ID)]

    assert [reply.problem() for reply in replies] == [(404, "not-found")] * 2
    assert (await connected("GET", f"/status/{transfer_id}")).json["state"] == "completed"

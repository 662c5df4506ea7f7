"""POST /status/{id}/pause, resume, cancel, retry: the answer is the status resource, or why not."""

import pytest

from shared.db import platform_pauses
from shared.db.pool import Pool
from shared.models import Platform
from tests.integration.gateway.conftest import Caller, transfer_body

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"


async def start(call: Caller) -> str:
    reply = await call("POST", "/transfer", json=transfer_body())
    assert reply.status == 202, reply.text
    return str(reply.json["id"])


async def test_pause_and_resume_may_be_repeated(connected: Caller) -> None:
    transfer_id = await start(connected)

    states = []
    for wish in ("pause", "pause", "resume", "resume"):
        reply = await connected("POST", f"/status/{transfer_id}/{wish}")
        states.append((reply.status, reply.json["state"]))

    assert states == [(202, "paused"), (202, "paused"), (202, "queued"), (202, "queued")]


async def test_paused_transfer_says_by_whom(connected: Caller) -> None:
    transfer_id = await start(connected)

    reply = await connected("POST", f"/status/{transfer_id}/pause")

    assert reply.json["paused"]["reason"] == "user"
    assert "Paused by you" in reply.json["summary"]


async def test_cancel_is_accepted_and_left_to_a_worker(connected: Caller, pool: Pool) -> None:
    transfer_id = await start(connected)

    reply = await connected("POST", f"/status/{transfer_id}/cancel")

    assert reply.status == 202
    assert await pool.fetchval("SELECT is_cancelling FROM transfers WHERE id = $1", transfer_id)


async def test_cancel_may_be_repeated_and_says_that_it_stops(connected: Caller) -> None:
    transfer_id = await start(connected)
    await connected("POST", f"/status/{transfer_id}/cancel")

    reply = await connected("POST", f"/status/{transfer_id}/cancel")

    assert (reply.status, reply.json["summary"]) == (202, "Stopping: what is under way ends first.")


async def test_new_transfer_of_a_paused_platform_is_accepted_and_says_what_it_waits_for(
    connected: Caller, pool: Pool
) -> None:
    await platform_pauses.pause(pool, Platform.APPLE_MUSIC, reason="New limits are tried out.")

    reply = await connected("GET", f"/status/{await start(connected)}")

    assert reply.json["state"] == "paused"
    assert reply.json["paused"] == {
        "reason": "operator",
        "platform": "apple_music",
        "text": "New limits are tried out.",
        "resume_at": None,
        "action_url": None,
    }
    assert reply.json["summary"] == (
        "Apple Music is paused by the operator of this server (New limits are tried out); "
        "this goes on by itself."
    )


async def test_resume_of_what_the_operator_has_paused_is_refused_with_his_words(
    connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await platform_pauses.pause(pool, Platform.SPOTIFY, reason="Maintenance until noon")

    reply = await connected("POST", f"/status/{transfer_id}/resume")

    assert reply.problem() == (409, "platform-paused")
    assert reply.json["detail"] == (
        "Spotify is paused by the operator of this server (Maintenance until noon)."
    )


async def test_resume_of_an_own_pause_says_at_once_that_the_operator_is_next(
    connected: Caller, pool: Pool
) -> None:
    transfer_id = await start(connected)
    await connected("POST", f"/status/{transfer_id}/pause")
    await platform_pauses.pause(pool, Platform.SPOTIFY, reason="")

    reply = await connected("POST", f"/status/{transfer_id}/resume")

    assert (reply.status, reply.json["paused"]["reason"]) == (202, "operator")


@pytest.mark.parametrize("wish", ["pause", "resume", "cancel", "retry"])
async def test_wish_that_a_completed_transfer_cannot_fulfil_is_refused(
    connected: Caller, pool: Pool, wish: str
) -> None:
    transfer_id = await start(connected)
    await pool.execute("UPDATE transfers SET state = 'completed' WHERE id = $1", transfer_id)

    reply = await connected("POST", f"/status/{transfer_id}/{wish}")

    assert (reply.status, reply.json["code"]) == (409, "state-conflict")
    assert "completed" in reply.json["detail"]


@pytest.mark.parametrize("wish", ["pause", "resume", "cancel", "retry"])
async def test_transfer_of_nobody_is_not_found(connected: Caller, wish: str) -> None:
    reply = await connected("POST", f"/status/{UNKNOWN_ID}/{wish}")

    assert (reply.status, reply.json["code"]) == (404, "not-found")

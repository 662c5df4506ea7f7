"""A transfer waits for its user or for the operator, says so, and goes on by itself."""

import time
from datetime import datetime
from typing import Any

import pytest

from shared.db import platform_pauses
from shared.db.pool import open_pool
from shared.models import Platform
from shared.secret import Secret
from tests.e2e.stack import Stack, crossplay, wait_until
from tests.e2e.worlds import Cut, Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
BAR_S = 5.0  # from a platform's first refusal to the pause, and from a renewed sign-in to the next call
REFUSED = ("401", "403")
SIGN_INS = ("authorize", "token", "me", "get_storefront")
GIVEN_BACK = """
SELECT max(extract(epoch FROM run_at)) FROM jobs
WHERE transfer_id = $1 AND state = 'open' AND last_error IS NOT NULL
"""


async def until_paused(stack: Stack, transfer_id: str) -> None:
    async def is_paused() -> bool:
        return bool((await stack.user.status(transfer_id))["state"] == "paused")

    await wait_until(is_paused)


def cut_to(target: str, worlds: Worlds) -> Cut:
    return worlds.home if target == "spotify" else worlds.road_trip


async def calls_of(stack: Stack, platform: str) -> list[Json]:
    """Return what a sandbox was asked, oldest first, with at_s by this machine's clock, not by its own."""
    now = await stack.control(platform, "clock", method="POST", body={"advance_s": 0})
    ahead_s = now["now_s"] - time.time()
    calls = (await stack.control(platform, "requests?calls=1"))["calls"]
    return [{**call, "at_s": call["at_s"] - ahead_s} for call in calls]


async def connection_to(stack: Stack, platform: str) -> Json:
    found: Json = (await stack.user.get("/connections", params={"platform": platform}))["items"][0]
    return found


async def paused_at_s(stack: Stack, transfer_id: str) -> float:
    """Return when the job was given back whose refusal has paused the transfer: one transaction did both."""
    return float(await stack.fetch(GIVEN_BACK, transfer_id))


@pytest.mark.parametrize("target", ["apple_music", "spotify"])
async def test_revoked_connection_is_told_within_five_seconds_and_goes_on_within_five_when_it_is_renewed(
    stack: Stack, worlds: Worlds, target: str
) -> None:
    cut = cut_to(target, worlds)
    await stack.arm(target, {"operation": "add_items", "kind": "delay", "delay_ms": 300})
    transfer_id = await stack.start(cut)
    await stack.writes_begin(target)

    await stack.control(target, "tokens/revoke", method="POST", body={})

    try:
        await until_paused(stack, transfer_id)
        paused = (await stack.user.status(transfer_id))["paused"]
        refused = [call for call in await calls_of(stack, target) if call["status"] in REFUSED]
        told_at_s = await paused_at_s(stack, transfer_id)
        before = await connection_to(stack, target)
        call_count = len(await calls_of(stack, target))
    finally:
        await stack.user.connect(stack.system.sandbox_urls)
    status = await stack.user.end(transfer_id)
    renewed = await connection_to(stack, target)
    renewed_at_s = datetime.fromisoformat(renewed["authorized_at"]).timestamp()
    at_work = [
        call["at_s"]
        for call in (await calls_of(stack, target))[call_count:]
        if call["operation"] not in SIGN_INS and call["at_s"] > renewed_at_s
    ]

    assert (paused["reason"], paused["platform"]) == ("reconnect_required", target)
    assert paused["action_url"] == f"/connect/{target}?connection={before['id']}"
    assert (before["state"], renewed["state"]) == ("reconnect_required", "connected")
    assert before["id"] == renewed["id"]
    assert told_at_s - refused[0]["at_s"] <= BAR_S
    assert at_work[0] - renewed_at_s <= BAR_S
    assert await stack.flaws(cut, status) == []


async def test_disconnected_target_is_left_alone_and_finished_when_the_account_is_back(
    stack: Stack, worlds: Worlds
) -> None:
    cut = worlds.home
    await stack.arm("spotify", {"operation": "add_items", "kind": "delay", "delay_ms": 300})
    transfer_id = await stack.start(cut)
    await stack.writes_begin("spotify")
    connection = await connection_to(stack, "spotify")

    async def is_resting() -> bool:
        return await stack.is_resting(transfer_id, reason="reconnect_required")

    try:
        await stack.user.delete(f"/connections/{connection['id']}")
        paused = await stack.user.status(transfer_id)
        await wait_until(is_resting)
    finally:
        await stack.user.connect(stack.system.sandbox_urls)
    status = await stack.user.end(transfer_id)

    assert (paused["state"], paused["paused"]["reason"]) == ("paused", "reconnect_required")
    assert (await connection_to(stack, "spotify"))["id"] == connection["id"]
    assert await stack.flaws(cut, status) == []


async def test_platform_that_the_operator_pauses_rests_and_goes_on(stack: Stack, worlds: Worlds) -> None:
    cut, environ = worlds.road_trip, stack.system.settings
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 300})
    transfer_id = await stack.start(cut)
    await stack.writes_begin("apple_music")

    async def is_at_rest() -> bool:
        return await stack.at_work(transfer_id) is None

    try:
        async with await open_pool(Secret(environ["CROSSPLAY_DATABASE_URL"]), size=1) as pool:
            await platform_pauses.pause(pool, Platform.APPLE_MUSIC, reason="Quiet hour")
        paused = await stack.user.status(transfer_id)
        later_id = await stack.start(worlds.movable)
        later = await stack.user.status(later_id)
        await wait_until(is_at_rest)
        count = await stack.request_count("apple_music", "add_items")
        await stack.flush()
        refusal = await stack.user.refused(f"/status/{transfer_id}/resume")
        assert await stack.request_count("apple_music", "add_items") == count
    finally:
        code, _, told = await crossplay("resume-platform", "apple_music", environ=environ)
    status, later_status = await stack.user.end(transfer_id), await stack.user.end(later_id)
    assert code == 0, told
    assert (paused["state"], paused["paused"]["reason"], paused["paused"]["text"]) == (
        "paused",
        "operator",
        "Quiet hour",
    )
    assert (later["state"], later["paused"]["text"]) == ("paused", "Quiet hour")
    assert (refusal["status"], refusal["code"]) == (409, "platform-paused")
    assert await stack.flaws(cut, status) == []
    assert await stack.flaws(worlds.movable, later_status) == []

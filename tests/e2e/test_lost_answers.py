"""The platform does what it was asked and its answer is lost: each track arrives exactly once."""

from typing import Any

import pytest

from tests.e2e.stack import Stack
from tests.e2e.worlds import Cut, Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LOST, ERROR = "applied_then_lost", "applied_then_error"


def cut_for(target: str, worlds: Worlds) -> Cut:
    return worlds.home if target == "spotify" else worlds.road_trip


@pytest.mark.parametrize("target", ["apple_music", "spotify"])
@pytest.mark.parametrize("kind", [LOST, ERROR])
async def test_lost_answers_of_creation_and_first_batch_change_nothing(
    stack: Stack, worlds: Worlds, target: str, kind: str
) -> None:
    cut = cut_for(target, worlds)
    await stack.arm(
        target,
        {"operation": "create_playlist", "kind": kind, "count": 1},
        {"operation": "add_items", "kind": kind, "count": 1},
    )

    status = await stack.user.end(await stack.start(cut))

    assert await stack.flaws(cut, status) == []
    assert await stack.struck_count(target) == 2


@pytest.mark.parametrize("target", ["apple_music", "spotify"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": LOST, "partial": 20}, id="part-of-a-batch"),
        pytest.param({"kind": "drop"}, id="nothing-of-a-batch"),
    ],
)
async def test_batch_that_arrived_in_part_is_completed(
    stack: Stack, worlds: Worlds, target: str, fault: dict[str, Any]
) -> None:
    cut = cut_for(target, worlds)
    await stack.arm(target, {"operation": "add_items", "count": 1, **fault})

    status = await stack.user.end(await stack.start(cut))

    assert await stack.flaws(cut, status) == []
    assert await stack.struck_count(target) == 1


@pytest.mark.parametrize("target", ["apple_music", "spotify"])
async def test_every_second_lost_answer_and_late_visibility_change_nothing(
    stack: Stack, worlds: Worlds, target: str
) -> None:
    cut = cut_for(target, worlds)
    await stack.arm(
        target,
        {"operation": "write", "kind": "visibility_delay", "visibility_delay_s": 0.25},
        {"operation": "add_items", "kind": LOST, "probability": 0.5, "seed": 3},
    )

    status = await stack.user.end(await stack.start(cut))

    assert await stack.flaws(cut, status) == []
    assert (await stack.control(target, "requests"))["by_status"]["lost"] > 0


async def test_tracks_that_are_seen_late_are_waited_for(stack: Stack, worlds: Worlds) -> None:
    await stack.arm(
        "apple_music", {"operation": "add_items", "kind": "visibility_delay", "visibility_delay_s": 2}
    )

    status = await stack.user.end(await stack.start(worlds.road_trip))

    assert await stack.flaws(worlds.road_trip, status) == []
    assert await stack.request_count("apple_music", "add_items") == 3  # 135 tracks by 50, none again

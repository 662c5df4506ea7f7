"""Look-ups: refusals are no misses, and no question is asked twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.e2e.stack import Stack
from tests.e2e.users import User
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LOOKUPS = ("lookup_isrc", "search", "get_album_tracks")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def second_user(common_stack: Stack) -> AsyncIterator[User]:
    async with common_stack.new_user("Second") as user:
        yield user


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        pytest.param("told_storm", {"retry_after_s": 1}, id="with-retry-after"),
        pytest.param("untold_storm", {}, id="without-retry-after"),
    ],
)
async def test_refused_lookups_are_asked_again_and_never_become_misses(
    stack: Stack, worlds: Worlds, name: str, advice: dict[str, Any]
) -> None:
    cut = getattr(worlds, name)
    storm = {"kind": "rate_limit", "probability": 0.5, **advice}
    await stack.arm(
        "apple_music",
        *({"operation": each, "seed": seed, **storm} for seed, each in enumerate(LOOKUPS, start=1)),
    )

    status = await stack.user.end(await stack.start(cut))

    assert await stack.flaws(cut, status) == []
    assert await stack.struck_count("apple_music") > 2


async def test_second_user_of_the_same_tracks_costs_no_lookup(
    stack: Stack, worlds: Worlds, second_user: User
) -> None:
    cut = worlds.shared
    first = await stack.user.end(await stack.start(cut))
    first_count = await stack.request_count("apple_music", *LOOKUPS)
    await stack.refresh()

    second = await second_user.end(await second_user.start(cut.platform, cut.name, cut.target))

    assert await stack.flaws(cut, first) == []
    assert await stack.flaws(cut, second, user=second_user) == []
    assert first_count > 0
    assert await stack.request_count("apple_music", *LOOKUPS) == 0


@pytest.mark.parametrize("name", ["records", "records_at_home"])
async def test_albums_without_isrcs_cost_two_lookups_each_and_then_none(
    stack: Stack, worlds: Worlds, second_user: User, name: str
) -> None:
    cut = getattr(worlds, name)
    first = await stack.user.end(await stack.start(cut))
    searches, albums = await lookup_counts(stack, cut.target)
    await stack.refresh()

    second = await second_user.end(await second_user.start(cut.platform, cut.name, cut.target))

    assert await stack.flaws(cut, first) == []
    assert await stack.flaws(cut, second, user=second_user) == []
    assert (searches, albums) == (2, 2)
    assert await lookup_counts(stack, cut.target) == (0, 0)


async def lookup_counts(stack: Stack, platform: str) -> tuple[int, int]:
    """Return how often a platform was searched, and how many albums were read."""
    return (
        await stack.request_count(platform, "search"),
        await stack.request_count(platform, "get_album_tracks"),
    )


async def test_two_users_at_once_ask_each_question_once(
    stack: Stack, worlds: Worlds, second_user: User
) -> None:
    cut = worlds.at_once
    started = await asyncio.gather(stack.start(cut), second_user.start(cut.platform, cut.name, cut.target))

    ends = await asyncio.gather(stack.user.end(started[0]), second_user.end(started[1]))

    calls = (await stack.control("apple_music", "requests?calls=1"))["calls"]
    searches = [call["path"] for call in calls if call["operation"] == "search"]
    isrcs = [
        isrc
        for call in calls
        if call["operation"] == "lookup_isrc"
        for isrc in parse_qs(urlsplit(call["path"]).query)["filter[isrc]"][0].split(",")
    ]
    assert await stack.flaws(cut, ends[0]) == []
    assert await stack.flaws(cut, ends[1], user=second_user) == []
    assert set(isrcs) == cut.isrcs
    assert len(isrcs) == len(set(isrcs))
    assert len(searches) == len(set(searches)) > 0

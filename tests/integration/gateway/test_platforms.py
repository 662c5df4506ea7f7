"""GET /platforms: what is set up, what it can do, what it makes us wait for, and whose accounts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port
from redis.asyncio import Redis

from gateway.platform_schemas import PlatformPage
from shared.db import platform_pauses
from shared.db.pool import Pool
from shared.fleet import Fleet
from shared.limiter import SharedBudget
from shared.models import Platform
from shared.platforms.profile import REQUESTS, Price
from shared.secret import Secret
from shared.settings import Settings
from shared.streams import open_redis
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Reply, Serve, new_caller

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    opened = open_redis(settings.redis_url)
    yield opened
    await opened.aclose()


def of(reply: Reply, platform: Platform) -> dict[str, Any]:
    assert reply.status == 200, reply.text
    msgspec.convert(reply.json, PlatformPage)
    found: dict[str, Any] = next(one for one in reply.json["items"] if one["platform"] == platform)
    return found


def budget(redis: Redis, platforms: FakePlatforms, platform: Platform) -> SharedBudget:
    """Return the budget as a worker has it."""
    return SharedBudget(
        redis,
        profile=platforms.profile(platform),
        limit_key=platforms.limit_key(platform),
        fleet=Fleet(),
    )


async def test_every_platform_says_what_it_can_do_and_what_it_allows(call: Caller) -> None:
    reply = await call("GET", "/platforms")

    assert [one["platform"] for one in reply.json["items"]] == list(Platform)
    spotify, apple = of(reply, Platform.SPOTIFY), of(reply, Platform.APPLE_MUSIC)
    assert (spotify["label"], spotify["configured"], spotify["setup"]) == ("Spotify", True, None)
    assert spotify["links"] == {
        "readable": False,
        "reason": "Spotify shows an app only its users' own playlists.",
    }
    assert apple["links"] == {"readable": True, "reason": None}
    assert spotify["capabilities"]["remove"] is True
    assert apple["capabilities"]["remove"] is False
    assert apple["capabilities"]["playlist_limit"] == 100
    assert apple["capabilities"]["add_batch"] == 100
    assert apple["limits"]["source"] == "a test"
    assert apple["limits"]["read_on"] == "2026-11-22"
    pool = next(one for one in apple["limits"]["pools"] if one["name"] == REQUESTS)
    assert (pool["limit"], pool["window_s"], pool["burst"]) == (75, 30.0, 1)
    assert (pool["state"], pool["wait_s"], pool["resume_at"]) == ("open", 0.0, None)


async def test_a_platform_that_is_not_set_up_says_what_its_operator_has_to_do(
    call: Caller, platforms: FakePlatforms
) -> None:
    platforms.unconfigured.add(Platform.SPOTIFY)

    reply = await call("GET", "/platforms")

    spotify = of(reply, Platform.SPOTIFY)
    assert spotify["configured"] is False
    assert "CROSSPLAY_SPOTIFY_CLIENT_ID" in spotify["setup"]
    assert {one["state"] for one in spotify["limits"]["pools"]} == {"unknown"}
    assert of(reply, Platform.APPLE_MUSIC)["configured"] is True


async def test_a_cool_down_of_the_fleet_is_told_with_its_end(
    call: Caller, platforms: FakePlatforms, redis: Redis
) -> None:
    before = datetime.now(UTC)
    await budget(redis, platforms, Platform.SPOTIFY).cool_down(600.0, pool=REQUESTS)

    reply = await call("GET", "/platforms")

    spotify = of(reply, Platform.SPOTIFY)
    states = {one["name"]: one["state"] for one in spotify["limits"]["pools"]}
    assert states.pop(REQUESTS) == "cooling_down"
    assert set(states.values()) == {"open"}
    resume_at = datetime.fromisoformat(spotify["resume_at"])
    assert timedelta(seconds=595) < resume_at - before < timedelta(seconds=660)
    assert of(reply, Platform.APPLE_MUSIC)["resume_at"] is None


async def test_looking_books_nothing(call: Caller, platforms: FakePlatforms, redis: Redis) -> None:
    await budget(redis, platforms, Platform.SPOTIFY).acquire(Price())
    before = {name: await redis.dump(name) for name in await redis.keys("*budget*")}

    for _ in range(3):
        await call("GET", "/platforms")

    assert before
    assert {name: await redis.dump(name) for name in await redis.keys("*budget*")} == before


async def test_a_pause_of_the_operator_is_told_with_its_words(call: Caller, pool: Pool) -> None:
    await platform_pauses.pause(pool, Platform.APPLE_MUSIC, reason="Their terms change.")

    reply = await call("GET", "/platforms")

    assert of(reply, Platform.APPLE_MUSIC)["paused"]["text"] == "Their terms change."
    assert of(reply, Platform.SPOTIFY)["paused"] is None


async def test_only_own_connections_are_shown_and_no_token(connected: Caller, stranger: Caller) -> None:
    own = await connected("GET", "/platforms")
    foreign = await stranger("GET", "/platforms")
    listed = await connected("GET", "/connections")

    shown = [one for platform in own.json["items"] for one in platform["connections"]]
    assert sorted(shown, key=lambda one: one["id"]) == sorted(listed.json["items"], key=lambda one: one["id"])
    assert len(shown) == 2
    assert not any(one["connections"] for one in foreign.json["items"])
    for secret in ("user-token", "access-first", "refresh-first", "sealed"):
        assert secret not in own.text


async def test_without_redis_budgets_are_unknown_and_the_rest_is_told(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    away = Secret(f"redis://127.0.0.1:{unused_port()}/0")
    call = await new_caller(await serve(msgspec.structs.replace(settings, redis_url=away)), pool, name="mira")
    await call.connect_apple_music()

    reply = await call("GET", "/platforms")

    apple = of(reply, Platform.APPLE_MUSIC)
    assert {(one["state"], one["wait_s"]) for one in apple["limits"]["pools"]} == {("unknown", None)}
    assert apple["resume_at"] is None
    assert apple["connections"][0]["state"] == "connected"
    assert apple["limits"]["pools"][0]["limit"] == 75

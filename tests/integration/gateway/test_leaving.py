"""A gateway that is told to leave: it says so, serves on for a while, and lets go of whoever is connected."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import msgspec
import pytest

from gateway.leaving import Leaving
from tests.waiting import until_answered, within

pytestmark = pytest.mark.integration

KEY_RING = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEWER = "INSERT INTO schema_changes (name, sha256, release) VALUES ('9999_post_less.sql', 'x', '9')"
NONE_LEFT = "SELECT count(*) FROM gateways"


@asynccontextmanager
async def gateway(
    database_url: str, redis_url: str, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--json"),
        env={
            **os.environ,
            "CROSSPLAY_DATABASE_URL": database_url,
            "CROSSPLAY_REDIS_URL": redis_url,
            "CROSSPLAY_SECRET_KEYS": KEY_RING,
            "CROSSPLAY_PORT": "0",
            **{f"CROSSPLAY_{name}": value for name, value in settings.items()},
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def url_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return str(msgspec.json.decode(await within(process.stdout.readline()))["gateway"])


async def test_a_gateway_that_leaves_is_unready_serves_on_and_closes_connections_politely(
    database_url: str, redis_url: str
) -> None:
    async with gateway(database_url, redis_url, GATEWAY_DRAIN_S="60") as process:
        async with aiohttp.ClientSession(await url_of(process)) as client:

            async def is_ready() -> bool:
                async with client.get("/readyz") as answer:
                    return answer.status == 200

            async def is_unready() -> bool:
                return not await is_ready()

            await until_answered(is_ready)
            async with client.get("/version") as before:
                pass

            process.send_signal(signal.SIGTERM)
            await until_answered(is_unready)
            async with client.get("/version") as answer:
                pass

        process.send_signal(signal.SIGTERM)  # the second time it is urgent
        assert await within(process.wait()) == 0

    assert "Connection" not in before.headers
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval(NONE_LEFT) == 0  # it does not hold up a migration
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_a_process_does_not_run_on_a_newer_releases_schema(
    database_url: str, redis_url: str, role: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(NEWER)
    await connection.close()

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", role),
        env={
            **os.environ,
            "CROSSPLAY_DATABASE_URL": database_url,
            "CROSSPLAY_REDIS_URL": redis_url,
            "CROSSPLAY_SECRET_KEYS": KEY_RING,
            "CROSSPLAY_PORT": "0",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await within(process.communicate())

    assert process.returncode == 78
    assert b"9999_post_less.sql, which this release does not know" in told


async def test_leaving_in_a_hurry_takes_no_time() -> None:
    leaving = Leaving()
    leaving.urge()

    await within(leaving.told())
    await within(leaving.linger(600))


async def test_being_asked_twice_is_a_hurry() -> None:
    leaving = Leaving()
    leaving.ask()
    lingering = asyncio.create_task(leaving.linger(600))

    leaving.ask()

    await within(lingering)


async def test_what_makes_a_process_unfit_is_raised_where_it_waits() -> None:
    leaving = Leaving()
    leaving.fail(ValueError("unfit"))

    with pytest.raises(ValueError, match="unfit"):
        await within(leaving.told())

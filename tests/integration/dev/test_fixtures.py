"""The fixtures of tests/conftest.py give each test its own empty servers."""

import asyncpg
import pytest
import redis.asyncio

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_finds_a_migrated_database_of_its_own(database_url: str, turn: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        leftovers = await connection.fetchval("SELECT to_regclass('public.left_by_a_test')")
        await connection.execute("CREATE TABLE left_by_a_test (turn text)")
    finally:
        await connection.close()

    assert tables > 0
    assert leftovers is None


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_finds_an_empty_redis(redis_url: str, turn: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        key_count = await client.dbsize()
        await client.set("left_by_a_test", turn)

    assert key_count == 0


def test_a_plain_test_can_use_the_servers_too(database_url: str, redis_url: str) -> None:
    assert database_url.startswith("postgresql://")
    assert redis_url.startswith("redis://")

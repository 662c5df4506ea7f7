"""The whole system on a Redis Cluster whose slots move and whose nodes die in the middle of a transfer."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.crc import key_slot

from shared.models import Platform
from shared.streams import key
from tests.e2e.stack import FAST, Stack, clean_environ, wait_until
from tests.e2e.worlds import Worlds
from tests.faults.redis_cluster import RedisCluster

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

STORES = Path(__file__).parents[2] / "docs/explanation/stores.md"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisCluster]:
    async with RedisCluster.run(tmp_path_factory.mktemp("cluster"), environ=clean_environ()) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system(
    cluster: RedisCluster, worlds: Worlds, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    environ = {**FAST, "CROSSPLAY_REDIS_URL": cluster.url}
    data_dir = tmp_path_factory.mktemp("stack")
    async with Stack.run(data_dir, worlds=worlds.paths, environ=environ, latency_ms=15) as stack:
        yield stack


async def test_slots_that_move_and_a_node_that_dies_cost_no_track(
    system: Stack, cluster: RedisCluster, worlds: Worlds
) -> None:
    slot = key_slot(key(Platform.SPOTIFY, "jobs").encode())
    source, target = (
        cluster.owner(key(platform, "jobs")) for platform in (Platform.SPOTIFY, Platform.APPLE_MUSIC)
    )
    third = next(node for node in cluster.nodes if node not in (source, target))
    transfer_id = await system.start(worlds.road_trip)

    await system.reached(transfer_id, request_count=5)
    await cluster.begin_move(slot, source, third)
    await system.reached(transfer_id, request_count=10)  # some of its keys are here now and some there
    await cluster.move_keys(slot, source, third)
    await system.reached(transfer_id, request_count=13)
    await cluster.end_move(slot, source, third)
    await system.reached(transfer_id, request_count=18)
    await target.restart()

    status = await system.user.end(transfer_id)
    assert await system.flaws(worlds.road_trip, status) == []
    assert len([count for count in await cluster.key_counts() if count]) >= 2
    await wait_until(system.is_ready)


async def test_every_key_in_redis_has_its_row_in_the_table(system: Stack, cluster: RedisCluster) -> None:
    forms = re.findall(r"^\| `([^`]*crossplay[^`]*)` \|", STORES.read_text(), re.MULTILINE)
    patterns = [re.sub(r"<\w+>", ".+", re.escape(form).replace(r"\<", "<")) for form in forms]

    names = [str(name) for node in cluster.nodes for name in await node.client.keys()]

    assert {name for name in names if not any(re.fullmatch(one, name) for one in patterns)} == set()
    assert len(names) >= 10

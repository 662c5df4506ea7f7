"""A cluster whose slots move and whose nodes go away: calls find their way, and none is sent twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ClusterError, RedisError

from deploy.doctor.findings import Verdict
from deploy.doctor.redis import examine
from shared.cache import Cache
from shared.messages import RunJob
from shared.models import JobId, Platform, TransferId
from shared.secret import Secret
from shared.streams import STORE_ERRORS, Entry, Streams, key, nodes_of, open_redis
from tests.faults.redis_cluster import ClusterNode, RedisCluster
from tests.waiting import until_answered

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SPOTIFY, APPLE_MUSIC = Platform.SPOTIFY, Platform.APPLE_MUSIC
STREAM = key(SPOTIFY, "jobs")
SLOT = key_slot(STREAM.encode())


def job(number: int) -> RunJob:
    return RunJob(job_id=JobId(f"job-{number}"), transfer_id=TransferId("transfer"))


def job_ids(entries: list[Entry]) -> list[str]:
    return [entry.message.job_id for entry in entries if entry.message]


@pytest.fixture
def home(cluster: RedisCluster) -> ClusterNode:
    """The node that has Spotify's slot from the start."""
    return cluster.owner(STREAM)


@pytest_asyncio.fixture(loop_scope="session")
async def abroad(cluster: RedisCluster, home: ClusterNode) -> AsyncIterator[ClusterNode]:
    """Another node; the slot comes back from it in the end."""
    yield next(node for node in cluster.nodes if node is not home)
    await cluster.bring_home(SLOT)


@pytest_asyncio.fixture(loop_scope="session")
async def redis(cluster: RedisCluster) -> AsyncIterator[Redis]:
    async with open_redis(Secret(cluster.url)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def reader(cluster: RedisCluster) -> AsyncIterator[Redis]:
    async with open_redis(Secret(cluster.url), connection_count=1, socket_timeout_s=None) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def streams(redis: Redis) -> Streams:
    streams = Streams(redis)
    for platform in Platform:
        await streams.ensure_group(platform)
    return streams


async def test_the_keys_of_the_platforms_are_on_several_nodes(
    cluster: RedisCluster, streams: Streams
) -> None:
    for platform in Platform:
        await streams.add(platform, [job(1)])

    owners = Counter(cluster.owner(key(platform, "jobs")) for platform in Platform)
    assert await cluster.key_counts() == [owners[node] for node in cluster.nodes]
    assert len(owners) > 1


async def test_a_slot_that_has_moved_is_found(
    cluster: RedisCluster, streams: Streams, reader: Redis, home: ClusterNode, abroad: ClusterNode
) -> None:
    await streams.add(SPOTIFY, [job(1), job(2)])
    (first,) = await streams.read(reader, SPOTIFY, consumer="w", count=1, block_ms=100)

    await cluster.move(SLOT, home, abroad)

    await streams.ack(SPOTIFY, first.id)
    await streams.add(SPOTIFY, [job(3)])
    rest = await streams.read(reader, SPOTIFY, consumer="w", count=9, block_ms=100)
    assert job_ids(rest) == ["job-2", "job-3"]
    assert await streams.claim(SPOTIFY, consumer="heir", idle_ms=0, count=9) == rest


async def test_calls_go_on_while_a_slot_is_on_its_way_however_many_connections_are_free(
    cluster: RedisCluster, redis: Redis, reader: Redis, home: ClusterNode, abroad: ClusterNode
) -> None:
    streams = Streams(redis)
    await asyncio.gather(*(redis.get(key(SPOTIFY, f"busy:{n}")) for n in range(8)))
    await cluster.begin_move(SLOT, home, abroad)

    await streams.ensure_group(SPOTIFY)
    await asyncio.gather(*(streams.add(SPOTIFY, [job(n)]) for n in range(8)))
    entries = await streams.read(reader, SPOTIFY, consumer="w", count=9, block_ms=100)
    lost = await streams.renew(SPOTIFY, consumer="w", entry_ids=[entry.id for entry in entries])
    for entry in entries:
        await streams.ack(SPOTIFY, entry.id)

    assert sorted(job_ids(entries)) == [f"job-{n}" for n in range(8)]
    assert lost == []
    assert await redis.xlen(STREAM) == 0


async def test_a_transaction_and_a_pipeline_find_keys_on_both_sides_of_a_move(
    cluster: RedisCluster, redis: Redis, home: ClusterNode, abroad: ClusterNode
) -> None:
    cache = Cache(redis)
    await redis.set(key(SPOTIFY, "old"), "here")
    await cluster.begin_move(SLOT, home, abroad)

    await cache.put_part(key(SPOTIFY, "new"), "part", value=1, life_s=60)
    async with redis.pipeline(transaction=False) as pipe:
        for name in ("old", "missing"):
            pipe.get(key(SPOTIFY, name))
        pipe.hget(key(SPOTIFY, "new"), "part")
        pipe.get(key(APPLE_MUSIC, "elsewhere"))
        found = await pipe.execute()

    assert found == ["here", None, "1", None]
    assert await home.client.exists(key(SPOTIFY, "old"))


async def test_a_reader_that_blocks_while_its_stream_moves_goes_with_it(
    cluster: RedisCluster, streams: Streams, reader: Redis, home: ClusterNode, abroad: ClusterNode
) -> None:
    waiting = asyncio.create_task(streams.read(reader, SPOTIFY, consumer="w", count=9, block_ms=20_000))
    await until_answered(lambda: _blocks(home))

    await cluster.move(SLOT, home, abroad)
    await streams.add(SPOTIFY, [job(1)])
    try:
        entries = await waiting
    except STORE_ERRORS:  # the stream was gone where it waited: a consumer looks again
        entries = await streams.read(reader, SPOTIFY, consumer="w", count=9, block_ms=100)

    assert job_ids(entries) == ["job-1"]


async def _blocks(node: ClusterNode) -> bool:
    return bool((await node.client.info("clients"))["blocked_clients"])


async def test_a_call_to_a_frozen_node_is_sent_once_and_the_other_nodes_serve(
    cluster: RedisCluster, streams: Streams, redis: Redis, home: ClusterNode
) -> None:
    home.freeze()
    try:
        with pytest.raises(STORE_ERRORS):
            await streams.add(SPOTIFY, [job(1)])
        async with asyncio.timeout(1.0):
            await streams.add(APPLE_MUSIC, [job(2)])
            with pytest.raises(STORE_ERRORS):  # at once: nobody else waits for a node that does not answer
                await streams.add(SPOTIFY, [job(3)])
    finally:
        home.thaw()

    await until_answered(lambda: _serves(redis))
    assert await redis.xlen(STREAM) == 1


async def _serves(redis: Redis) -> bool:
    try:
        return await redis.set(key(SPOTIFY, "probe"), "1") is True
    except STORE_ERRORS:
        return False


async def test_a_node_that_is_killed_and_comes_back_is_used_again(
    cluster: RedisCluster, streams: Streams, redis: Redis, home: ClusterNode
) -> None:
    await streams.add(SPOTIFY, [job(1)])

    await home.restart()

    await until_answered(lambda: _serves(redis))
    await until_answered(cluster.is_well)
    await streams.add(SPOTIFY, [job(2)])
    assert await streams.queued_jobs(SPOTIFY) >= {"job-2"}


async def test_the_first_named_nodes_may_be_away(cluster: RedisCluster) -> None:
    url = cluster.url.replace("@", "@127.0.0.1:1,")

    async with open_redis(Secret(url)) as client:
        assert await client.set("a", "1")


async def test_what_is_asked_of_servers_is_asked_of_each(cluster: RedisCluster, redis: Redis) -> None:
    nodes = await nodes_of(redis)

    assert len(nodes) == 3
    assert [(await node.info("cluster"))["cluster_enabled"] for node in nodes] == [1, 1, 1]
    with pytest.raises(RedisError, match="names no key"):
        await redis.info()


async def test_what_metrics_ask_is_answered_by_a_cluster(
    cluster: RedisCluster, streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(SPOTIFY, [job(1), job(2)])
    await streams.read(reader, SPOTIFY, consumer="w", count=1, block_ms=100)
    await cluster.nodes[1].client.config_set("maxmemory", "100mb")

    memory = await streams.memory()
    backlog = await streams.backlog(SPOTIFY)

    await cluster.nodes[1].client.config_set("maxmemory", "0")
    assert memory.limit_bytes == 100 * 2**20  # that of the fullest node
    assert (backlog.lag_count, backlog.pending_count) == (1, 1)


async def test_the_doctor_looks_at_each_node_and_tells_the_worst(cluster: RedisCluster, redis: Redis) -> None:
    well = await examine(redis)
    last = cluster.nodes[-1].client
    await last.config_set("maxmemory-policy", "allkeys-lru")
    try:
        findings = await examine(redis)
    finally:
        await last.config_set("maxmemory-policy", "noeviction")

    assert {finding.verdict for finding in well} == {Verdict.OK}
    assert [finding.check for finding in findings if finding.verdict is Verdict.FAIL] == ["redis eviction"]


async def test_a_transaction_over_two_slots_is_refused_with_a_word(redis: Redis) -> None:
    async with redis.pipeline() as pipe:
        pipe.get(STREAM)
        pipe.get(key(APPLE_MUSIC, "jobs"))

        with pytest.raises(ClusterError, match="one slot"):
            await pipe.execute()

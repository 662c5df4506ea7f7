"""Redis Streams as transport: one short stream per platform, one consumer group, acknowledge and delete."""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from shared import messages, redis_address
from shared.messages import RunJob
from shared.meters import meters
from shared.models import JobId, Platform
from shared.redis_cluster import ClusterRedis
from shared.secret import Secret

GROUP = "workers"
REPLY_S = 2.0
"""How long a short call waits: for a free connection, for a new one, for an answer."""
REST_S = 1.0
"""After a call without an answer, how long others are refused at once instead of waiting for theirs."""
GRACE_S = 5.0  # a blocking read whose answer is so late has lost its connection
STORE_ERRORS = (RedisError, OSError, TimeoutError)
"""What a call raises when Redis is away or cannot serve; nothing is lost by it."""

_TROUBLES = (ClusterDownError, OutOfMemoryError, ReadOnlyError)


# Renews the idle time of entries that are still ours and returns the ids that are not; the owner is
# checked inside the script because XCLAIM itself would take an entry back from its new owner.
_RENEW = """
local lost = {}
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
"""
# Deletes a consumer only while nothing is pending with it: DELCONSUMER would drop those entries.
_FORGET = """
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local name, pending = nil, nil
  for i = 1, #consumer, 2 do
    if consumer[i] == 'name' then name = consumer[i + 1] end
    if consumer[i] == 'pending' then pending = consumer[i + 1] end
  end
  if name == ARGV[2] and pending == 0 then
    return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], name)
  end
end
return 0
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A stream entry as a consumer got it. message is None where this release cannot read it."""

    id: str
    message: RunJob | None


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream stands. lag_count: not read by anybody; pending_count: read, not acknowledged."""

    lag_count: int
    pending_count: int


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Redis' memory. limit_bytes: None where it has no limit."""

    used_bytes: int
    limit_bytes: int | None


def open_redis(
    redis_url: Secret, *, connection_count: int = 16, socket_timeout_s: float | None = REPLY_S
) -> Redis:
    """Open a client whose calls are sent once and wait for a free connection instead of failing.

    A silent resend would add an entry twice or lose one that was read, so every retry is ours. While Redis
    does not answer, one call a second finds that out and the others are refused at once; a client without
    a socket time-out, which is for one reader that blocks, leaves that to its reader. Of a cluster each node
    has its own connections.
    """
    address = redis_address.parse(redis_url.reveal())

    def open_one(url: str) -> Redis:
        return _open_one(url, connection_count=connection_count, socket_timeout_s=socket_timeout_s)

    if not address.is_cluster:
        return open_one(address.node_urls[0])
    return ClusterRedis(address.nodes, open_node=lambda host, port: open_one(address.node_url(host, port)))


async def nodes_of(redis: Redis) -> tuple[Redis, ...]:
    """Return a client for each server that has keys, for what is asked of servers and not of keys."""
    return await redis.primaries() if isinstance(redis, ClusterRedis) else (redis,)


def _open_one(url: str, *, connection_count: int, socket_timeout_s: float | None) -> Redis:
    kind = BlockingConnectionPool if socket_timeout_s is None else _RestingPool
    pool = kind.from_url(
        url,
        max_connections=connection_count,
        timeout=REPLY_S,
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=REPLY_S,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        encoding_errors="replace",  # an entry that is no text is one that nobody can read, no end of a worker
        health_check_interval=0,
    )
    return _CountedRedis.from_pool(pool)


class _CountedRedis(Redis):
    """A client that counts the calls which Redis did not answer or could not serve."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py leaves it so
        except STORE_ERRORS as error:
            _count(error)
            raise

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002  # redis-py's
        return _CountedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _CountedPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # redis-py's
        try:
            return await super().execute(raise_on_error)
        except STORE_ERRORS as error:
            _count(error)
            raise


def _count(error: Exception) -> None:
    """Count no answer that only says no, such as that there is no such group."""
    if not isinstance(error, ResponseError) or isinstance(error, _TROUBLES):
        meters.store_failed("redis")


class _RestingPool(BlockingConnectionPool):
    """Connections of one client. After one that got no answer the others rest for a moment, too."""

    _rests_until_s = 0.0

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._rests_until_s:
            raise RedisConnectionError("Redis did not answer a moment ago.")
        if self._rests_until_s:  # whoever comes first after the rest finds out for all
            self._rests_until_s = now_s + REST_S
        return await super().get_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it so

    async def release(self, connection: Any) -> None:
        if connection.is_connected:
            self._rests_until_s = 0.0
        else:  # it broke, or its call was given up: what was open beside it is dead as a rule
            self._rests_until_s = asyncio.get_running_loop().time() + REST_S
            with contextlib.suppress(*STORE_ERRORS):
                await self.disconnect(inuse_connections=False)
        await super().release(connection)


def key(platform: Platform, name: str) -> str:
    """Return a Redis key; all keys of one platform share a hash tag, hence a cluster slot."""
    return f"{{crossplay:{platform}}}:{name}"


class Streams:
    """The job streams. `redis` serves short calls; reading blocks, so each consumer brings its own client."""

    def __init__(self, redis: Redis, *, grace_s: float = GRACE_S) -> None:
        self._redis = redis
        self._grace_s = grace_s
        self._renew = redis.register_script(_RENEW)
        self._forget = redis.register_script(_FORGET)

    async def ensure_group(self, platform: Platform) -> None:
        """Create stream and group where missing; from the first entry on, a later start would skip some."""
        try:
            await self._redis.xgroup_create(_stream(platform), GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def add(self, platform: Platform, jobs: Sequence[RunJob]) -> list[str]:
        """Append entries, in order, in one round trip; return their ids.

        Never trimmed: trimming drops pending work.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for job in jobs:
                fields: Any = messages.encode(job)
                pipe.xadd(_stream(platform), fields)
            entry_ids: list[str] = await pipe.execute()
            return entry_ids

    async def queued_jobs(self, platform: Platform) -> set[JobId]:
        """Return the ids of all jobs that an entry stands for, delivered or not."""
        entries: Any = await self._redis.xrange(_stream(platform), count=10_000)
        return {entry.message.job_id for entry in _entries(entries) if entry.message}

    async def read(
        self, reader: Redis, platform: Platform, *, consumer: str, count: int, block_ms: int
    ) -> list[Entry]:
        """Read up to `count` new entries, waiting up to `block_ms`. Never cancel it: entries would strand.

        Raises TimeoutError where the connection is dead without a word; entries may then have stranded.
        """
        async with asyncio.timeout(block_ms / 1000 + self._grace_s):
            answer = await reader.xreadgroup(
                GROUP, consumer, {_stream(platform): ">"}, count=count, block=block_ms
            )
        return _entries(_pairs(answer))

    async def read_stranded(self, platform: Platform, *, consumer: str, count: int) -> list[Entry]:
        """Read again what was delivered to this consumer and never acknowledged, oldest first."""
        answer = await self._redis.xreadgroup(GROUP, consumer, {_stream(platform): "0"}, count=count)
        return _entries(_pairs(answer))

    async def claim(self, platform: Platform, *, consumer: str, idle_ms: int, count: int) -> list[Entry]:
        """Take over up to `count` entries whose consumer has been silent; scans to the end of the cursor."""
        claimed: list[Entry] = []
        cursor = "0-0"
        while len(claimed) < count:
            cursor, pairs, _deleted = await self._redis.xautoclaim(
                _stream(platform), GROUP, consumer, idle_ms, start_id=cursor, count=count - len(claimed)
            )
            claimed += _entries(pairs)
            if cursor == "0-0":
                break
        return claimed

    async def renew(self, platform: Platform, *, consumer: str, entry_ids: Sequence[str]) -> list[str]:
        """Reset the idle time of our entries; return the ids that belong to somebody else now."""
        lost: list[str] = await self._renew(keys=[_stream(platform)], args=[GROUP, consumer, *entry_ids])
        return lost

    async def ack(self, platform: Platform, entry_id: str) -> None:
        """Acknowledge and delete an entry, both or neither."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xack(_stream(platform), GROUP, entry_id)
            pipe.xdel(_stream(platform), entry_id)
            await pipe.execute()

    async def backlog(self, platform: Platform) -> Backlog:
        """Count a stream's entries; none where there is no stream yet."""
        try:
            groups: Any = await self._redis.xinfo_groups(_stream(platform))
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            return Backlog(lag_count=0, pending_count=0)
        pending_count = sum(group["pending"] for group in groups if group["name"] == GROUP)
        lags = [group["lag"] for group in groups if group["name"] == GROUP]
        if lags and lags[0] is not None:
            return Backlog(lag_count=lags[0], pending_count=pending_count)
        # Redis cannot tell where entries were deleted unread; but what is settled is deleted here.
        entry_count = await self._redis.xlen(_stream(platform))
        return Backlog(lag_count=max(0, entry_count - pending_count), pending_count=pending_count)

    async def memory(self) -> Memory:
        """Return that of the server; of a cluster that of its fullest node."""
        infos: list[Any] = [await node.info("memory") for node in await nodes_of(self._redis)]
        nodes = [
            Memory(used_bytes=int(info["used_memory"]), limit_bytes=int(info.get("maxmemory") or 0) or None)
            for info in infos
        ]
        return max(
            nodes, key=lambda node: (node.used_bytes / (node.limit_bytes or math.inf), node.used_bytes)
        )

    async def forget(self, platform: Platform, *, consumer: str) -> None:
        """Remove a consumer that leaves; one that still has pending entries stays, to be claimed from."""
        await self._forget(keys=[_stream(platform)], args=[GROUP, consumer])


def _stream(platform: Platform) -> str:
    return key(platform, "jobs")


def _pairs(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of the one stream that was asked for, in either protocol's shape of the answer."""
    if not answer:
        return []
    pairs: Any = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return list(pairs)


def _entries(pairs: Sequence[tuple[str, dict[str, str]]]) -> list[Entry]:
    return [
        Entry(id=entry_id, message=messages.decode(fields, entry_id=entry_id) if fields else None)
        for entry_id, fields in pairs
    ]

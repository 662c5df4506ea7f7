"""A Redis that writes nothing to disk: killed and started again, it has forgotten everything."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from deploy.dev.binaries import find_redis
from deploy.dev.processes import Process, ProcessSpec

READY_TIMEOUT_S = 30.0


@asynccontextmanager
async def forgetful_redis(
    directory: Path, *, port: int, environ: Mapping[str, str]
) -> AsyncIterator[Process]:
    """Run a server on this port of 127.0.0.1; kill the process when it is to be lost."""
    program = await asyncio.to_thread(find_redis, environ)
    process = await Process.start(
        ProcessSpec(
            name="redis",
            command=(
                *(str(program), "--port", str(port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no"),
            ),
            log_path=directory / "redis.log",
            environment=environ,
            cwd=directory,
        )
    )

    async def answers() -> bool:
        try:
            async with redis.asyncio.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False

    try:
        await process.wait_ready(answers, timeout_s=READY_TIMEOUT_S)
        yield process
    finally:
        await process.stop()

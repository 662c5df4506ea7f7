"""Wires a worker together and runs it until it is told to leave. The one file that knows all parts."""

import asyncio
import os
import random
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self

from loguru import logger
from redis.asyncio import Redis

from shared import telemetry
from shared.address_guard import AddressGuard
from shared.background import ended, in_background
from shared.census import Census, measuring
from shared.cipher import Cipher
from shared.clock import SystemClock
from shared.db.pool import Pool, open_pool
from shared.db.shelf import PostgresShelf
from shared.fleet import Fleet
from shared.instrument import Role
from shared.limiter import SharedBudget
from shared.meters import meters
from shared.models import ConnectionId, Platform
from shared.platforms.base import Adapter
from shared.platforms.profile import PlatformProfile
from shared.platforms.registry import Platforms
from shared.probes import Faults, Probes, listening
from shared.readiness import Readiness
from shared.schema_gate import until_migrated
from shared.self_report import tell_settings
from shared.service_manager import ServiceManager
from shared.settings import Settings, parse_key_ring, parse_networks, parse_platforms, require_stores
from shared.streams import Streams, open_redis
from shared.tokens import Sessions
from worker.consumer import Consumer
from worker.executor import Executor
from worker.lookups import Lookups
from worker.scheduler import Scheduler
from worker.transfer import TransferRunner
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.letters import Letters
from worker.webhooks.sender import Sender

STUCK_S = 30.0  # a turn of a consumer takes a second, or the time-out of a store


class Worker:
    """A worker daemon. Open it with `async with`, then `run`."""

    def __init__(self, settings: Settings) -> None:
        require_stores(settings)
        self._settings = settings
        self._stack = AsyncExitStack()
        self._fleet = Fleet()
        self._is_leaving = False
        self._background: dict[str, asyncio.Task[None]] = {}
        self.id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"

    async def __aenter__(self) -> Self:
        settings = self._settings
        async with AsyncExitStack() as stack:
            pool = await open_pool(settings.database_url, size=settings.worker_concurrency + 4)
            self._pool = pool
            stack.push_async_callback(pool.close)
            redis = open_redis(settings.redis_url)
            stack.push_async_callback(redis.aclose)
            platforms = await stack.enter_async_context(
                Platforms(
                    settings,
                    budgets=lambda profile, key: self._budget(redis, profile, key),
                    shelf=PostgresShelf(pool),
                )
            )
            self._scheduler = Scheduler(
                pool=pool,
                redis=redis,
                worker_id=self.id,
                slot_count=settings.worker_concurrency,
                sweep_s=settings.sweep_s,
                on_fleet=self._fleet.heard,
            )
            cipher = Cipher(parse_key_ring(settings.secret_keys))
            sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=platforms.oauth)
            stack.push_async_callback(sessions.close)
            self._deliverer = await self._open_deliverer(pool, platforms, cipher, stack)
            self._readiness = Readiness(pool=pool, redis=redis)
            self._census = Census(pool=pool, redis=redis, platforms=platforms, name=self.id)
            executor = self._executor(pool, redis, platforms, sessions)
            self._consumers = [
                self._consumer(platform, redis, executor, stack)
                for platform in parse_platforms(settings.worker_platforms)
            ]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish the jobs under way, for settings.drain_s at most.

        Begins once the database has this release's schema. Raises SchemaMismatch where it has a newer one's.
        """
        if not await until_migrated(self._pool, stop=stop):
            return
        logger.info("Worker started", worker_id=self.id, slots=self._settings.worker_concurrency)
        async with in_background(measuring(self._census)) as self._background:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._scheduler.run(stop))
                group.create_task(self._deliverer.run(stop))
                for consumer in self._consumers:
                    group.create_task(consumer.run(stop))
                await stop.wait()
                self._is_leaving = True
            await self._drain()
        logger.info("Worker left", worker_id=self.id)

    def faults(self) -> Faults:
        """Say which part has ended or hangs; what it hangs on may never come back."""
        silent = {consumer.platform: consumer.silent_s for consumer in self._consumers}
        return {
            **ended(self._background),
            **{
                platform: f"Has not looked for jobs for {silent_s:.0f} s."
                for platform, silent_s in silent.items()
                if silent_s > STUCK_S
            },
        }

    async def lacks(self) -> Faults:
        """Say what keeps it from taking jobs now."""
        reading = {
            f"{consumer.platform} jobs": None if consumer.is_reading else "Cannot read its stream."
            for consumer in self._consumers
        }
        leaving = "This process is about to stop." if self._is_leaving else None
        return {**await self._readiness(), **reading, "process": leaving}

    async def _drain(self) -> None:
        logger.info("Worker drains", worker_id=self.id)
        try:
            async with asyncio.timeout(self._settings.drain_s):
                await asyncio.gather(
                    self._deliverer.drain(), *(consumer.drain() for consumer in self._consumers)
                )
        except TimeoutError:
            logger.warning("Jobs did not end in time")
        for consumer in self._consumers:
            await consumer.leave()
        await self._scheduler.leave()

    def _budget(self, redis: Redis, profile: PlatformProfile, limit_key: str) -> SharedBudget:
        return SharedBudget(redis, profile=profile, limit_key=limit_key, fleet=self._fleet)

    def _executor(self, pool: Pool, redis: Redis, platforms: Platforms, sessions: Sessions) -> Executor:
        async def open_adapter(platform: Platform, connection_id: ConnectionId) -> tuple[Adapter, str]:
            session = await sessions.open(connection_id)
            return platforms.adapter(platform, session=session), session.market

        rng = random.Random()
        runner = TransferRunner(
            pool=pool,
            lookups=Lookups(pool, redis, mark_s=self._settings.lease_s),
            open_adapter=open_adapter,
            open_public=lambda platform, market: platforms.public_adapter(platform, market=market),
            send_timeout_s=self._settings.send_timeout_s,
            rng=rng,
        )
        return Executor(
            pool=pool,
            run=runner.run,
            warn_late_write=runner.warn_late_write,
            clock=SystemClock(),
            rng=rng,
            owner=self.id,
            lease_s=self._settings.lease_s,
            send_timeout_s=self._settings.send_timeout_s,
            max_attempts=self._settings.max_attempts,
        )

    async def _open_deliverer(
        self, pool: Pool, platforms: Platforms, cipher: Cipher, stack: AsyncExitStack
    ) -> Deliverer:
        guard = AddressGuard(parse_networks(self._settings.webhook_allowed_networks))
        timeout_s = self._settings.webhook_timeout_s
        return Deliverer(
            pool=pool,
            sender=await stack.enter_async_context(Sender(guard, timeout_s=timeout_s)),
            letters=Letters(cipher, label=platforms.label),
            lease_s=2 * timeout_s,
            pause_s=self._settings.sweep_s,
            rng=random.Random(),
        )

    def _consumer(
        self, platform: Platform, redis: Redis, executor: Executor, stack: AsyncExitStack
    ) -> Consumer:
        # A read blocks for longer than any sensible socket time-out, so it has its own client without one.
        reader = open_redis(self._settings.redis_url, connection_count=1, socket_timeout_s=None)
        stack.push_async_callback(reader.aclose)
        return Consumer(
            platform,
            streams=Streams(redis),
            reader=reader,
            name=self.id,
            slot_count=self._settings.worker_concurrency,
            lease_s=self._settings.lease_s,
            execute=executor.execute,
            wake=self._scheduler.wake,
        )


async def serve(settings: Settings, *, on_ready: Callable[[str, str | None], None] | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT; a second signal ends the process at once.

    on_ready: told the worker's id, and the address of its probes if there are any, once it takes jobs.
    Raises SettingsError where nobody can listen there.
    """
    telemetry.configure("crossplay-worker", settings=settings)
    meters.seed(Role.WORKER)
    tell_settings(settings, environ=os.environ)
    stop = asyncio.Event()
    try:
        async with ServiceManager.listening(os.environ) as manager:
            _on_signals(stop, manager)
            async with Worker(settings) as worker:
                probes = Probes(role=Role.WORKER, faults=worker.faults, lacks=worker.lacks)
                async with listening(settings, probes) as probes_url:
                    manager.ready()
                    if on_ready:
                        on_ready(worker.id, probes_url)
                    await worker.run(stop)
    finally:
        await asyncio.to_thread(telemetry.shutdown)


def _on_signals(stop: asyncio.Event, manager: ServiceManager) -> None:
    """Let SIGTERM and SIGINT set `stop`, and the second one end the process."""

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)  # jobs under way are taken over when their leases run out
        stop.set()
        manager.stopping()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)

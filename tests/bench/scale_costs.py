"""What one transfer costs each part of a real system: counted before and after, less what idling costs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg
import msgspec
import redis.asyncio

from deploy.dev.processes import Process
from tests.bench.memory import _TICKS_PER_S, _stats, peak_bytes
from tests.bench.scale_model import Cost
from tests.e2e.stack import Stack
from tests.e2e.users import ENDED
from tests.waiting import until_answered

PATIENCE_S = 600.0
SETTLE_S = 1.5  # what was done last is in the counters of Postgres after a second
_COUNTERS = """
SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal_bytes,
       (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database())
       AS transactions,
       (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS disk_bytes
"""
_STATE = "SELECT state FROM transfers WHERE id = $1"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All counters at one moment."""

    at_s: float
    cost: Cost


class Meter:
    """Reads the counters of a system with one worker. Postgres writes each statement to its log meanwhile."""

    def __init__(self, stack: Stack, *, connection: Any, redis_client: redis.asyncio.Redis) -> None:
        self._stack = stack
        self._connection = connection
        self._redis = redis_client
        self.idle = Cost()

    @classmethod
    @asynccontextmanager
    async def open(cls, stack: Stack) -> AsyncIterator[Self]:
        connection = await asyncpg.connect(stack.system.settings["CROSSPLAY_DATABASE_URL"])
        redis_url = stack.system.settings["CROSSPLAY_REDIS_URL"]
        try:
            await connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            await connection.execute("SELECT pg_reload_conf()")
            await connection.execute("SET log_statement = 'none'")
            async with redis.asyncio.Redis.from_url(redis_url) as client:
                yield cls(stack, connection=connection, redis_client=client)
        finally:
            await connection.close()

    async def learn_idle(self, *, seconds: float) -> Cost:
        """Measure what a second costs in which nobody wants anything; from then on it is taken off."""
        before = await self._read()
        await asyncio.sleep(seconds)
        after = await self._read()
        self.idle = _between(before, after, idle=Cost(), per_s=True)
        return self.idle

    async def transfer(self, playlist: str, *, source: str, target: str) -> Cost:
        """Move a playlist and return what that alone has cost. Raises SystemExit where it is not complete."""
        before = await self._read(source=source, target=target)
        transfer_id = await self._stack.user.start(source, playlist, target)

        async def has_ended() -> bool:
            return await self._connection.fetchval(_STATE, transfer_id) in ENDED

        await until_answered(has_ended, patience_s=PATIENCE_S, every_s=0.2)
        after = await self._read(source=source, target=target)
        status = await self._stack.user.status(transfer_id)
        if status["outcome"] != "full":
            raise SystemExit(f"{playlist}: {status['summary']}")
        return _between(before, after, idle=self.idle)

    async def watching(self, *, playlist: str, source: str, target: str, seconds: float) -> float:
        """Return how many statements a second one open event stream of a transfer that stands still costs."""
        await self._connection.execute(
            "INSERT INTO platform_pauses (platform, reason) VALUES ($1, 'a bench')", source
        )
        transfer_id = await self._stack.user.start(source, playlist, target)
        async with self._stack.user._session.get(f"/status/{transfer_id}/events"):
            before = await self._read()
            await asyncio.sleep(seconds)
            after = await self._read()
        await self._connection.execute("DELETE FROM platform_pauses")
        return _between(before, after, idle=self.idle, per_s=False).statements / (after.at_s - before.at_s)

    async def redis_memory_bytes(self) -> int:
        return int((await self._redis.info("memory"))["used_memory"])

    async def _read(self, *, source: str = "", target: str = "") -> Reading:
        await asyncio.sleep(SETTLE_S)
        row = await self._connection.fetchrow(_COUNTERS)
        stats = await self._redis.info("everything")
        worker, gateway = self._stack.workers[0], self._stack.system._gateway_process
        counts = [await self._stack.request_count(one) if one else 0 for one in (source, target)]
        return Reading(
            at_s=time.monotonic(),
            cost=Cost(
                statements=_statement_count(self._stack.data_dir),
                transactions=row["transactions"],
                wal_bytes=float(row["wal_bytes"]),
                disk_bytes=float(row["disk_bytes"]),
                redis_commands=stats["total_commands_processed"],
                redis_bytes=stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
                worker_cpu_s=cpu_s(worker.pid),
                gateway_cpu_s=cpu_s(gateway.pid),
                postgres_cpu_s=cpu_s(_postmaster_pid(self._stack.data_dir)),
                redis_cpu_s=stats["used_cpu_user"] + stats["used_cpu_sys"],
                source_requests=counts[0],
                target_requests=counts[1],
            ),
        )


def resident_bytes(process: Process) -> int:
    """Return the most memory that a process of the system ever had."""
    return peak_bytes(process)


def cpu_s(root_pid: int) -> float:
    """Return the processor time of a process and of all below it, their ended children included."""
    processes = dict(_stats())
    family, ticks = {root_pid}, 0
    while family:
        ticks += sum(processes[pid][1] for pid in family if pid in processes)
        family = {pid for pid, (parent, _) in processes.items() if parent in family}
    return ticks / _TICKS_PER_S


def _between(before: Reading, after: Reading, *, idle: Cost, per_s: bool = False) -> Cost:
    elapsed_s = after.at_s - before.at_s
    spent = after.cost.plus(before.cost, times=-1).plus(idle, times=-elapsed_s)
    least = Cost(**{name: max(0.0, getattr(spent, name)) for name in spent.__struct_fields__})
    return Cost().plus(least, times=1 / elapsed_s) if per_s else least


def _statement_count(data_dir: Path) -> int:
    log = (data_dir / "logs" / "postgres.log").read_text(errors="replace")
    return log.count("LOG:  execute ") + log.count("LOG:  statement: ")


def _postmaster_pid(data_dir: Path) -> int:
    (path,) = data_dir.rglob("postmaster.pid")
    return int(path.read_text().split()[0])

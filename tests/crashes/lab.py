"""A system without workers, and workers that are made to stop where a test says."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self

import asyncpg

from tests.e2e.stack import FAST, Json, Stack
from tests.e2e.worlds import Worlds
from tests.faults.effects import Plan, Strike, effects_of, has_struck
from tests.faults.worker import spawn
from tests.waiting import until

# One job at a time, so that the effects of a transfer follow each other in the same order at each run.
SETTINGS = {
    **FAST,
    "CROSSPLAY_WORKER_CONCURRENCY": "1",
    "CROSSPLAY_LEASE_S": "1.0",
    "CROSSPLAY_SEND_TIMEOUT_S": "0.4",
    "CROSSPLAY_SWEEP_S": "0.1",
    "CROSSPLAY_SPOTIFY_VISIBILITY_S": "0.1",
    "CROSSPLAY_APPLE_MUSIC_VISIBILITY_S": "0.1",
}
END_LEASES = (
    "UPDATE jobs SET lease_until = clock_timestamp() WHERE lease_until > clock_timestamp()",
    "UPDATE connections SET refresh_until = clock_timestamp() WHERE refresh_until > clock_timestamp()",
)


class Subject:
    """One worker process and the record of its effects."""

    def __init__(self, process: ForkServerProcess, *, record: Path) -> None:
        self.process = process
        self.record = record

    @property
    def effects(self) -> list[str]:
        return effects_of(self.record)

    @property
    def is_struck(self) -> bool:
        return has_struck(self.record)

    @property
    def exitcode(self) -> int | None:
        return self.process.exitcode

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGCONT)

    async def end(self) -> int | None:
        """Ask it to leave and wait until its jobs are done."""
        if self.exitcode is None:
            self.process.terminate()
        await until(lambda: self.exitcode is not None)
        return self.exitcode


class Lab:
    """Starts subjects in a stack that has no workers of its own.

    ended: the status of a transfer that has ended and is to be undone, or tried again.
    """

    def __init__(self, stack: Stack, worlds: Worlds) -> None:
        self.stack = stack
        self.worlds = worlds
        self.ended: Json = {}
        self._subjects: list[Subject] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, data_dir: Path, worlds: Worlds) -> AsyncIterator[Self]:
        async with Stack.run(data_dir, worlds=worlds.paths, environ=SETTINGS, worker_count=0) as stack:
            yield cls(stack, worlds)

    def start(self, *strikes: Strike, environ: Mapping[str, str] | None = None) -> Subject:
        """Start a worker that strikes itself."""
        record = self.stack.data_dir / f"{secrets.token_hex(4)}.effects"
        record.touch()
        subject = Subject(
            spawn(
                # Without a private port nobody gets its metrics, so it does not count the fleet meanwhile.
                {**self.stack.system.settings, "CROSSPLAY_METRICS_PORT": "", **(environ or {})},
                plan=Plan(strikes=strikes, record_path=str(record)),
                log_path=self.stack.data_dir / "logs" / "subjects.log",
            ),
            record=record,
        )
        self._subjects.append(subject)
        return subject

    async def end_leases(self) -> None:
        """Spare the wait for the leases of those who cannot end them any more."""
        for statement in END_LEASES:
            await self.execute(statement)

    async def clean(self) -> None:
        """End all subjects, also frozen ones, and every fault; leave no work behind."""
        for subject in self._subjects:
            if subject.exitcode is None:
                subject.process.kill()
            await asyncio.to_thread(subject.process.join)
            subject.process.close()
        self._subjects.clear()
        await self.execute("DELETE FROM transfers")
        await self.stack.flush()
        for platform in self.stack.system.sandbox_urls:
            await self.stack.control(platform, "faults", method="DELETE")
            await self.stack.control(platform, "requests", method="DELETE")

    async def execute(self, statement: str, *arguments: Any) -> None:
        await self._connected("execute", statement, *arguments)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        return await self._connected("fetchval", statement, *arguments)

    async def _connected(self, method: str, statement: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.stack.system.settings["CROSSPLAY_DATABASE_URL"])
        try:
            return await getattr(connection, method)(statement, *arguments)
        finally:
            await connection.close()

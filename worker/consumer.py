"""One platform's actor: takes as many jobs as it has free slots, and acknowledges each after its commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.messages import RunJob
from shared.meters import meters
from shared.models import Platform
from shared.streams import STORE_ERRORS, Entry, Streams

BLOCK_MS = 1000  # a stop waits for this; the read itself is never cancelled, entries would strand
BACK_OFF_S = 0.5

Beat = Callable[[], Awaitable[None]]
Execute = Callable[[RunJob, Beat], Awaitable[tuple[bool, tuple[Platform, ...]]]]
Wake = Callable[[Sequence[Platform]], Awaitable[None]]


class Consumer:
    """Reads one platform's stream for one worker. reader: a client of its own, since its reads block."""

    def __init__(  # noqa: PLR0913  # each is a part that a test replaces
        self,
        platform: Platform,
        *,
        streams: Streams,
        reader: Redis,
        name: str,
        slot_count: int,
        lease_s: float,
        execute: Execute,
        wake: Wake,
    ) -> None:
        self.platform = self._platform = platform
        self._streams = streams
        self._reader = reader
        self._name = name
        self._slots = asyncio.BoundedSemaphore(slot_count)
        self._free_count = slot_count
        self._idle_ms = int(lease_s * 1000)
        self._claim_every_s = lease_s / 4
        self._execute = execute
        self._wake = wake
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._must_reread = True
        self._turned_at_s: float | None = None

    @property
    def is_reading(self) -> bool:
        """Whether its last look at the stream was answered."""
        return not self._must_reread

    @property
    def silent_s(self) -> float:
        """For how long it has not tried to look although it had room for a job; 0 where it does not run."""
        if self._turned_at_s is None or not self._free_count:
            return 0.0
        return asyncio.get_running_loop().time() - self._turned_at_s

    async def run(self, stop: asyncio.Event) -> None:
        """Take and run jobs until `stop` is set. Jobs under way go on; `drain` waits for them."""
        loop = asyncio.get_running_loop()
        next_claim_at = loop.time()
        while not stop.is_set():
            if not self._free_count:
                await self._wait_for_room(stop)
                continue
            self._turned_at_s = loop.time()
            try:
                if self._must_reread:
                    await self._streams.ensure_group(self._platform)
                    await self._start(await self._stranded())
                    self._must_reread = False
                elif loop.time() >= next_claim_at:
                    next_claim_at = loop.time() + self._claim_every_s
                    await self._start(await self._claim())
                else:
                    await self._start(await self._read())
            except (ResponseError, *STORE_ERRORS) as error:
                # The stream may be gone, or an answer lost with the entries it delivered: look again.
                self._must_reread = True
                logger.debug("Stream does not answer", platform=self._platform, error=type(error).__name__)
                await asyncio.sleep(BACK_OFF_S)
        self._turned_at_s = None

    async def _wait_for_room(self, stop: asyncio.Event) -> None:
        """Wait until a job ends or `stop` is set, which a worker full of long jobs must hear as well."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    async def drain(self) -> None:
        """Wait for the jobs under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def leave(self) -> None:
        """Cancel what is still running and take this consumer's name off the group."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        try:
            await self._streams.forget(self._platform, consumer=self._name)
        except STORE_ERRORS:
            return

    async def _read(self) -> list[Entry]:
        return await self._streams.read(
            self._reader, self._platform, consumer=self._name, count=self._free_count, block_ms=BLOCK_MS
        )

    async def _stranded(self) -> list[Entry]:
        entries = await self._streams.read_stranded(self._platform, consumer=self._name, count=1000)
        return [entry for entry in entries if entry.id not in self._tasks][: self._free_count]

    async def _claim(self) -> list[Entry]:
        entries = await self._streams.claim(
            self._platform, consumer=self._name, idle_ms=self._idle_ms, count=self._free_count
        )
        fresh = [entry for entry in entries if entry.id not in self._tasks]
        if fresh:
            meters.jobs_reclaimed(len(fresh), platform=self._platform)
            logger.info("Jobs taken over", platform=self._platform, job_count=len(fresh))
        return fresh

    async def _start(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            await self._slots.acquire()  # at once: no more were read than there are free
            self._free_count -= 1
            self._tasks[entry.id] = asyncio.create_task(self._process(entry))

    async def _process(self, entry: Entry) -> None:
        try:
            if entry.message is None:
                logger.warning("Entry cannot be read", platform=self._platform, entry_id=entry.id)
                await self._streams.ack(self._platform, entry.id)
                return
            is_settled, platforms = await self._execute(entry.message, lambda: self._beat(entry))
            if is_settled:
                await self._streams.ack(self._platform, entry.id)
            if platforms:
                await self._wake(platforms)
        except STORE_ERRORS as error:
            logger.debug("Entry stays pending", platform=self._platform, error=type(error).__name__)
        finally:
            self._tasks.pop(entry.id, None)
            self._free_count += 1
            self._slots.release()

    async def _beat(self, entry: Entry) -> None:
        try:
            await self._streams.renew(self._platform, consumer=self._name, entry_ids=[entry.id])
        except STORE_ERRORS:
            return  # the lease in Postgres is what counts

"""The engine on a real Postgres between two platforms in memory; a test moves jobs and time by hand."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from shared.clock import SystemClock
from shared.db import items, jobs, transfers, undos, users
from shared.db.jobs import Job
from shared.db.pool import Pool
from shared.db.transfers import NewTransfer, Transfer
from shared.lifecycle import Bucket, State, count_buckets
from shared.messages import RunJob
from shared.models import (
    ConnectionId,
    Explicit,
    Isrc,
    JobId,
    Outcome,
    Platform,
    PlaylistId,
    Policy,
    SourceItem,
    Track,
    TrackId,
    TransferId,
    UserId,
)
from shared.platforms.base import Adapter, Capabilities, WriteClass
from tests.fakes.adapter import Death, MemoryAdapter, MemoryPlatform
from worker.executor import Executor
from worker.lookups import Lookups
from worker.transfer import TransferRunner

LEASE_S = 30.0
SEND_TIMEOUT_S = 10.0
SOURCE_ID = PlaylistId("source")
MOST_STEPS = 300

POSITIONED = Capabilities(
    write_class=WriteClass.POSITIONED_INSERT,
    isrc_batch=1,
    add_batch=4,
    remove_batch=3,
    has_albums=True,
    read_page=5,
    playlist_limit=None,
    visibility_delay_s=2.0,
    reads_lag=False,
)
APPENDING = Capabilities(
    write_class=WriteClass.APPEND_AND_READ_BACK,
    isrc_batch=25,
    add_batch=4,
    remove_batch=3,
    has_albums=True,
    read_page=5,
    playlist_limit=None,
    visibility_delay_s=30.0,
    reads_lag=True,
)
KEYED = msgspec.structs.replace(
    APPENDING, write_class=WriteClass.IDEMPOTENCY_KEY, key_life_s=600.0, keeps_repeats=False
)
REPLACING = msgspec.structs.replace(POSITIONED, write_class=WriteClass.REPLACE_WHOLE_LIST)

RUNNABLE = """
SELECT jobs.id, jobs.transfer_id FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
WHERE jobs.state = 'open' AND transfers.state IN ('queued', 'running') AND run_at <= clock_timestamp()
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
      AND ($1::uuid IS NULL OR jobs.transfer_id = $1) AND ($2::text IS NULL OR jobs.phase = $2)
ORDER BY run_at, jobs.created_at LIMIT 1
"""
NEXT_IN_S = """
SELECT extract(epoch FROM min(greatest(run_at, coalesce(lease_until, run_at))) - clock_timestamp())::float8
FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
WHERE jobs.state = 'open' AND transfers.state IN ('queued', 'running')
"""
SKIP = (
    "UPDATE jobs SET run_at = run_at - make_interval(secs => $1)",
    "UPDATE jobs SET queued_at = queued_at - make_interval(secs => $1)",
    "UPDATE jobs SET lease_until = lease_until - make_interval(secs => $1)",
    "UPDATE intents SET sent_at = sent_at - make_interval(secs => $1)",
    "UPDATE intents SET observed_at = observed_at - make_interval(secs => $1)",
    "UPDATE transfers SET resume_at = resume_at - make_interval(secs => $1)",
    "UPDATE lookups SET expires_at = expires_at - make_interval(secs => $1)",
)
CONNECT = """
INSERT INTO connections (id, user_id, platform, account_id, label, market, sealed_tokens, authorized_at)
VALUES ($1, $2, $3, 'account', 'Mira', 'DE', 'sealed', now())
"""


def source_track(number: int) -> Track:
    return Track(
        platform=Platform.SPOTIFY,
        id=TrackId(f"s{number}"),
        title=f"Lantern {number}",
        artists=("The Paper Boats",),
        album="Tides",
        duration_ms=200_000 + number * 1000,
        isrc=Isrc(f"XXAAA26{number:05}"),
    )


def target_track(number: int) -> Track:
    return msgspec.structs.replace(
        source_track(number), platform=Platform.APPLE_MUSIC, id=TrackId(f"t{number}")
    )


def target_ids(numbers: Sequence[int]) -> list[TrackId]:
    return [TrackId(f"t{number}") for number in numbers]


class Engine:
    """Source is Spotify's place, target is Apple Music's, whatever their capabilities are.

    connection_error: raised instead of opening a connection. policy, explicit: of the next transfers.
    """

    def __init__(self, pool: Pool, redis: Redis, *, target: Capabilities) -> None:
        self.pool = pool
        self.source = MemoryPlatform(Platform.SPOTIFY, capabilities=POSITIONED)
        self.target = MemoryPlatform(Platform.APPLE_MUSIC, capabilities=target)
        self.connection_error: Exception | None = None
        self.public_markets: list[str] = []
        self.policy = Policy.SAME_RECORDING
        self.explicit = Explicit.AS_SOURCE
        self._redis = redis

    def executor(
        self, owner: str = "worker-1", *, lease_s: float = LEASE_S, max_attempts: int = 20
    ) -> Executor:
        """Return one more worker."""
        runner = self.runner()
        return Executor(
            pool=self.pool,
            run=runner.run,
            warn_late_write=runner.warn_late_write,
            clock=SystemClock(),
            rng=random.Random(7),
            owner=owner,
            lease_s=lease_s,
            send_timeout_s=SEND_TIMEOUT_S,
            max_attempts=max_attempts,
        )

    def runner(self) -> TransferRunner:
        return TransferRunner(
            pool=self.pool,
            lookups=Lookups(self.pool, self._redis),
            open_adapter=self._open_adapter,
            open_public=self._open_public,
            send_timeout_s=SEND_TIMEOUT_S,
            rng=random.Random(7),
        )

    async def transfer(
        self,
        numbers: Sequence[int],
        *,
        user: str = "mira",
        playlist: str | None = None,
        on_duplicate: str = "keep",
        known: Sequence[int] | None = None,
        public_market: str | None = None,
    ) -> TransferId:
        """Start a transfer of a source playlist of these tracks; the target's catalog has the known ones.

        public_market: everybody may see the source; it is read in the catalog of this country.
        """
        source_id = PlaylistId(f"{SOURCE_ID}-{uuid.uuid4()}")
        self.source.sources[source_id] = [SourceItem(track=source_track(number)) for number in numbers]
        self.target.know(*(target_track(number) for number in (numbers if known is None else known)))
        return await self.move_source(
            source_id, user=user, playlist=playlist, on_duplicate=on_duplicate, public_market=public_market
        )

    async def move_source(
        self,
        source_id: PlaylistId,
        *,
        user: str = "mira",
        playlist: str | None = None,
        on_duplicate: str = "keep",
        public_market: str | None = None,
    ) -> TransferId:
        """Start a transfer of what stands in one of the source's lists."""
        user_id = await users.ensure(self.pool, name=user)
        new = NewTransfer(
            id=TransferId(str(uuid.uuid4())),
            user_id=user_id,
            idempotency_key=None,
            request_sha256=b"",
            source_connection_id=await self._connect(user_id, Platform.SPOTIFY)
            if public_market is None
            else None,
            source_market=public_market,
            source_platform=Platform.SPOTIFY,
            source_playlist_id=source_id,
            source_name="Tides",
            target_connection_id=await self._connect(user_id, Platform.APPLE_MUSIC),
            target_platform=Platform.APPLE_MUSIC,
            target_playlist_id=PlaylistId(playlist) if playlist else None,
            target_name=playlist or "Tides",
            target_url=None,
            policy=self.policy,
            explicit=self.explicit,
            on_duplicate=on_duplicate,
            trace={},
        )
        transfer, _ = await transfers.insert(self.pool, new)
        return transfer.id

    async def undo(self, undone_id: TransferId) -> TransferId:
        """Start to undo a transfer."""
        undo, _ = await undos.begin(
            self.pool,
            undone_id,
            user_id=(await self.load(undone_id)).user_id,
            new_id=TransferId(str(uuid.uuid4())),
            trace={},
        )
        return undo.id

    async def step(
        self, worker: Executor | None = None, *, of: TransferId | None = None, phase: str | None = None
    ) -> bool:
        """Run the next runnable job to its verdict; False where there is none now."""
        row = await self.pool.fetchrow(RUNNABLE, of, phase)
        if row is None:
            return False
        message = RunJob(job_id=JobId(str(row["id"])), transfer_id=TransferId(str(row["transfer_id"])))
        with contextlib.suppress(Death):  # its lease stays behind
            await (worker or self.executor()).execute(message, _no_beat)
        return True

    async def run_phase(self, phase: str) -> None:
        """Run all jobs of a phase that can run now."""
        while await self.step(phase=phase):
            pass

    async def reach_first_batch(self) -> None:
        """Run everything before the first tracks are added."""
        await self.run_phase("read")
        await self.run_phase("match")
        await self.step(phase="write")

    async def run(self) -> None:
        """Run everything to its end; where work waits, time moves on."""
        worker = self.executor()
        for _ in range(MOST_STEPS):
            if await self.step(worker):
                continue
            wait_s = await self.pool.fetchval(NEXT_IN_S)
            if wait_s is None:
                return
            await self.skip(wait_s + 0.01)
        raise AssertionError("the transfer does not come to an end")

    async def skip(self, seconds: float) -> None:
        """Let time pass for everything that waits in Postgres."""
        for statement in SKIP:
            await self.pool.execute(statement, seconds)

    async def die_in(self, worker: Executor, *, phase: str = "write") -> None:
        """Run one job whose worker is cancelled on the way; its lease stays behind."""
        with contextlib.suppress(asyncio.CancelledError):
            await self.step(worker, phase=phase)

    async def load(self, transfer_id: TransferId) -> Transfer:
        return await transfers.load(self.pool, transfer_id)

    async def state(self, transfer_id: TransferId) -> State:
        return (await self.load(transfer_id)).state

    async def warnings(self, transfer_id: TransferId) -> set[str]:
        return {str(warning["code"]) for warning in (await self.load(transfer_id)).warnings}

    async def buckets(self, transfer_id: TransferId) -> dict[Bucket, int]:
        """Return the buckets that hold something."""
        rows = await self.items(transfer_id)
        pairs = [(item.outcome, item.is_written) for item in rows]
        counts = count_buckets({pair: pairs.count(pair) for pair in pairs})
        async with self.pool.acquire() as connection:
            assert await transfers.counts(connection, transfer_id) == counts
        return {bucket: count for bucket, count in counts.items() if count}

    async def items(self, transfer_id: TransferId) -> list[items.Item]:
        return await items.read_range(self.pool, transfer_id, first=0, last=1_000_000)

    async def outcomes(self, transfer_id: TransferId) -> list[Outcome]:
        return [item.outcome for item in await self.items(transfer_id)]

    async def job(self, *, phase: str) -> Job:
        """Return the open job of a phase."""
        row = await self.pool.fetchrow("SELECT * FROM jobs WHERE state = 'open' AND phase = $1", phase)
        assert row is not None
        return jobs.from_row(row)

    async def intent_count(self) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM intents"))

    async def _connect(self, user_id: UserId, platform: Platform) -> ConnectionId:
        known = await self.pool.fetchval(
            "SELECT id FROM connections WHERE user_id = $1 AND platform = $2", user_id, platform
        )
        connection_id = ConnectionId(str(known or uuid.uuid4()))
        if known is None:
            await self.pool.execute(CONNECT, connection_id, user_id, platform)
        return connection_id

    async def _open_adapter(self, platform: Platform, connection_id: ConnectionId) -> tuple[Adapter, str]:
        del connection_id
        if self.connection_error is not None:
            raise self.connection_error
        world = self.source if platform is Platform.SPOTIFY else self.target
        return MemoryAdapter(world), "DE"

    def _open_public(self, platform: Platform, market: str) -> Adapter:
        assert platform is Platform.SPOTIFY
        self.public_markets.append(market)
        return MemoryAdapter(self.source)


async def _no_beat() -> None:
    return

"""A database that is put back while the playlists stay as they are: nothing is added twice or lost."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from redis.asyncio import Redis

from shared.backup_file import BackupReader
from shared.db import workers
from shared.db.dump import dump
from shared.db.pool import Pool, open_pool
from shared.db.restore import adopt, restore
from shared.errors import MaintenanceRefused
from shared.lifecycle import Bucket, State
from shared.models import TrackId, TransferId
from shared.secret import Secret
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import APPENDING, POSITIONED, Engine, target_ids

pytestmark = pytest.mark.integration

NUMBERS = [0, 1, 2, 3, 1, 4, 5, 6, 7, 0, 8]  # two of them twice
FREE_THE_JOBS = "UPDATE jobs SET lease_until = NULL WHERE state = 'open'"

Until = Callable[[Engine], Awaitable[None]]


async def before_anything(_: Engine) -> None:
    return


async def matched(engine: Engine) -> None:
    await engine.run_phase("read")
    await engine.run_phase("match")


async def created(engine: Engine) -> None:
    await matched(engine)
    await engine.step(phase="write")


async def half_written(engine: Engine) -> None:
    await created(engine)
    await engine.step(phase="write")


async def written(engine: Engine, count: int) -> None:
    """Go on until so many tracks have been written."""
    await matched(engine)
    while await engine.pool.fetchval("SELECT count(*) FROM items WHERE is_written") < count:
        await engine.skip(60)
        await engine.step()


async def in_the_send(engine: Engine) -> None:
    await half_written(engine)
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.die_in(engine.executor("dead"))
    await engine.pool.execute(FREE_THE_JOBS)


async def in_the_creation(engine: Engine) -> None:
    await matched(engine)
    engine.target.create_mishaps.append(Lost(error=Death()))
    await engine.die_in(engine.executor("dead"))
    await engine.pool.execute(FREE_THE_JOBS)


MOMENTS = [before_anything, matched, half_written, in_the_send, in_the_creation]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_transfer_that_went_on_after_the_backup_ends_perfect_after_the_restore(
    engine: Engine, redis: Redis, shared_database_url: str, empty_database_url: str, moment: Until
) -> None:
    transfer_id = await engine.transfer(NUMBERS)
    await moment(engine)
    backup = await backed_up(shared_database_url)
    await engine.run()
    assert engine.target.ids_of() == target_ids(NUMBERS)

    async with restored(engine, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        assert again.target.ids_of() == target_ids(NUMBERS)
        assert await again.state(transfer_id) is State.COMPLETED
        assert await again.buckets(transfer_id) == {Bucket.WRITTEN: len(NUMBERS)}
        assert await again.warnings(transfer_id) == set()


@pytest.mark.parametrize("written_count", [0, 1, 4, 5, 8])
async def test_parts_that_were_made_and_filled_after_the_backup_are_found_and_not_made_again(
    engine: Engine, redis: Redis, shared_database_url: str, empty_database_url: str, written_count: int
) -> None:
    engine.target.capabilities = msgspec.structs.replace(engine.target.capabilities, playlist_limit=4)
    transfer_id = await engine.transfer(NUMBERS)
    await written(engine, written_count)
    backup = await backed_up(shared_database_url)
    await engine.run()
    before = {stored.head.name: list(stored.track_ids) for stored in engine.target.playlists.values()}
    assert before == {
        "Tides": target_ids(NUMBERS[:4]),
        "Tides (2)": target_ids(NUMBERS[4:8]),
        "Tides (3)": target_ids(NUMBERS[8:]),
    }

    async with restored(engine, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        after = {stored.head.name: stored.track_ids for stored in again.target.playlists.values()}
        assert after == before
        assert len(again.target.playlists) == 3
        assert await again.state(transfer_id) is State.COMPLETED
        assert await again.buckets(transfer_id) == {Bucket.WRITTEN: len(NUMBERS)}


@pytest.mark.parametrize("batch_count", [0, 1])
async def test_a_transfer_that_had_not_gone_far_after_the_backup_adds_the_rest(
    engine: Engine, redis: Redis, shared_database_url: str, empty_database_url: str, batch_count: int
) -> None:
    transfer_id = await engine.transfer(NUMBERS)
    await created(engine)
    backup = await backed_up(shared_database_url)
    for _ in range(batch_count):
        await engine.step(phase="write")

    async with restored(engine, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        assert again.target.ids_of() == target_ids(NUMBERS)
        assert await again.buckets(transfer_id) == {Bucket.WRITTEN: len(NUMBERS)}


async def test_of_an_existing_playlist_what_was_there_and_what_was_added_since_is_told_apart(
    engine: Engine, redis: Redis, shared_database_url: str, empty_database_url: str
) -> None:
    base = [TrackId("base91"), *target_ids([1, 2]), TrackId("base92")]
    engine.target.place("mine", track_ids=base)
    transfer_id = await engine.transfer(NUMBERS, playlist="mine", on_duplicate="keep")
    await created(engine)  # which has read and noted what stood there
    backup = await backed_up(shared_database_url)
    await engine.step(phase="write")

    async with restored(engine, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        assert again.target.ids_of("mine") == [*base, *target_ids(NUMBERS)]
        assert await again.warnings(transfer_id) == set()


async def test_of_an_existing_playlist_that_was_not_read_yet_no_track_is_added_again_and_each_is_named(
    engine: Engine, redis: Redis, shared_database_url: str, empty_database_url: str
) -> None:
    engine.target.place("mine", track_ids=[TrackId("base91")])
    transfer_id = await engine.transfer(range(9), playlist="mine", on_duplicate="keep")
    await matched(engine)
    backup = await backed_up(shared_database_url)
    await created(engine)
    await engine.step(phase="write")

    async with restored(engine, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        assert again.target.ids_of("mine") == [TrackId("base91"), *target_ids(range(9))]
        buckets = await again.buckets(transfer_id)
        assert buckets.keys() == {Bucket.WRITTEN, Bucket.ALREADY_PRESENT}
        assert sum(buckets.values()) == 9


async def test_an_undo_that_went_on_after_the_backup_removes_what_is_left_and_nothing_else(
    positioned: Engine, redis: Redis, shared_database_url: str, empty_database_url: str
) -> None:
    positioned.target.place("mine", track_ids=[TrackId("base91")])
    transfer_id = await positioned.transfer(range(9), playlist="mine")
    await positioned.run()
    undo_id = await positioned.undo(transfer_id)
    backup = await backed_up(shared_database_url)
    await positioned.step(phase="undo")
    assert len(positioned.target.ids_of("mine")) < 10

    async with restored(positioned, redis, backup=backup, database_url=empty_database_url) as again:
        await again.run()

        assert again.target.ids_of("mine") == [TrackId("base91")]
        assert await again.state(undo_id) is State.COMPLETED


async def test_a_restored_transfer_that_is_cancelled_tells_what_was_added(
    positioned: Engine, redis: Redis, shared_database_url: str, empty_database_url: str
) -> None:
    transfer_id = await positioned.transfer(range(9))
    await created(positioned)
    backup = await backed_up(shared_database_url)
    await positioned.step(phase="write")
    added_count = len(positioned.target.ids_of())

    async with restored(positioned, redis, backup=backup, database_url=empty_database_url) as again:
        await again.pool.execute("UPDATE transfers SET is_cancelling = true")
        await again.run()

        assert await again.state(transfer_id) is State.CANCELLED
        assert (await again.buckets(transfer_id))[Bucket.WRITTEN] == added_count > 0


async def test_an_owner_from_before_the_backup_changes_nothing_after_the_restore(
    positioned: Engine, redis: Redis, shared_database_url: str, empty_database_url: str
) -> None:
    await positioned.transfer(range(3))
    backup = await backed_up(shared_database_url)
    before = await positioned.job(phase="read")

    async with restored(positioned, redis, backup=backup, database_url=empty_database_url) as again:
        after = await again.job(phase="read")
        again_transfer = await again.load(TransferId(after.transfer_id))

    assert after.epoch > before.epoch + 1000
    assert again_transfer.revision > 1000  # no client takes it for one that it has seen


async def test_a_database_that_was_put_back_by_other_means_is_adopted_once_nobody_works_on_it(
    positioned: Engine, shared_database_url: str
) -> None:
    transfer_id = await positioned.transfer(range(9))
    await half_written(positioned)
    before = await positioned.load(transfer_id)
    await positioned.step(phase="write")
    await positioned.pool.execute("UPDATE items SET is_written = false")  # as if that had never been noted
    await positioned.pool.execute("UPDATE transfers SET target_count = 0")
    await workers.seen(positioned.pool, "somebody", slot_count=1)
    with pytest.raises(MaintenanceRefused, match="Stop them first"):
        await adopt(shared_database_url)
    await workers.leave(positioned.pool, "somebody")

    assert await adopt(shared_database_url) == 1

    await positioned.run()
    assert positioned.target.ids_of() == target_ids(range(9))
    assert (await positioned.load(transfer_id)).revision > before.revision + 1000


async def backed_up(database_url: str) -> bytes:
    stream = io.BytesIO()
    await dump(database_url, stream, taken_at=datetime.now(UTC), settings={}, part_bytes=500)
    return stream.getvalue()


@asynccontextmanager
async def restored(
    engine: Engine, redis: Redis, *, backup: bytes, database_url: str
) -> AsyncIterator[Engine]:
    """Give the same platforms an engine on another database, with an empty Redis."""
    await redis.flushdb()
    await restore(database_url, BackupReader(io.BytesIO(backup)))
    pool: Pool
    async with await open_pool(Secret(database_url), size=4) as pool:
        again = Engine(
            pool, redis, target=POSITIONED if engine.target.capabilities is POSITIONED else APPENDING
        )
        again.source, again.target = engine.source, engine.target
        yield again

"""The engine in front of a platform that has no call to add a track, and of liked songs as a source."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.sandbox.world import World
from shared.db.pool import Pool
from shared.lifecycle import State
from shared.platforms.collections import Collection
from tests.contract.sandboxes import FLAVORS, Stage, line, staged
from tests.integration.worker.sandboxed import SandboxedEngine

pytestmark = pytest.mark.integration

NAME, COPY = "Long Way", "Long Way Home"
REPEATED = [0, 1, 2, 0, *range(3, 60), 1]


@asynccontextmanager
async def between(
    pool: Pool, redis: Redis, directory: Path, *, source: str, target: str
) -> AsyncIterator[tuple[SandboxedEngine, Stage, Stage]]:
    """Start both sandboxes over one world, in which the source has a playlist with repeats."""
    catalog, playlist = directory / "catalog.jsonl", directory / "list.json"
    catalog.write_text("\n".join(json.dumps(line(number)) for number in range(60)))
    rows = [line(number) for number in REPEATED]
    playlist.write_text(json.dumps({"source_platform": source, "playlist_name": NAME, "tracks": rows}))
    world = World.load([catalog, playlist])
    async with AsyncExitStack() as stack:
        stages = [await stack.enter_async_context(staged(world, FLAVORS[name])) for name in (source, target)]
        yield SandboxedEngine(pool, redis, source=stages[0], target=stages[1]), stages[0], stages[1]


async def copied(stage: Stage) -> list[str]:
    return await stage.truth(await stage.playlist_named(COPY))


async def test_whole_list_arrives_in_order_with_its_repeats_by_one_write(
    pool: Pool, redis: Redis, tmp_path: Path
) -> None:
    async with between(pool, redis, tmp_path, source="spotify", target="soundcloud") as (engine, here, there):
        transfer_id = await engine.move(await here.playlist_named(NAME))

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        assert await copied(there) == list(map(there.track_id, REPEATED))
        assert len(await there.calls("replace_playlist")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "applied_then_lost"},
        {"kind": "applied_then_error", "partial": 20},
        {"kind": "drop"},
        {"kind": "rate_limit", "retry_after_s": 1},
        {"kind": "visibility_delay", "visibility_delay_s": 1},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_write_that_goes_wrong_leaves_every_track_once(
    pool: Pool, redis: Redis, tmp_path: Path, fault: dict[str, object]
) -> None:
    async with between(pool, redis, tmp_path, source="spotify", target="soundcloud") as (engine, here, there):
        await there.order("POST", "faults", {"operation": "replace_playlist", "count": 1, **fault})
        transfer_id = await engine.move(await here.playlist_named(NAME))

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        assert await copied(there) == list(map(there.track_id, REPEATED))


async def test_track_that_the_list_cannot_take_is_found_by_halving_and_named(
    pool: Pool, redis: Redis, tmp_path: Path
) -> None:
    async with between(pool, redis, tmp_path, source="spotify", target="soundcloud") as (engine, here, there):
        bad = there.track_id(40)
        await there.order(
            "POST", "faults", {"operation": "replace_playlist", "kind": "poison", "poison_ids": [bad]}
        )
        transfer_id = await engine.move(await here.playlist_named(NAME))

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        expected = [there.track_id(number) for number in REPEATED if number != 40]
        assert await copied(there) == expected
        failed = [item for item in await engine.items(transfer_id) if item.outcome == "failed"]
        assert [item.position for item in failed] == [REPEATED.index(40)]
        assert "does not take" in failed[0].reason


@pytest.mark.parametrize(("source", "target"), [("spotify", "soundcloud"), ("soundcloud", "spotify")])
async def test_liked_songs_become_a_playlist_with_the_newest_first(
    pool: Pool, redis: Redis, tmp_path: Path, source: str, target: str
) -> None:
    async with between(pool, redis, tmp_path, source=source, target=target) as (engine, here, there):
        track_ids = [here.track_id(number) for number in range(60)]
        await here.order("POST", "kept", {"ids": track_ids})
        transfer_id = await engine.move(Collection.LIKED.playlist_id)

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        assert await copied(there) == [there.track_id(number) for number in reversed(range(60))]

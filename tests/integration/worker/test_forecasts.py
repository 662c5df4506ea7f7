"""Forecasts against what transfers between sandboxes really ask for."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from deploy.sandbox.world import World
from shared.db.pool import Pool
from shared.forecast import LOOKS, PATIENT_LOOKS, Forecast, Range, Shape, Side, by_phase, forecast
from shared.lifecycle import Phase, State
from shared.models import Platform
from tests.contract.sandboxes import FLAVORS, Stage, line, staged
from tests.integration.worker.sandboxed import SandboxedEngine
from worker.phases.verify import LOOK_COUNT, PATIENT_LOOK_COUNT

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
NAME = "Long Way"
PAIRS = [("spotify", "apple_music"), ("apple_music", "spotify")]
# Rows of Deezer without ISRC, as until 2023, cost a request each; files have no server.
LIKE_NO_OTHER = ("deezer-2023", "spotify-extended", "jukebox", "file")
OTHERS = [name for name in sorted(FLAVORS) if name not in ("spotify", "apple_music", *LIKE_NO_OTHER)]
ALL_PAIRS = [*PAIRS, *(("spotify", name) for name in OTHERS), *((name, "spotify") for name in OTHERS)]
ROUGHLY = {Platform.SUBSONIC: 4, Platform.LISTENBRAINZ: 1}
"""Requests by which a short list may differ: an index is read once; a batch may be half empty."""
WITHOUT_ISRC = "youtube"
"""Its rows say none; what they cost depends on their words and albums, and only the most is foretold."""


def write_world(directory: Path, *, platform: str, rows: list[dict[str, Any]]) -> World:
    """Write one playlist of these rows, and a catalog that has some more."""
    catalog, playlist = directory / "catalog.jsonl", directory / "list.json"
    catalog.write_text("\n".join(json.dumps(line(number)) for number in range(len(rows) + 50)))
    playlist.write_text(json.dumps({"source_platform": platform, "playlist_name": NAME, "tracks": rows}))
    return World.load([catalog, playlist])


@asynccontextmanager
async def between(
    pool: Pool, redis: Redis, *, world: World, source: str, target: str
) -> AsyncIterator[tuple[SandboxedEngine, Stage, Stage]]:
    async with AsyncExitStack() as stack:
        stages = [await stack.enter_async_context(staged(world, FLAVORS[name])) for name in (source, target)]
        for stage in stages:
            for budget in stage.budgets.by_key.values():
                budget.prices.clear()  # of signing in
        yield SandboxedEngine(pool, redis, source=stages[0], target=stages[1]), stages[0], stages[1]


def foretold(shape: Shape, *, source: Stage, target: Stage) -> Forecast:
    sides = [
        Side(
            platform=stage.platform,
            capabilities=stage.capabilities,
            profile=stage.platforms.profile(stage.platform),
        )
        for stage in (source, target)
    ]
    return forecast(shape, source=sides[0], target=sides[1], standings={}, now=NOW)


def of_isrcs(count: int) -> Shape:
    return Shape(row_count=count, track_count=count, isrc_count=count)


def check(units: Range, spent: int, *, slack: int = 0) -> None:
    assert spent <= units.most + slack
    assert abs(spent - units.expected) <= 0.15 * units.expected + slack


@pytest.mark.parametrize(
    ("source", "target", "count"),
    [*((*pair, count) for pair in ALL_PAIRS for count in (0, 1, 130)), *((*pair, 1_000) for pair in PAIRS)],
)
async def test_a_transfer_of_isrcs_asks_for_what_was_foretold(
    pool: Pool, redis: Redis, tmp_path: Path, source: str, target: str, count: int
) -> None:
    platform = FLAVORS[source].options.platform
    world = write_world(tmp_path, platform=platform, rows=[line(number) for number in range(count)])
    async with between(pool, redis, world=world, source=source, target=target) as (engine, here, there):
        by_isrc = source != WITHOUT_ISRC and there.capabilities.isrc_batch > 0
        told = foretold(of_isrcs(count), source=here, target=there)
        transfer_id = await engine.move(await here.playlist_named(NAME))

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        spent = engine.spent()
        for need in told.needs:
            units, slack = spent.pop((need.platform, need.name), 0), ROUGHLY.get(need.platform, 0)
            if by_isrc:
                check(need.units, units, slack=slack)
            assert units <= need.units.most + slack
        assert not spent


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_each_phase_asks_for_what_was_foretold(
    pool: Pool, redis: Redis, tmp_path: Path, source: str, target: str
) -> None:
    world = write_world(tmp_path, platform=source, rows=[line(number) for number in range(260)])
    async with between(pool, redis, world=world, source=source, target=target) as (engine, here, there):
        told = by_phase(foretold(of_isrcs(260), source=here, target=there).steps)
        await engine.move(await here.playlist_named(NAME))

        for phase in (Phase.READ, Phase.MATCH, Phase.WRITE, Phase.VERIFY):
            before = sum(engine.spent().values())
            await engine.run_phase(phase)
            platform = here.platform if phase is Phase.READ else there.platform
            check(told[phase, platform], sum(engine.spent().values()) - before)


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_tracks_that_only_texts_find_or_nothing_never_cost_more_than_the_most(
    pool: Pool, redis: Redis, tmp_path: Path, source: str, target: str
) -> None:
    nowhere = [
        {"title": f"Unheard Of {number}", "artists": ["Nobody Else"], "album": f"Lost {number // 4}"}
        for number in range(40)
    ]
    by_text = [{**line(number), "isrc": None, "platform": source} for number in range(40)]
    world = write_world(tmp_path, platform=source, rows=[*by_text, *nowhere])
    async with between(pool, redis, world=world, source=source, target=target) as (engine, here, there):
        shape = Shape(row_count=80, track_count=80, isrc_count=0)
        told = foretold(shape, source=here, target=there)
        transfer_id = await engine.move(await here.playlist_named(NAME))

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        spent = engine.spent()
        for need in told.needs:
            assert spent.get((need.platform, need.name), 0) <= need.units.most
        texts = by_phase(told.steps)[Phase.MATCH, there.platform]
        assert texts.least < 40 < texts.most


async def test_a_second_transfer_of_the_same_list_asks_for_the_least(
    pool: Pool, redis: Redis, tmp_path: Path
) -> None:
    world = write_world(tmp_path, platform="spotify", rows=[line(number) for number in range(120)])
    pair = {"source": "spotify", "target": "apple_music"}
    async with between(pool, redis, world=world, **pair) as (engine, here, there):
        told = foretold(of_isrcs(120), source=here, target=there)
        for _ in range(2):
            before = engine.spent()
            await engine.move(await here.playlist_named(NAME))
            await engine.run()

        for need in told.needs:
            place = (need.platform, need.name)
            assert engine.spent()[place] - before.get(place, 0) == need.units.least


async def test_a_public_source_asks_for_what_its_platform_declares_of_it(
    pool: Pool, redis: Redis, tmp_path: Path
) -> None:
    world = write_world(tmp_path, platform="apple_music", rows=[line(number) for number in range(230)])
    pair = {"source": "apple_music", "target": "spotify"}
    async with between(pool, redis, world=world, **pair) as (engine, here, there):
        beside = here.platforms.public_reads(Platform.APPLE_MUSIC).beside
        read = msgspec.structs.replace(here.capabilities, beside=beside)
        told = forecast(
            of_isrcs(230),
            source=Side(
                platform=here.platform, capabilities=read, profile=here.platforms.profile(here.platform)
            ),
            target=Side(
                platform=there.platform,
                capabilities=there.capabilities,
                profile=there.platforms.profile(there.platform),
            ),
            standings={},
            now=NOW,
        )
        own_id = await here.playlist_named(NAME)
        transfer_id = await engine.move(here.flavor.public_id(own_id), is_public=True)

        await engine.run()

        assert (await engine.load(transfer_id)).state is State.COMPLETED
        assert len(await engine.items(transfer_id)) == 230
        for need in told.needs:
            check(need.units, engine.spent().get((need.platform, need.name), 0))


def test_forecasts_count_the_looks_that_a_worker_takes() -> None:
    assert (LOOKS, PATIENT_LOOKS) == (LOOK_COUNT, PATIENT_LOOK_COUNT)

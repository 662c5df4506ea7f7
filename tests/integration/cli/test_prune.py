"""Old transfers are removed in batches, beside whatever runs, and nothing else is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from shared.db import files, retention, users
from shared.db.pool import Pool, open_pool
from shared.db.shelf import PostgresShelf
from shared.formats.reading import read
from shared.models import Platform, Track, TrackId, TransferId
from shared.platforms.files.identity import identify
from shared.secret import Secret
from shared.streams import open_redis
from tests.integration.cli.conftest import Operate
from tests.integration.worker.engine import POSITIONED, Engine

pytestmark = pytest.mark.integration

AGE = """
UPDATE transfers SET finished_at = finished_at - make_interval(days => $2) WHERE id = $1 RETURNING finished_at
"""
AGE_FILE = "UPDATE shelf_playlists SET changed_at = now() - make_interval(days => $2) WHERE id = $1"
AGES = (("Old", 100), ("Needed", 100), ("Young", 80))
USE_FILE = "UPDATE transfers SET source_platform = 'file', source_playlist_id = $1::text"
END = """
UPDATE transfers SET state = 'completed', finished_at = now() - interval '1 year' WHERE id = $1
"""
RULE = """
INSERT INTO match_rules (id, user_id, source_platform, source_track_id, source, target_platform, target)
VALUES (gen_random_uuid(), $1, 'spotify', 's1', '{}', 'file', $2)
"""
LEFT = """
SELECT (SELECT count(*) FROM transfers) AS transfers, (SELECT count(*) FROM items) AS items,
       (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM item_counts) AS counts,
       (SELECT count(*) FROM lookups) AS lookups
"""


@pytest_asyncio.fixture
async def engine(database_url: str, redis_url: str) -> AsyncIterator[Engine]:
    async with await open_pool(Secret(database_url), size=4) as pool, open_redis(Secret(redis_url)) as redis:
        yield Engine(pool, redis, target=POSITIONED)


async def ended(engine: Engine, *, days_ago: int, track_count: int = 3) -> TransferId:
    transfer_id = await engine.transfer(range(track_count))
    await engine.run()
    assert await engine.pool.fetchval(AGE, transfer_id, days_ago) is not None
    return transfer_id


async def left(pool: Pool) -> dict[str, Any]:
    return dict(await pool.fetchrow(LEFT))


async def transfer_ids(pool: Pool) -> set[str]:
    return {str(row["id"]) for row in await pool.fetch("SELECT id FROM transfers")}


async def test_what_ended_long_ago_goes_and_what_runs_or_is_young_stays(
    engine: Engine, operate: Operate
) -> None:
    old = await ended(engine, days_ago=100)
    young = await ended(engine, days_ago=80)
    running = await engine.transfer(range(3))
    await engine.run_phase("read")
    await engine.pool.execute("UPDATE transfers SET created_at = now() - interval '1 year'")
    before = await left(engine.pool)

    counted = await operate("prune", "--older-than", "90d", "--dry-run")
    unchanged = await left(engine.pool)
    removed = await operate("prune", "--older-than", "90d", "-o", "json")
    again = await operate("prune", "--older-than", "90d")

    assert [code for code, _, _ in (counted, removed, again)] == [0, 0, 0]
    assert "Would remove 1 transfers with 3 tracks" in counted[1]
    assert unchanged == before
    told = json.loads(removed[1])
    assert (told["transfer_count"], told["item_count"]) == (1, 3)
    assert "Removed 0 transfers" in again[1]
    assert await transfer_ids(engine.pool) == {young, running}
    now = await left(engine.pool)
    assert (now["items"], now["lookups"]) == (before["items"] - 3, before["lookups"])
    assert await engine.pool.fetchval("SELECT count(*) FROM jobs WHERE transfer_id = $1", old) == 0


async def filed(engine: Engine, name: str, *, days_ago: int) -> str:
    """Import a file of one track that was last changed so long ago; return its id."""
    user_id = await users.ensure(engine.pool, name="mira")
    (file,) = await files.store(engine.pool, user_id, read(f"title\n{name}\n".encode(), name=f"{name}.csv"))
    await engine.pool.execute(AGE_FILE, file.id, days_ago)
    return str(file.id)


async def test_old_files_go_only_where_that_is_asked_for_and_never_what_a_transfer_is_at(
    engine: Engine, operate: Operate
) -> None:
    old, needed, young = [await filed(engine, name, days_ago=age) for name, age in AGES]
    await engine.transfer(range(3))
    await engine.pool.execute(USE_FILE, needed)

    kept = await operate("prune", "--older-than", "90d")
    counted = await operate("prune", "--older-than", "90d", "--files", "--dry-run")
    removed = await operate("prune", "--older-than", "90d", "--files")

    left = {str(row["id"]) for row in await engine.pool.fetch("SELECT id FROM shelf_playlists")}
    assert "files" not in kept[1]
    assert "Would remove 1 files" in counted[1]
    assert "Removed 1 files" in removed[1]
    assert left == {needed, young}
    assert old not in left


async def test_tracks_that_no_file_holds_go_unless_a_transfer_or_a_rule_may_want_them(
    engine: Engine, operate: Operate
) -> None:
    user_id = await users.ensure(engine.pool, name="mira")
    titles = ("Unused", "Ruled")
    tracks = [identify(Track(platform=Platform.FILE, id=TrackId(""), title=title)) for title in titles]
    await PostgresShelf(engine.pool).keep(user_id, tracks)
    await filed(engine, "Held", days_ago=100)
    await engine.pool.execute("UPDATE shelf_tracks SET kept_at = now() - interval '100 days'")
    await engine.pool.execute(RULE, user_id, msgspec.to_builtins(tracks[1]))
    transfer_id = await engine.transfer(range(3))
    await engine.pool.execute("UPDATE transfers SET target_platform = 'file'")

    wanted = await operate("prune", "--older-than", "90d", "-o", "json")
    await engine.pool.execute(END, transfer_id)
    free = await operate("prune", "--older-than", "90d", "-o", "json")

    left = await engine.pool.fetch("SELECT track ->> 'title' AS title FROM shelf_tracks ORDER BY 1")
    assert [json.loads(one[1])["unused_track_count"] for one in (wanted, free)] == [0, 1]
    assert [row["title"] for row in left] == ["Held", "Ruled"]


async def test_what_is_removed_is_removed_in_batches_of_bounded_size(engine: Engine) -> None:
    for days in (103, 102, 101):
        await ended(engine, days_ago=days, track_count=4)
    cutoff = await engine.pool.fetchval("SELECT now() - interval '90 days'")

    tallies = [await retention.remove_some(engine.pool, before=cutoff, most_items=8) for _ in range(3)]

    assert [tally and (tally.transfer_count, tally.item_count) for tally in tallies] == [(2, 8), (1, 4), None]


async def test_an_undo_and_what_it_undoes_go_together_once_both_are_old(engine: Engine) -> None:
    transfer_id = await ended(engine, days_ago=100)
    undo_id = await engine.undo(transfer_id)
    await engine.run()
    cutoff = await engine.pool.fetchval("SELECT now() - interval '90 days'")

    early = await retention.remove_some(engine.pool, before=cutoff)
    await engine.pool.fetchval(AGE, undo_id, 95)
    counted = await retention.old(engine.pool, before=cutoff)
    late = await retention.remove_some(engine.pool, before=cutoff)

    assert early is None
    assert late == counted == retention.Tally(transfer_count=2, item_count=6)
    assert await left(engine.pool) | {"lookups": 0} == dict.fromkeys(await left(engine.pool), 0)


async def test_one_that_is_opened_again_just_now_is_left_alone(engine: Engine) -> None:
    busy, free = await ended(engine, days_ago=100), await ended(engine, days_ago=99)
    cutoff = await engine.pool.fetchval("SELECT now() - interval '90 days'")

    async with engine.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM transfers WHERE id = $1 FOR UPDATE", busy)
        tally = await retention.remove_some(engine.pool, before=cutoff)
        nothing = await retention.remove_some(engine.pool, before=cutoff)
        await other.execute("UPDATE transfers SET state = 'running', finished_at = NULL WHERE id = $1", busy)
    end = await retention.remove_some(engine.pool, before=cutoff)

    assert (tally and tally.transfer_count, nothing, end) == (1, retention.Tally(), None)
    assert await transfer_ids(engine.pool) == {busy}
    assert free != busy

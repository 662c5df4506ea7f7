"""Both stores get into every trouble they know, in the middle of a transfer: the target is perfect.

No worker and no gateway is started anew: one system lives through all of it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from shared.db.pool import ACQUIRE_S, REPLY_S
from tests.e2e.stack import FAST, Stack, wait_until
from tests.e2e.users import Refused, patiently
from tests.e2e.worlds import Cut, Worlds
from tests.faults.proxy import Proxy
from tests.faults.stores import Stores
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LONGEST_ANSWER_S = ACQUIRE_S + REPLY_S + 2
CUT_COUNT, CUT_EVERY_S = 12, 0.15
MOST_STARTS = 30
IS_AWAY = "Store is away"

Trouble = Callable[[Stores], AbstractAsyncContextManager[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stores]:
    async with Stores.run(tmp_path_factory.mktemp("stores")) as stores:
        yield stores


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def troubled_stack(
    tmp_path_factory: pytest.TempPathFactory, worlds: Worlds, stores: Stores
) -> AsyncIterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("troubled")
    environ = {**FAST, **stores.environ}
    async with Stack.run(directory, worlds=worlds.paths, environ=environ, latency_ms=15) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stack(troubled_stack: Stack, stores: Stores) -> AsyncIterator[Stack]:
    """The system, whose processes have to outlive the test."""
    await stores.settle()
    await wait_until(troubled_stack.is_ready)
    await troubled_stack.refresh()
    await troubled_stack.forget_answers()

    yield troubled_stack

    assert all(process.returncode is None for process in troubled_stack.processes)


@pytest.mark.parametrize(
    ("trouble", "is_shown_of"),
    [
        (Stores.full_redis, "redis"),
        (Stores.lonely_redis, "redis"),
        (Stores.read_only_redis, "redis"),
        (Stores.read_only_postgres, "postgres"),
        (Stores.full_disk, None),
        (Stores.too_few_connections, None),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_store_that_cannot_serve_is_waited_for(
    stack: Stack, stores: Stores, worlds: Worlds, trouble: Trouble, is_shown_of: str | None
) -> None:
    transfer_id = await under_way(stack, worlds)
    told_count = stack.told_count(IS_AWAY)

    async with trouble(stores):
        await until(lambda: stack.told_count(IS_AWAY) > told_count)
        away = {name for name, is_well in (await stack.readiness()).items() if not is_well}

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []
    assert is_shown_of is None or away == {is_shown_of}


async def test_postgres_that_crashes_loses_no_commit(stack: Stack, stores: Stores, worlds: Worlds) -> None:
    transfer_id = await under_way(stack, worlds)

    for request_count in (12, 18):
        await stores.crash_postgres()
        await wait_until(stack.is_ready)
        await stack.reached(transfer_id, request_count=request_count)

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []


async def test_redis_that_loads_for_seconds_is_waited_for(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    await stores.fill_redis(key_count=8000)
    transfer_id = await under_way(stack, worlds)

    await stores.kill_redis(loads_slowly=True)
    await wait_until(stores.redis_is_loading)
    away = {name for name, is_well in (await stack.readiness()).items() if not is_well}

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []
    assert away == {"redis"}


@pytest.mark.parametrize("drop", [Stores.drop_streams, Stores.drop_groups], ids=lambda drop: drop.__name__)
async def test_streams_and_groups_that_vanish_are_made_again(
    stack: Stack, stores: Stores, worlds: Worlds, drop: Callable[[Stores], Awaitable[None]]
) -> None:
    transfer_id = await stack.start(worlds.road_trip)

    for request_count in (4, 10, 16, 22, 28):
        await stack.reached(transfer_id, request_count=request_count)
        await drop(stores)

    status = await stack.user.end(transfer_id)
    assert await stack.flaws(worlds.road_trip, status) == []


@pytest.mark.parametrize("store", ["postgres", "redis", "both"])
async def test_connections_that_are_cut_again_and_again_cost_time_only(
    stack: Stack, stores: Stores, worlds: Worlds, store: str
) -> None:
    proxies = {"postgres": [stores.postgres], "redis": [stores.redis]}
    cut = proxies.get(store, [stores.postgres, stores.redis])
    transfer_id = await under_way(stack, worlds)

    for _ in range(CUT_COUNT):
        for proxy in cut:
            proxy.cut()
        await asyncio.sleep(CUT_EVERY_S)

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []


async def test_sessions_that_are_ended_again_and_again_cost_time_only(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    transfer_id = await under_way(stack, worlds)

    for _ in range(CUT_COUNT):
        await stores.hang_up()
        await asyncio.sleep(CUT_EVERY_S)

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []


@pytest.mark.parametrize(
    ("trouble", "complaint"),
    [
        (Stores.deadlocks, "deadlock detected"),
        (Stores.serializable_postgres, "could not serialize access"),
    ],
    ids=["deadlocks", "serialization"],
)
async def test_transactions_that_get_into_each_others_way_are_tried_again(
    stack: Stack, stores: Stores, worlds: Worlds, trouble: Trouble, complaint: str
) -> None:
    before_count = stores.complaint_count(complaint)

    async with trouble(stores):
        transfer_id = await patiently(lambda: stack.start(worlds.road_trip))
        flaws = await flaws_of(stack, worlds.road_trip, transfer_id)

    assert flaws == []
    assert stores.complaint_count(complaint) > before_count


async def test_stores_that_are_far_away_only_take_longer(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    told_count = stack.told_count(IS_AWAY)
    stores.postgres.latency_s = stores.redis.latency_s = 0.025  # each way

    status = await stack.user.end(await stack.start(worlds.movable))

    assert await stack.flaws(worlds.movable, status) == []
    assert stack.told_count(IS_AWAY) == told_count


@pytest.mark.parametrize("fall_silent", [Proxy.stall, Proxy.go_deaf], ids=["stalled", "deaf"])
async def test_stores_that_fall_silent_are_noticed_and_taken_up_again(
    stack: Stack, stores: Stores, worlds: Worlds, fall_silent: Callable[[Proxy], None]
) -> None:
    transfer_id = await under_way(stack, worlds)
    told_count = stack.told_count(IS_AWAY)

    fall_silent(stores.postgres)
    fall_silent(stores.redis)
    async with asyncio.timeout(LONGEST_ANSWER_S):
        refusal = await refusal_of(stack.user.status(transfer_id))
    documents = [await stack.answers_at(path) for path in ("/healthz", "/openapi.json", "/version")]
    away = {name for name, is_well in (await stack.readiness()).items() if not is_well}
    await until(lambda: stack.told_count(IS_AWAY) > told_count)
    stores.postgres.heal()
    stores.redis.heal()

    assert await flaws_of(stack, worlds.road_trip, transfer_id) == []
    assert (refusal.status, refusal.problem["code"]) == (503, "store-unavailable")
    assert refusal.headers["Retry-After"]
    assert documents == [200, 200, 200]
    assert away == {"postgres", "schema", "redis"}
    # Each worker tells of each store when it goes, not whenever it is asked.
    assert stack.told_count(IS_AWAY) - told_count <= 4 * len(stack.workers)


async def test_a_silent_redis_holds_no_request_up_for_long(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    stores.redis.go_deaf()

    async with asyncio.timeout(LONGEST_ANSWER_S):
        transfer_id = await stack.start(worlds.movable)
        listed = await stack.user.get("/playlists", params={"platform": "spotify", "refresh": "true"})
    stores.redis.heal()

    status = await stack.user.end(transfer_id)
    assert await stack.flaws(worlds.movable, status) == []
    assert worlds.movable.name in {playlist["name"] for playlist in listed["items"]}


@pytest.mark.parametrize(
    ("platform", "operation"),
    [
        ("spotify", "list_items"),
        ("apple_music", "lookup_isrc"),
        ("apple_music", "create_playlist"),
        ("apple_music", "add_items"),
        ("apple_music", "list_items"),
    ],
    ids=["read", "match", "create", "write", "verify"],
)
async def test_a_checkpoint_whose_confirmation_is_lost_counts_once(
    stack: Stack, stores: Stores, worlds: Worlds, platform: str, operation: str
) -> None:
    # While one job waits for its platform, the next commit can only be its own.
    await stack.arm(platform, {"operation": operation, "kind": "delay", "delay_ms": 700, "count": 1})
    lost_count = stores.postgres.swallowed_count
    transfer_id = await stack.start(worlds.movable)
    await stack.writes_begin(platform)

    stores.postgres.swallow(b"COMMIT")
    await until(lambda: stores.postgres.swallowed_count > lost_count)

    assert await flaws_of(stack, worlds.movable, transfer_id) == []


async def test_a_start_whose_confirmation_is_lost_may_be_repeated(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    cut = worlds.movable
    target = {"platform": cut.target, "name": "Once"}
    body = {"source": {"platform": cut.platform, "playlist": cut.name}, "target": target}
    for number in range(MOST_STARTS):  # workers commit as well, and the first commit is the one that is lost
        target["name"], headers = f"Once {number}", {"Idempotency-Key": f"once-{number}"}
        stores.postgres.swallow(b"COMMIT")
        try:
            await stack.user.post("/transfer", body, headers=headers)
        except Refused as refused:
            refusal = refused
            break

    repeated = await stack.user.post("/transfer", body, headers=headers)

    status = await stack.user.end(repeated["id"])
    count = await stores.fetchval("SELECT count(*) FROM transfers WHERE target_name = $1", target["name"])
    assert refusal.status == 503
    assert await stack.flaws(cut, status) == []
    assert count == 1


async def test_processes_that_start_before_their_stores_come_wait_for_them(
    stack: Stack, stores: Stores, worlds: Worlds
) -> None:
    stores.postgres.is_refusing = stores.redis.is_refusing = True
    stores.postgres.cut()
    stores.redis.cut()
    for worker in list(stack.workers):
        await stack.kill(worker)

    await stack.system.restart_gateway()
    await stack.system.add_worker()
    await stack.system.add_worker()
    away = {name for name, is_well in (await stack.readiness()).items() if not is_well}
    refusal = await refusal_of(stack.user.start("spotify", worlds.movable.name, "apple_music"))
    stores.postgres.heal()
    stores.redis.heal()
    await wait_until(stack.is_ready)

    status = await stack.user.end(await stack.start(worlds.movable))
    assert await stack.flaws(worlds.movable, status) == []
    assert away == {"postgres", "schema", "redis"}
    assert refusal.problem["code"] == "store-unavailable"


async def flaws_of(stack: Stack, cut: Cut, transfer_id: str) -> list[str]:
    """Wait for the end of a transfer, past refusals, and compare it with a perfect one."""
    status = await patiently(lambda: stack.user.end(transfer_id))
    return await patiently(lambda: stack.flaws(cut, status))


async def refusal_of(call: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    return caught.value


async def under_way(stack: Stack, worlds: Worlds) -> str:
    """Start a transfer and let it come to the middle of its work."""
    transfer_id = await stack.start(worlds.road_trip)
    await stack.reached(transfer_id, request_count=8)
    return transfer_id

"""Allowances without Redis: what a process counts by itself, and when it asks the store again."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from shared.allowances import AWAY_S, WINDOW_S, Allowances
from tests.fakes.clock import FakeClock


class ScriptedRedis:
    """Answers like the script, or is away. asked_count: how often it was asked."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.asked_count = 0

    def register_script(self, _: str) -> Any:
        async def script(**_: Any) -> list[int]:
            self.asked_count += 1
            if self.is_away:
                raise RedisAway("away")
            return [1, 30_000_000]

        return script


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def away() -> ScriptedRedis:
    return ScriptedRedis(is_away=True)


def allowances(redis: ScriptedRedis, clock: FakeClock, *, per_minute: int = 6) -> Allowances:
    any_redis: Any = redis
    return Allowances(any_redis, name="requests", per_minute=per_minute, clock=clock)


async def granted_count(counted: Allowances, who: str, *, of: int) -> int:
    return sum([(await counted.take(who)).is_granted for _ in range(of)])


async def test_alone_a_process_grants_a_window_at_once_and_then_one_per_unit(
    away: ScriptedRedis, clock: FakeClock
) -> None:
    counted = allowances(away, clock)

    at_once = await granted_count(counted, "k1", of=10)
    clock.advance(10.0)
    after_a_unit = await granted_count(counted, "k1", of=10)
    clock.advance(WINDOW_S)
    after_a_window = await granted_count(counted, "k1", of=10)

    assert (at_once, after_a_unit, after_a_window) == (6, 1, 6)


async def test_a_refusal_says_exactly_when_the_next_request_may_come(
    away: ScriptedRedis, clock: FakeClock
) -> None:
    counted = allowances(away, clock)
    await granted_count(counted, "k1", of=6)
    clock.advance(4.0)

    refused = await counted.take("k1")
    clock.advance(refused.wait_s - 0.01)
    too_early = await counted.take("k1")
    clock.advance(0.02)
    in_time = await counted.take("k1")

    assert (refused.is_granted, refused.left_count) == (False, 0)
    assert refused.wait_s == pytest.approx(6.0)
    assert (too_early.is_granted, in_time.is_granted) == (False, True)


async def test_what_is_given_back_can_be_taken_again_and_never_more_than_a_window(
    away: ScriptedRedis, clock: FakeClock
) -> None:
    counted = allowances(away, clock)
    await granted_count(counted, "k1", of=6)

    returned = await counted.give_back("k1")
    again = await granted_count(counted, "k1", of=6)
    for _ in range(20):
        returned_all = await counted.give_back("k1")

    assert returned.left_count == 1
    assert again == 1
    assert (returned_all.left_count, returned_all.full_in_s) == (6, 0.0)
    assert await granted_count(counted, "k1", of=20) == 6


async def test_nobody_spends_what_is_anothers(away: ScriptedRedis, clock: FakeClock) -> None:
    counted = allowances(away, clock)
    await granted_count(counted, "k1", of=10)

    assert (await counted.take("k2")).left_count == 5


async def test_a_store_that_is_away_is_left_alone_for_a_moment_and_then_asked_by_one(
    away: ScriptedRedis, clock: FakeClock
) -> None:
    counted = allowances(away, clock, per_minute=600)

    await granted_count(counted, "k1", of=50)
    asked_at_first = away.asked_count
    clock.advance(AWAY_S)
    await granted_count(counted, "k1", of=50)

    assert (asked_at_first, away.asked_count) == (1, 2)


async def test_a_store_that_is_back_counts_again(away: ScriptedRedis, clock: FakeClock) -> None:
    counted = allowances(away, clock, per_minute=600)
    await counted.take("k1")
    away.is_away = False

    clock.advance(AWAY_S)
    first, second = await counted.take("k1"), await counted.take("k1")

    assert (first.left_count, second.left_count) == (300, 300)
    assert away.asked_count == 3


async def test_a_store_that_goes_away_forgives_nobody(clock: FakeClock) -> None:
    redis = ScriptedRedis()
    counted = allowances(redis, clock, per_minute=6)
    heard = await counted.take("k1")

    redis.is_away = True

    assert heard.left_count == 3
    assert await granted_count(counted, "k1", of=10) == 3
    assert await granted_count(counted, "k2", of=10) == 6


async def test_memory_has_an_end_however_many_addresses_somebody_has(
    away: ScriptedRedis, clock: FakeClock
) -> None:
    counted = allowances(away, clock)

    for number in range(25_000):
        await counted.take(f"address {number}")

    assert len(counted._paid_s) <= 10_000

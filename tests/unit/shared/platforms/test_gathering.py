"""Questions that are asked at about the same time become one call."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from shared.errors import PlatformUnavailable
from shared.models import Platform
from shared.platforms.gathering import Gathering

FAILURE = PlatformUnavailable("No.", platform=Platform.LISTENBRAINZ, operation="search")


class Oracle:
    """Doubles numbers, and remembers what it was asked together; failures are raised first."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures: list[Exception] = []

    async def __call__(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        return [2 * question for question in questions]


async def test_questions_of_one_moment_are_one_call_and_each_gets_its_answer() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=50, wait_s=0.01)

    answers = await asyncio.gather(*(gathering.ask(number) for number in range(7)))

    assert answers == [0, 2, 4, 6, 8, 10, 12]
    assert oracle.batches == [list(range(7))]


async def test_full_batch_does_not_wait() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=3, wait_s=3600)

    answers = await asyncio.gather(*(gathering.ask(number) for number in range(6)))

    assert answers == [0, 2, 4, 6, 8, 10]
    assert oracle.batches == [[0, 1, 2], [3, 4, 5]]


async def test_failure_reaches_all_who_asked_and_nobody_later() -> None:
    oracle = Oracle()
    oracle.failures = [FAILURE]
    gathering = Gathering(oracle, most=2, wait_s=0.01)

    first = await asyncio.gather(gathering.ask(1), gathering.ask(2), return_exceptions=True)
    second = await gathering.ask(3)

    assert list(first) == [FAILURE, FAILURE]
    assert second == 6


async def test_who_has_gone_is_not_asked_for() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=3, wait_s=3600)
    gone = asyncio.create_task(gathering.ask(1))
    await asyncio.sleep(0)
    gone.cancel()

    answers = list(await asyncio.gather(gathering.ask(2), gathering.ask(3)))

    with pytest.raises(asyncio.CancelledError):
        await gone
    assert answers == [4, 6]
    assert oracle.batches == [[2, 3]]


async def test_nobody_is_asked_where_all_have_gone() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=3, wait_s=0)
    gone = asyncio.create_task(gathering.ask(1))
    await asyncio.sleep(0)
    gone.cancel()

    with pytest.raises(asyncio.CancelledError):
        await gone
    await asyncio.sleep(0.01)

    assert oracle.batches == []


async def test_all_who_are_coming_are_waited_for_and_nobody_else() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=50, wait_s=3600)

    turns = [asyncio.Event() for _ in range(3)]

    async def come(number: int) -> int:
        with gathering.coming():
            await turns[number].wait()
            reply = gathering.put(number)
            turns[number - 1].set()  # the last one first
        return await reply

    turns[2].set()
    answers = list(await asyncio.gather(*map(come, range(3))))

    assert answers == [0, 2, 4]
    assert oracle.batches == [[2, 1, 0]]


async def test_who_comes_to_nothing_keeps_nobody_waiting() -> None:
    oracle = Oracle()
    gathering = Gathering(oracle, most=50, wait_s=3600)

    with suppress(PlatformUnavailable), gathering.coming():
        waiting = gathering.put(1)
        raise FAILURE

    assert await waiting == 2
    assert oracle.batches == [[1]]

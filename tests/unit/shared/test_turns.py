"""Turns go round the parties, in order inside each, and none is lost with a cancelled waiter."""

import asyncio

from shared.turns import PARTY, FairTurns


async def crowd(
    turns: FairTurns, parties: str
) -> tuple[list[str], list["asyncio.Task[None]"], asyncio.Event]:
    """Let one task per letter wait for a turn; the first keeps its turn until the event is set."""
    order: list[str] = []
    go = asyncio.Event()

    async def take(party: str) -> None:
        PARTY.set(party)
        async with turns.turn():
            order.append(party)
            await go.wait()

    tasks = [asyncio.create_task(take(party)) for party in parties]
    await asyncio.sleep(0)
    return order, tasks, go


async def test_a_party_of_one_is_next_however_many_wait_before_it() -> None:
    order, tasks, go = await crowd(FairTurns(), "ggggggd")

    go.set()
    await asyncio.gather(*tasks)

    assert "".join(order) == "ggdgggg"


async def test_parties_alternate() -> None:
    order, tasks, go = await crowd(FairTurns(), "aaabbbcc")

    go.set()
    await asyncio.gather(*tasks)

    assert "".join(order) == "aabcabcb"


async def test_cancelled_waiter_costs_nobody_a_turn() -> None:
    turns = FairTurns()
    order, tasks, go = await crowd(turns, "abcd")
    tasks[1].cancel()
    await asyncio.sleep(0)

    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert "".join(order) == "acd"
    async with turns.turn():
        pass


async def test_turn_that_comes_together_with_a_cancellation_is_passed_on() -> None:
    order, tasks, go = await crowd(FairTurns(), "abc")
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()

    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert order[-1] == "c"

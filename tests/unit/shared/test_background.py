"""Work beside everything else is ended with it, whatever becomes of its cancellation."""

import asyncio

import pytest

from shared.background import ended, in_background


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.looptime
async def test_background_work_that_misses_its_cancellation_is_cancelled_again() -> None:
    missed: list[str] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if missed:
                    raise
                missed.append("as a lost connection would, at the same moment")

    async with in_background({"deaf": deaf}) as tasks:
        await asyncio.sleep(0)

    assert missed
    assert tasks["deaf"].cancelled()


async def test_background_work_that_fails_is_named_and_fails_nothing_else() -> None:
    async def fail() -> None:
        raise ValueError

    async with in_background({"broken": fail, "sound": for_ever}) as tasks:
        await asyncio.wait([tasks["broken"]])
        named = ended(tasks)

    assert named == {"broken": "Has ended by a fault of its own."}
    assert isinstance(tasks["broken"].exception(), ValueError)

"""Tracks that a platform did not have are tried again when it has them, whoever dies meanwhile."""

import pytest

from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FORGETFUL = {"operation": "search", "kind": "no_results", "probability": 0.75, "seed": 11}
"""So many searches find nothing: most tracks are found by another one, some are not, in no order."""
SLOW_SEARCH = {"operation": "search", "kind": "delay", "delay_ms": 20_000, "count": 1}
LOST_WRITE = {"operation": "add_items", "kind": "applied_then_lost", "count": 1}


async def test_workers_killed_while_a_transfer_is_tried_again_leave_a_perfect_target(
    stack: Stack, worlds: Worlds
) -> None:
    cut = worlds.home
    await stack.forget_answers()
    await stack.arm("spotify", FORGETFUL)
    first = await stack.user.end(await stack.start(cut))
    transfer_id = first["id"]
    await stack.refresh()
    await stack.age_answers()
    await stack.arm("spotify", SLOW_SEARCH, LOST_WRITE)

    opened = await stack.user.post(f"/status/{transfer_id}/retry", {"scope": "unmatched"})
    await stack.struck("spotify", count=1)
    await stack.kill(await stack.next_at_work(transfer_id))
    await stack.system.add_worker()
    await stack.struck("spotify", count=2)
    await stack.kill(await stack.next_at_work(transfer_id))
    await stack.refresh()
    status = await stack.user.end(transfer_id)

    assert 0 < first["counts"]["unmatched"] < len(cut.expected)
    assert opened["counts"]["pending"] == first["counts"]["unmatched"]
    assert await stack.flaws(cut, status) == []

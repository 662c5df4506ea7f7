"""Workers on hosts of their own, whose links to the stores and to the platforms are cut and healed."""

import asyncio
import time

import pytest

from tests.e2e.stack import wait_until
from tests.e2e.worlds import Cut, Worlds
from tests.hosts.conftest import SENDING, Fleet, add_worker
from tests.hosts.network import Network

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CUT_S = 30.0
ANSWER_MS = 1500
SLACK_S = 2.0
SENDS = """
SELECT count(*) FROM intents JOIN jobs ON jobs.id = intents.job_id
WHERE split_part(lease_owner, ':', 1) = $1 AND jobs.state = 'open' AND lease_until > clock_timestamp()
"""
HOLDS = "SELECT count(*) FROM jobs WHERE split_part(lease_owner, ':', 1) = $1 AND state = 'open'"


async def test_a_transfer_over_two_hosts_is_perfect(fleet: Fleet, worlds: Worlds) -> None:
    await fleet.count_anew()

    status = await fleet.stack.user.end(await fleet.stack.start(worlds.road_trip))

    assert await fleet.stack.flaws(worlds.road_trip, status) == []
    assert await fleet.callers() == {"alpha", "beta"}


async def test_links_that_are_cut_for_half_a_minute_cost_time_only(
    fleet: Fleet, network: Network, worlds: Worlds
) -> None:
    stack, alpha, beta = fleet.stack, fleet.hosts["alpha"], fleet.hosts["beta"]
    await add_worker(fleet, network, name="gamma")
    cuts = [worlds.road_trip, worlds.movable, worlds.shared, worlds.at_once, worlds.told_storm]
    await stack.forget_answers()
    # What is written is answered late, so that the cut falls between the write and the news of it.
    await stack.arm("apple_music", late_answer("create_playlist"), late_answer("add_items"))
    transfers = {await stack.start(cut): cut for cut in cuts}
    await wait_until(lambda: both_are_sending(fleet))

    await asyncio.gather(alpha.cut(fleet.stores), beta.cut(fleet.platforms))
    cut_at_s = time.time()
    await stack.control("apple_music", "faults", method="DELETE")
    await asyncio.sleep(CUT_S)
    held_count = await stack.fetch(HOLDS, "alpha")
    during = [call for call in await fleet.calls() if call["at_s"] > cut_at_s]
    lost_counts = [await alpha.lost_count(), await beta.lost_count()]
    await asyncio.gather(alpha.heal(), beta.heal())

    assert await flaws_of(fleet, transfers) == []
    assert min(lost_counts) > 0
    assert held_count == 0, "alpha's jobs were not taken over"
    assert "Store is away" in fleet.log_of("alpha")
    assert fleet.hosts["gamma"].address in {call["caller"] for call in during}
    by_alpha = [call["at_s"] - cut_at_s for call in during if call["caller"] == alpha.address]
    assert max(by_alpha, default=0) < float(SENDING["CROSSPLAY_LEASE_S"]) + SLACK_S
    assert all(worker.returncode is None for worker in fleet.workers.values())


async def test_hosts_whose_links_were_healed_work_again_by_themselves(fleet: Fleet, worlds: Worlds) -> None:
    await fleet.count_anew()
    flaws: list[str] = []

    async def all_have_called() -> bool:
        await fleet.stack.forget_answers()
        status = await fleet.stack.user.end(await fleet.stack.start(worlds.shared))
        flaws.extend(await fleet.stack.flaws(worlds.shared, status))
        return await fleet.callers() == set(fleet.hosts)

    await wait_until(all_have_called)

    assert flaws == []


async def both_are_sending(fleet: Fleet) -> bool:
    """Whether alpha and beta each wait for the answer to a write."""
    return all([await fleet.stack.fetch(SENDS, name) for name in ("alpha", "beta")])


async def flaws_of(fleet: Fleet, transfers: dict[str, Cut]) -> list[str]:
    ends = [(cut, await fleet.stack.user.end(transfer_id)) for transfer_id, cut in transfers.items()]
    return [flaw for cut, status in ends for flaw in await fleet.stack.flaws(cut, status)]


def late_answer(operation: str) -> dict[str, object]:
    return {"operation": operation, "kind": "applied_then_delay", "delay_ms": ANSWER_MS}

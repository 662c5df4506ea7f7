"""A worker is frozen for longer than its lease, another one finishes the work, and the first one wakes up."""

import pytest

from tests.crashes import points
from tests.crashes import scenarios as of
from tests.crashes.lab import Lab
from tests.crashes.scenarios import Scenario
from tests.faults.effects import Strike
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WRITES = ("create_playlist", "add_items", "remove_items", "remove_library")

# Each is frozen right before this effect: with the gate still in front of it, with a commit that it holds
# rows for, or with nothing but an entry.
FROZEN_BEFORE = (
    (of.NEW_ON_APPLE, "jobs.ACQUIRE", 3),
    (of.NEW_ON_APPLE, "XACK+XDEL", 3),
    (of.NEW_ON_APPLE, "read: commit checkpoints.SOURCE_COUNT+items.INSERT", 1),
    (of.NEW_ON_APPLE, "match: commit items.SETTLE+checkpoints.IS_READ+jobs.HAS_OPEN", 1),
    (of.NEW_ON_APPLE, "write: commit intents.DECLARE", 1),
    (of.NEW_ON_APPLE, "write: apple_music.create_playlist", 1),
    (of.NEW_ON_SPOTIFY, "write: spotify.create_playlist", 1),
    (of.NEW_ON_APPLE, "write: commit checkpoints.CREATED", 1),
    (of.NEW_ON_APPLE, "write: commit intents.DECLARE", 2),
    (of.NEW_ON_APPLE, "write: book", 2),
    (of.NEW_ON_APPLE, "write: apple_music.add_tracks", 1),
    (of.NEW_ON_APPLE, "write: apple_music.add_tracks", 2),
    (of.NEW_ON_SPOTIFY, "write: spotify.add_tracks", 1),
    (of.NEW_ON_APPLE, "write: commit checkpoints.WRITTEN+checkpoints.COUNT", 1),
    (of.LIMITED, "write: commit DELETE intents", 2),
    (of.LOST_ON_APPLE, "write: jobs.RELEASE", 1),
    (of.LOST_ON_APPLE, "write: commit intents.FOUND", 2),
    (of.CANCELLED, "write: jobs.RELEASE", 1),
    (of.UNDONE, "undo: spotify.remove_tracks", 1),
    (of.UNDONE, "verify: spotify.delete_playlist", 1),
    (of.NEW_ON_APPLE, "verify: commit checkpoints.REFUSED+checkpoints.COMPLETE", 1),
)


@pytest.mark.parametrize(
    ("scenario", "at", "nth"),
    [
        pytest.param(*case, id=f"{case[0].name}-{case[1].replace(' ', '_')}-{case[2]}")
        for case in FROZEN_BEFORE[:: points.EVERY]
    ],
)
async def test_worker_that_wakes_up_after_its_lease_changes_nothing(
    lab: Lab, scenario: Scenario, at: str, nth: int
) -> None:
    await scenario.prepare(lab)
    zombie = lab.start(Strike(at=at, nth=nth, act="freeze"))
    started = await scenario.start(lab)
    await until(lambda: zombie.is_struck)
    await scenario.act(lab, started)
    lab.start()
    flaws = await started.flaws(lab)
    write_count = await lab.stack.request_count(scenario.cut_of(lab).target, *WRITES)

    zombie.thaw()
    exitcode = await zombie.end()

    assert flaws == []
    assert await started.flaws(lab) == []
    assert exitcode == 0
    assert write_count == await lab.stack.request_count(scenario.cut_of(lab).target, *WRITES)


async def test_worker_that_is_frozen_behind_the_gate_says_that_its_write_came_late(lab: Lab) -> None:
    scenario = of.NEW_ON_APPLE
    await scenario.prepare(lab)
    zombie = lab.start(Strike(at="write: after the gate", nth=3, act="freeze"))
    started = await scenario.start(lab)
    await until(lambda: zombie.is_struck)
    lab.start()
    flaws = await started.flaws(lab)

    zombie.thaw()
    exitcode = await zombie.end()

    status = await lab.stack.user.status(started.transfer_id)
    rows = await lab.stack.rows("apple_music", status["target_playlist"]["id"])
    batch = scenario.cut_of(lab).written[50:]
    assert flaws == []
    assert exitcode == 0
    assert rows == [*scenario.cut_of(lab).written, *batch]  # nothing can prevent that
    assert [warning["code"] for warning in status["warnings"]] == ["late_write"]


async def test_worker_that_is_frozen_behind_the_gate_of_a_removal_says_that_it_came_late(lab: Lab) -> None:
    scenario = of.UNDONE
    await scenario.prepare(lab)
    zombie = lab.start(Strike(at="undo: after the gate", act="freeze"))
    started = await scenario.start(lab)
    await until(lambda: zombie.is_struck)
    lab.start()
    flaws = await started.flaws(lab)

    zombie.thaw()
    exitcode = await zombie.end()

    status = await lab.stack.user.status(started.transfer_id)
    assert flaws == []
    assert exitcode == 0
    assert status["state"] == "completed"
    assert [warning["code"] for warning in status["warnings"]] == ["late_removal"]

"""A worker is killed, or loses the answer, after each of its effects: the target is perfect every time."""

import pytest

from tests.crashes import points, scenarios
from tests.crashes.lab import Lab
from tests.crashes.points import Point
from tests.crashes.scenarios import Scenario
from tests.faults.effects import Strike
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    "point", [point for point in points.CHOSEN if not point.only_reads], ids=lambda point: point.name
)
async def test_worker_that_is_killed_there_costs_nothing(lab: Lab, point: Point) -> None:
    await point.scenario.prepare(lab)
    victim = lab.start(Strike(at=point.at, nth=point.nth, act="kill"), environ=point.scenario.environ)
    started = await point.scenario.start(lab)
    await point.scenario.act(lab, started)
    await until(lambda: victim.exitcode is not None)

    await lab.end_leases()
    lab.start(environ=point.scenario.environ)

    assert victim.exitcode == -9
    assert await started.flaws(lab) == []


@pytest.mark.parametrize("point", points.CHOSEN[:: points.EVERY], ids=lambda point: point.name)
async def test_worker_that_loses_the_answer_there_goes_on(lab: Lab, point: Point) -> None:
    await point.scenario.prepare(lab)
    worker = lab.start(Strike(at=point.at, nth=point.nth, act="lose"), environ=point.scenario.environ)
    started = await point.scenario.start(lab)
    await point.scenario.act(lab, started)

    flaws = await started.flaws(lab)

    assert flaws == []
    assert worker.is_struck
    assert worker.exitcode is None


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda scenario: scenario.name)
async def test_worker_has_no_effect_that_is_no_crash_point(lab: Lab, scenario: Scenario) -> None:
    await scenario.prepare(lab)
    worker = lab.start(environ=scenario.environ)
    started = await scenario.start(lab)
    await scenario.act(lab, started)

    flaws = await started.flaws(lab)
    exitcode = await worker.end()

    known = {point.at for point in points.ALL}
    assert flaws == []
    assert exitcode == 0
    told = {effect for effect in worker.effects if not effect.startswith(points.COUNTING)}
    assert {effect for effect in told if not effect.endswith(points.UNTOLD)} - known == set()

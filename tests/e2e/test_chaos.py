"""Chaos in a short form: a few seeds of what `make chaos` plays by the hundred."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign

pytestmark = pytest.mark.e2e

SEEDS = (4, 7, 13, 19, 22, 28)


async def test_random_faults_at_random_moments_break_no_promise(tmp_path: Path) -> None:
    campaign = Campaign(SEEDS, keep=tmp_path / "broken")

    await campaign.play(lane_count=2)

    assert campaign.broken == [], campaign.summary()
    assert campaign.run_count == len(SEEDS)
    assert campaign.strikes.total() > 0

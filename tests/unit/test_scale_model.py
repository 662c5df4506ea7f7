"""The arithmetic of the model of scale, by figures that can be checked in the head."""

import pytest

from tests.bench.scale_model import (
    BUSY,
    DAY_S,
    PEAK,
    Budget,
    Cost,
    Demand,
    Measured,
    accounts,
    capped_per_minute,
    most_transfers_per_day,
    need,
)

TEN_PER_S = Budget(requests_per_s=10, account="app")
MANY_PER_S = Budget(requests_per_s=1000, account="team")


def measured() -> Measured:
    """A transfer costs 10 and each of its tracks 1 of everything that is counted."""
    few, many = (
        Cost(
            statements=10 + n,
            transactions=10 + n,
            wal_bytes=1000 * (10 + n),
            disk_bytes=100 * (10 + n),
            redis_commands=10 + n,
            worker_cpu_s=(10 + n) / 100,
            gateway_cpu_s=0.01,
            postgres_cpu_s=(10 + n) / 1000,
            redis_cpu_s=0.001,
            source_requests=2,
            target_requests=n / 10,
        )
        for n in (25, 1000)
    )
    return Measured(
        measured_on="a day",
        machine="none",
        by_tracks={25: few, 1000: many},
        known=few,
        back=few,
        idle=Cost(statements=5),
        worker_bytes=1,
        gateway_bytes=1,
        redis_base_bytes=1000,
        answer_bytes=10,
        choose_ms={},
        events_statements_per_s=1,
    )


def test_a_transfer_costs_what_the_line_through_both_ends_says() -> None:
    base, track = measured().line()

    assert base.statements == pytest.approx(10)
    assert track.statements == pytest.approx(1)
    assert measured().transfer(100).wal_bytes == pytest.approx(110_000)


def test_a_demand_is_met_at_its_peak_with_processes_that_are_not_too_busy() -> None:
    demand = Demand(
        transfers_per_day=DAY_S, track_count=90, distinct_tracks=1000, kept_days=10
    )  # one a second

    needed = need(measured(), demand, source=TEN_PER_S, target=MANY_PER_S)

    assert needed.transfers_per_s == PEAK
    assert needed.worker_count == 5  # 3 a second at 1 s each, at 70 %: 4.3
    assert needed.statements_per_s == pytest.approx(3 * 100 + 5 * 5)
    assert needed.postgres_cores == pytest.approx(3 * 0.1 / BUSY)
    assert needed.disk_bytes_kept == pytest.approx(10 * DAY_S * 10_000)
    assert needed.redis_bytes == 1000 + 1000 * 10
    assert (needed.source_accounts, needed.target_accounts) == (1, 1)


def test_one_user_needs_one_of_each() -> None:
    needed = need(measured(), Demand(transfers_per_day=1), source=TEN_PER_S, target=TEN_PER_S)

    assert (needed.worker_count, needed.gateway_count, needed.source_accounts) == (1, 1, 1)


def test_a_platforms_budget_is_a_number_of_transfers_a_day() -> None:
    assert most_transfers_per_day(20, budget=TEN_PER_S) == DAY_S / 2
    assert accounts(10.1, budget=TEN_PER_S) == 2


def test_the_narrowest_cap_counts() -> None:
    cost = measured().transfer(90)

    by_budget = capped_per_minute(cost, worker_count=9, cores=99, source=TEN_PER_S, target=TEN_PER_S)
    by_workers = capped_per_minute(cost, worker_count=1, cores=99, source=MANY_PER_S, target=MANY_PER_S)
    by_machine = capped_per_minute(cost, worker_count=9, cores=1.111, source=MANY_PER_S, target=MANY_PER_S)

    assert [cap for _, cap in (by_budget, by_workers, by_machine)] == ["app", "workers", "machine"]
    assert [count for count, _ in (by_budget, by_workers, by_machine)] == pytest.approx([600 / 9, 60, 60])

"""What the book of a budget says, in words."""

from datetime import UTC, datetime, timedelta

from gateway.actions.show_platforms import BudgetState, PoolBudget, budget_of
from shared.bookings import Outlook

NOW = datetime(2026, 11, 22, 7, 30, 0, 250_000, tzinfo=UTC)


def test_a_pool_without_a_cool_down_is_open_and_says_how_long_its_queue_is() -> None:
    budget = budget_of(Outlook(cool_s=0.0, wait_s=0.4321, free_count=9), name="requests", now=NOW)

    assert budget == PoolBudget(name="requests", state=BudgetState.OPEN, wait_s=0.4)


def test_a_cool_down_ends_at_a_whole_second_and_not_before_its_time() -> None:
    budget = budget_of(Outlook(cool_s=599.5, wait_s=599.5, free_count=0), name="requests", now=NOW)

    assert budget.state is BudgetState.COOLING_DOWN
    assert budget.resume_at == datetime(2026, 11, 22, 7, 40, 0, tzinfo=UTC)


def test_day_with_units_left_is_open_and_tells_them() -> None:
    outlook = Outlook(cool_s=0.0, wait_s=0.0, free_count=40, day_ends_in_s=500.0)

    budget = budget_of(outlook, name="searches", now=NOW)

    assert budget == PoolBudget(name="searches", state=BudgetState.OPEN, wait_s=0.0, left_count=40)


def test_used_up_day_goes_on_when_it_ends() -> None:
    outlook = Outlook(cool_s=0.0, wait_s=500.0, free_count=0, day_ends_in_s=500.0)

    budget = budget_of(outlook, name="searches", now=NOW)

    assert (budget.state, budget.left_count) == (BudgetState.USED_UP, 0)
    assert budget.resume_at == NOW.replace(microsecond=0) + timedelta(seconds=500)


def test_day_that_the_platform_has_ended_cools_down_until_it_is_over() -> None:
    outlook = Outlook(cool_s=500.0, wait_s=500.0, free_count=0, day_ends_in_s=500.0)

    budget = budget_of(outlook, name="searches", now=NOW)

    assert (budget.state, budget.left_count) == (BudgetState.COOLING_DOWN, 0)
    assert budget.resume_at == NOW.replace(microsecond=0) + timedelta(seconds=500)

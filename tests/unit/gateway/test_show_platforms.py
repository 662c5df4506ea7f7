"""What the book of a budget says, in words."""

from datetime import UTC, datetime

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

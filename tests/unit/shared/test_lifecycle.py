"""Buckets of a transfer: disjoint, and summing up to the total."""

import itertools

import pytest

from shared.lifecycle import TERMINAL, Bucket, State, bucket_of, count_buckets, is_full
from shared.models import MATCHED, UNSETTLED, Outcome

EVERY = list(itertools.product(Outcome, (False, True)))


@pytest.mark.parametrize(("outcome", "is_written"), EVERY)
def test_every_outcome_falls_into_exactly_one_bucket(outcome: Outcome, *, is_written: bool) -> None:
    counts = count_buckets({(outcome, is_written): 1})

    assert [bucket for bucket, count in counts.items() if count] == [
        bucket_of(outcome, is_written=is_written)
    ]


def test_the_buckets_sum_to_the_total_and_the_empty_ones_are_named_too() -> None:
    rows = {pair: number for number, pair in enumerate(EVERY, start=1)}

    counts = count_buckets(rows)

    assert sum(counts.values()) == sum(rows.values())
    assert set(counts) == set(Bucket)


def test_every_bucket_can_be_reached() -> None:
    reached = {bucket_of(outcome, is_written=is_written) for outcome, is_written in EVERY}

    assert reached == set(Bucket)


@pytest.mark.parametrize("outcome", sorted(MATCHED))
def test_a_match_is_ready_until_it_is_written(outcome: Outcome) -> None:
    before, after = bucket_of(outcome, is_written=False), bucket_of(outcome, is_written=True)

    assert (before, after) == (Bucket.READY, Bucket.WRITTEN)


def test_deferred_is_never_counted_as_unmatched() -> None:
    buckets = {bucket_of(outcome, is_written=False) for outcome in UNSETTLED}

    assert buckets == {Bucket.PENDING, Bucket.DEFERRED}


def test_a_transfer_is_full_when_everything_stands_in_the_target() -> None:
    counts = count_buckets({(Outcome.EXACT, True): 2, (Outcome.ALREADY_PRESENT, False): 1})

    assert is_full(counts)


def test_an_undo_is_full_when_everything_is_removed() -> None:
    counts = count_buckets({(Outcome.REMOVED, False): 3})

    assert is_full(counts)


DONE = MATCHED | {Outcome.ALREADY_PRESENT, Outcome.REMOVED}


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - DONE))
def test_a_transfer_with_any_other_item_is_not_full(outcome: Outcome) -> None:
    counts = count_buckets({(Outcome.EXACT, True): 2, (outcome, False): 1})

    assert not is_full(counts)


def test_three_states_are_terminal() -> None:
    assert {State.COMPLETED, State.FAILED, State.CANCELLED} == TERMINAL

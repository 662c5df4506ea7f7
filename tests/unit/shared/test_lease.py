"""A lease as its owner sees it, and the gate in front of each send."""

import pytest

from shared.errors import LeaseLost
from shared.lease import Lease
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease(clock: FakeClock) -> Lease:
    return Lease(clock=clock, asked_at=clock.monotonic(), lease_s=30, send_timeout_s=10)


def test_a_fresh_lease_lets_a_send_pass(lease: Lease) -> None:
    lease.gate()

    assert not lease.is_over


def test_a_send_that_could_outlive_the_lease_is_stopped(lease: Lease, clock: FakeClock) -> None:
    clock.advance(20)

    with pytest.raises(LeaseLost):
        lease.gate()

    assert not lease.is_over


def test_a_send_that_just_fits_passes(lease: Lease, clock: FakeClock) -> None:
    clock.advance(19.9)

    lease.gate()


def test_the_lease_counts_from_before_the_store_was_asked(clock: FakeClock) -> None:
    asked_at = clock.monotonic()
    clock.advance(21)  # the store took its time

    lease = Lease(clock=clock, asked_at=asked_at, lease_s=30, send_timeout_s=10)

    with pytest.raises(LeaseLost):
        lease.gate()


def test_a_renewal_opens_the_gate_again(lease: Lease, clock: FakeClock) -> None:
    clock.advance(25)

    lease.renewed(asked_at=clock.monotonic())

    lease.gate()


def test_a_lost_lease_stops_every_send_however_much_time_is_left(lease: Lease) -> None:
    lease.lose()

    with pytest.raises(LeaseLost):
        lease.gate()

    assert lease.is_over
    assert lease.lost.is_set()


def test_a_lease_without_renewal_is_over_at_its_end(lease: Lease, clock: FakeClock) -> None:
    clock.advance(30)

    assert lease.is_over

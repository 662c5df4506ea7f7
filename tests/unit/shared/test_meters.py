"""What is counted and timed arrives under the names and attributes of the table, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.fleet_gauges import GAUGES
from shared.instrument import Role
from shared.instruments import COUNTERS, HISTOGRAMS, INSTRUMENTS, WARNING_CODES
from shared.meters import Metrics
from worker.warnings import WARNINGS

SPOTIFY = "spotify"
EVENTS: tuple[Callable[[Metrics], None], ...] = (
    lambda told: told.transfer_ended("completed", duration_s=3.0),
    lambda told: told.job_done(platform=SPOTIFY, phase="read", verdict="done", duration_s=0.2),
    lambda told: told.checkpoint_stored(0.01, platform=SPOTIFY, phase="read"),
    lambda told: told.tracks_settled(25, platform=SPOTIFY, outcome="exact"),
    lambda told: told.request_sent(platform=SPOTIFY, operation="search", status="200", duration_s=0.1),
    lambda told: told.rate_limit_waited(0.5, platform=SPOTIFY),
    lambda told: told.starts_unused(2, platform=SPOTIFY),
    lambda told: told.cooled_down(platform=SPOTIFY),
    lambda told: told.jobs_reclaimed(1, platform=SPOTIFY),
    lambda told: told.jobs_requeued(1, platform=SPOTIFY),
    lambda told: told.write_fenced(platform=SPOTIFY),
    lambda told: told.read_back(platform=SPOTIFY, result="applied"),
    lambda told: told.warned("late_write"),
    lambda told: told.tokens_refreshed(platform=SPOTIFY, result="refreshed"),
    lambda told: told.tokens_locked(platform=SPOTIFY),
    lambda told: told.webhook_attempted("retried"),
    lambda told: told.store_failed("redis"),
    lambda told: told.loop_lagged(0.002),
    lambda told: told.request_answered(method="GET", route="/status/{id}", status=200, duration_s=0.02),
)


class Meter:
    """Metrics with a reader of their own."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.metrics = Metrics(self.provider.get_meter("test"))

    def points(self) -> dict[str, list[Any]]:
        """Return all data points by the instrument's name."""
        data = self.reader.get_metrics_data()
        found = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: list(metric.data.data_points) for metric in found}

    def values(self, name: str) -> dict[tuple[Any, ...], float]:
        return {tuple(point.attributes.values()): point.value for point in self.points().get(name, ())}


@pytest.fixture
def meter() -> Iterator[Meter]:
    made = Meter()
    yield made
    made.provider.shutdown()


def test_each_event_is_told_with_the_attributes_that_the_table_names(meter: Meter) -> None:
    for tell in EVENTS:
        tell(meter.metrics)

    table = {one.name: one for one in (*COUNTERS, *HISTOGRAMS)}
    points = meter.points()
    assert points.keys() == table.keys()
    for name, (point,) in points.items():
        declared = {attribute.name: attribute.values for attribute in table[name].attributes}
        assert point.attributes.keys() == declared.keys(), name
        assert all(not declared[key] or value in declared[key] for key, value in point.attributes.items())


def test_histograms_bring_their_own_buckets(meter: Meter) -> None:
    for tell in EVENTS:
        tell(meter.metrics)

    points = meter.points()
    for one in HISTOGRAMS:
        assert points[one.name][0].explicit_bounds == one.bounds
        assert sorted(set(one.bounds)) == list(one.bounds)


@pytest.mark.parametrize("role", Role)
def test_counters_with_known_attributes_start_at_zero(meter: Meter, role: Role) -> None:
    meter.metrics.seed(role)

    points = meter.points()
    for one in COUNTERS:
        known = list(one.first_series()) if role in one.roles else []
        assert [dict(point.attributes) for point in points.get(one.name, ())] == known, one.name
        assert all(point.value == 0 for point in points.get(one.name, ()))
    assert len(points["crossplay.store.errors"]) == 2


def test_a_transfer_whose_length_is_unknown_is_counted_and_not_timed(meter: Meter) -> None:
    meter.metrics.transfer_ended("failed", duration_s=None)

    assert meter.values("crossplay.transfers") == {("failed",): 1}
    assert "crossplay.transfer.duration" not in meter.points()


def test_a_request_without_an_answer_has_no_status(meter: Meter) -> None:
    meter.metrics.request_answered(method="GET", route="/status/{id}", status=None, duration_s=0.02)

    (point,) = meter.points()["http.server.request.duration"]
    assert point.attributes == {"http.request.method": "GET", "http.route": "/status/{id}"}


def test_figures_of_the_fleet_are_told_while_they_are_valid(meter: Meter) -> None:
    figures = {one.name: [(7.0, {"crossplay.platform": SPOTIFY})] for one in GAUGES}
    before = meter.points()

    meter.metrics.fleet_stands(figures, valid_s=60)
    while_valid = meter.points()
    meter.metrics.fleet_stands(figures, valid_s=0)
    when_old = meter.points()

    assert before == {}
    assert while_valid.keys() == {one.name for one in GAUGES}
    assert while_valid["crossplay.queue.lag"][0].value == 7
    assert when_old == {}


def test_who_leads_no_more_tells_nothing_of_the_fleet(meter: Meter) -> None:
    meter.metrics.fleet_stands({"crossplay.workers": [(2, {})]}, valid_s=60)

    meter.metrics.fleet_is_told_elsewhere()

    assert meter.points() == {}


def test_the_table_knows_every_warning_and_nothing_else() -> None:
    # The gateway's own one is given before a worker sees the transfer.
    assert set(WARNING_CODES) == {*WARNINGS, "sign_in_ends"}


def test_names_are_unique_and_no_attribute_can_name_somebody() -> None:
    names = [one.prometheus_name for one in INSTRUMENTS]
    attributes = {attribute.name for one in INSTRUMENTS for attribute in one.attributes}

    assert len(set(names)) == len(names)
    assert not [name for name in attributes if name.endswith(("_id", ".id"))]

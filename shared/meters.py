"""Counts and times what happens, by the table of instruments; tells the fleet's figures for a while."""

import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from shared.fleet_gauges import GAUGES
from shared.instrument import Instrument, Role
from shared.instruments import COUNTERS, HISTOGRAMS

Reading: TypeAlias = tuple[float, dict[str, str]]
"""One figure of a gauge, with its attributes."""

Labels: TypeAlias = frozenset[tuple[str, str]]


class Metrics:
    """What is counted and timed, by one thread.

    Labels are few and bounded: never the id of a transfer, job or user.
    """

    def __init__(self, meter: metrics.Meter) -> None:
        # Counted here and read by the exporters: the SDK's own counters cost ten times as much at each event.
        self._counts: dict[str, dict[Labels, int]] = {one.name: {} for one in COUNTERS}
        for one in COUNTERS:
            meter.create_observable_counter(
                one.name,
                callbacks=[functools.partial(self._read, one.name)],
                unit=one.unit,
                description=one.meaning,
            )
        self._histograms = {
            one.name: meter.create_histogram(
                one.name,
                unit=one.unit,
                description=one.meaning,
                # The SDK's own boundaries (5, 10, 25, …) are useless for seconds.
                explicit_bucket_boundaries_advisory=[float(bound) for bound in one.bounds],
            )
            for one in HISTOGRAMS
        }
        self._fleet: tuple[Mapping[str, Sequence[Reading]], float] = {}, 0.0
        for one in GAUGES:
            meter.create_observable_gauge(
                one.name,
                callbacks=[functools.partial(self._observe, one)],
                unit=one.unit,
                description=one.meaning,
            )

    def seed(self, role: Role) -> None:
        """Start a role's counters at 0 where their attributes are known: rates then see the first event."""
        for one in COUNTERS:
            if role in one.roles:
                for attributes in one.first_series():
                    self._add(one.name, 0, attributes)

    def fleet_stands(self, figures: Mapping[str, Sequence[Reading]], *, valid_s: float) -> None:
        """Tell figures of the whole fleet, by gauge, for so long; nothing of it is told after that."""
        self._fleet = figures, time.monotonic() + valid_s

    def fleet_is_told_elsewhere(self) -> None:
        """Stop to tell figures of the fleet at once."""
        self._fleet = {}, 0.0

    def transfer_ended(self, state: str, *, duration_s: float | None) -> None:
        """duration_s: from its request; None where that is not known."""
        self._add("crossplay.transfers", 1, {"crossplay.state": state})
        if duration_s is not None:
            self._record("crossplay.transfer.duration", max(0.0, duration_s), {"crossplay.state": state})

    def job_done(self, *, platform: str, phase: str, verdict: str, duration_s: float) -> None:
        """verdict: one of instruments.VERDICTS."""
        place = {"crossplay.platform": platform, "crossplay.phase": phase}
        self._add("crossplay.jobs", 1, {**place, "crossplay.verdict": verdict})
        self._record("crossplay.job.duration", duration_s, place)

    def checkpoint_stored(self, duration_s: float, *, platform: str, phase: str) -> None:
        place = {"crossplay.platform": platform, "crossplay.phase": phase}
        self._record("crossplay.checkpoint.duration", duration_s, place)

    def tracks_settled(self, track_count: int, *, platform: str, outcome: str) -> None:
        attributes = {"crossplay.platform": platform, "crossplay.outcome": outcome}
        self._add("crossplay.tracks", track_count, attributes)

    def request_sent(self, *, platform: str, operation: str, status: str, duration_s: float) -> None:
        """status: of the answer, or the name of the error."""
        place = {"crossplay.platform": platform, "crossplay.operation": operation}
        self._add("crossplay.upstream.requests", 1, {**place, "crossplay.status": status})
        self._record("crossplay.upstream.request.duration", duration_s, place)

    def rate_limit_waited(self, wait_s: float, *, platform: str) -> None:
        self._record("crossplay.ratelimit.wait", wait_s, {"crossplay.platform": platform})

    def starts_unused(self, start_count: int, *, platform: str) -> None:
        self._add("crossplay.ratelimit.unused", start_count, {"crossplay.platform": platform})

    def cooled_down(self, *, platform: str) -> None:
        self._add("crossplay.ratelimit.cooldowns", 1, {"crossplay.platform": platform})

    def jobs_reclaimed(self, job_count: int, *, platform: str) -> None:
        self._add("crossplay.jobs.reclaimed", job_count, {"crossplay.platform": platform})

    def jobs_requeued(self, job_count: int, *, platform: str) -> None:
        self._add("crossplay.outbox.requeued", job_count, {"crossplay.platform": platform})

    def write_fenced(self, *, platform: str) -> None:
        self._add("crossplay.fenced_writes", 1, {"crossplay.platform": platform})

    def read_back(self, *, platform: str, result: str) -> None:
        """result: one of instruments.READBACKS."""
        self._add("crossplay.readbacks", 1, {"crossplay.platform": platform, "crossplay.result": result})

    def warned(self, code: str) -> None:
        """code: one of instruments.WARNING_CODES."""
        self._add("crossplay.warnings", 1, {"crossplay.code": code})

    def tokens_refreshed(self, *, platform: str, result: str) -> None:
        """result: one of instruments.REFRESHES."""
        attributes = {"crossplay.platform": platform, "crossplay.result": result}
        self._add("crossplay.token.refreshes", 1, attributes)

    def tokens_locked(self, *, platform: str) -> None:
        self._add("crossplay.tokens.locked", 1, {"crossplay.platform": platform})

    def webhook_attempted(self, result: str) -> None:
        """result: delivered, retried or failed."""
        self._add("crossplay.webhook.deliveries", 1, {"crossplay.result": result})

    def store_failed(self, store: str) -> None:
        """store: one of instruments.STORES."""
        self._add("crossplay.store.errors", 1, {"crossplay.store": store})

    def loop_lagged(self, lag_s: float) -> None:
        self._record("crossplay.eventloop.lag", lag_s, {})

    def request_answered(self, *, method: str, route: str, status: int | None, duration_s: float) -> None:
        """route: the path's template, never the path. status: None where nothing was answered."""
        attributes: dict[str, str | int] = {"http.request.method": method, "http.route": route}
        if status is not None:
            attributes["http.response.status_code"] = status
        self._record("http.server.request.duration", duration_s, attributes)

    def _add(self, name: str, count: int, attributes: Mapping[str, str]) -> None:
        counts = self._counts[name]
        labels = frozenset(attributes.items())
        counts[labels] = counts.get(labels, 0) + count

    def _record(self, name: str, duration_s: float, attributes: Mapping[str, str | int]) -> None:
        self._histograms[name].record(duration_s, attributes)

    def _read(self, name: str, _: CallbackOptions) -> Iterable[Observation]:
        # A list first: the event loop counts on while a reader, in a thread of its own, looks.
        return [Observation(count, dict(labels)) for labels, count in list(self._counts[name].items())]

    def _observe(self, gauge: Instrument, _: CallbackOptions) -> Iterable[Observation]:
        """Return the gauge's figures; called by the readers, in threads of their own."""
        figures, until_s = self._fleet
        if time.monotonic() >= until_s:
            return ()
        return [Observation(value, attributes) for value, attributes in figures.get(gauge.name, ())]


meters = Metrics(metrics.get_meter("crossplay"))

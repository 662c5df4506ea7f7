"""The metrics of this process as a Prometheus server reads them."""

import threading
from collections.abc import Iterator

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.instrument import Role
from shared.instruments import INSTRUMENTS

CONTENT_TYPE = exposition.CONTENT_TYPE_PLAIN_0_0_4

_REGISTRY = CollectorRegistry(auto_describe=False)  # our own: the global one tells of Python and the process
_TURN = threading.Lock()  # the reader hands its figures over by a queue that two scrapes would mix


def reader() -> PrometheusMetricReader:
    """Return what a meter provider has to have so that `render` shows its metrics; one for each process."""
    # Scope labels would say "crossplay" on each series.
    return PrometheusMetricReader(scope_info_enabled=False, registry=_REGISTRY)


def render(role: Role) -> bytes:
    """Return all metrics of a role as text, also the names of those that have nothing to tell yet.

    Takes some milliseconds and may be called in any thread.
    """
    with _TURN:
        families = list(_REGISTRY.collect())
    told = {family.name for family in families}
    return exposition.generate_latest(_Families((*families, *_silent(role, told=told))))


def _silent(role: Role, *, told: set[str]) -> Iterator[Metric]:
    for one in INSTRUMENTS:
        name = one.prometheus_name.removesuffix("_total")
        if role in one.roles and name not in told:
            yield Metric(name, one.meaning, one.kind)


class _Families(Collector):
    """What was collected already, in the shape that the text is made from."""

    def __init__(self, families: tuple[Metric, ...]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)

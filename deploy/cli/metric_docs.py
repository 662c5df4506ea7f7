"""Writes the reference page of all metrics: `python -m deploy.cli.metric_docs`."""

from collections.abc import Iterable
from pathlib import Path

from shared.fleet_gauges import GAUGES
from shared.instrument import Attribute, Instrument, Role
from shared.instruments import COUNTERS, HISTOGRAMS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/metrics.md"

_HEAD = """\
# Metrics

<!-- Written by `python -m deploy.cli.metric_docs` from shared/instruments.py. -->

Every gateway and every worker tells what it counts and times, in one of two ways or in both:

- **OTLP**: set `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`); all standard \
`OTEL_*` variables mean what they always do.
- **Prometheus**: set `CROSSPLAY_METRICS_PORT`; each process then answers `GET /metrics` there. The same\
 port answers `/healthz` and `/readyz`; it is private, so keep it off the internet. `crossplay \
healthcheck` asks it.

A dot in a name becomes `_` at Prometheus, and the name gets its unit and, of a counter, `_total`. The \
labels are the attributes with `_` for each dot. No label ever holds the id of a user, transfer, job or \
playlist, so the number of series does not grow with use. Counters whose attributes are listed below \
start at 0 with the process, so that `rate()` and `increase()` see the first event.
"""

_GAUGES_HEAD = """\
These tell of the whole fleet. One process at a time, any gateway or worker whose metrics somebody gets,\
 counts every five seconds (connections and the size of the database: every fifteen) and tells them; the \
others tell nothing. So ask for `max by (…) (name)`: while the lead changes hands there may be two for a\
 moment. Where a store is away its figures are missing, not old.
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = (
        _HEAD,
        "## Counters\n",
        _table(COUNTERS),
        "## Histograms\n",
        _table(HISTOGRAMS),
        "## Gauges of the fleet\n",
        _GAUGES_HEAD,
        _table(GAUGES),
        "## Attributes\n",
        _attributes((*COUNTERS, *HISTOGRAMS, *GAUGES)),
    )
    return "\n".join(parts)


def _table(instruments: Iterable[Instrument]) -> str:
    rows = ["| OpenTelemetry, Prometheus | Unit | Attributes | Told by | Meaning |", "|---|---|---|---|---|"]
    for one in instruments:
        names = f"`{one.name}`<br>`{one.prometheus_name}`"
        attributes = "<br>".join(f"`{attribute.name}`" for attribute in one.attributes) or "–"
        tellers = "both" if len(one.roles) == len(Role) else one.roles[0]
        meaning = one.meaning
        if one.bounds:
            meaning += f" Buckets: {', '.join(f'{bound:g}' for bound in one.bounds)}."
        rows.append(f"| {names} | {one.unit or '–'} | {attributes} | {tellers} | {meaning} |")
    return "\n".join(rows) + "\n"


def _attributes(instruments: Iterable[Instrument]) -> str:
    values: dict[str, dict[str, None]] = {}
    for one in instruments:
        for attribute in one.attributes:
            values.setdefault(attribute.name, {}).update(dict.fromkeys(_said(attribute)))
    rows = ["| Attribute | Values |", "|---|---|"]
    rows += [f"| `{name}` | {', '.join(said)} |" for name, said in sorted(values.items())]
    return "\n".join(rows) + "\n"


def _said(attribute: Attribute) -> tuple[str, ...]:
    return tuple(f"`{value}`" for value in attribute.values) or (attribute.meaning,)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

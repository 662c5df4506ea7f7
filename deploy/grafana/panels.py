"""What a dashboard is made of, and how it becomes the JSON that Grafana reads."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

GRID_WIDTH = 24
SCHEMA_VERSION = 39  # the oldest that has all we use; newer Grafanas migrate it while they read
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
# The search for traces, at the data source that was chosen above.
TRACES_URL = (
    '/explore?schemaVersion=1&panes={"t":{"datasource":"${traces}","queries":[{"refId":"A",'
    '"datasource":{"uid":"${traces}"},"queryType":"search","service":"crossplay-worker"}]}}'
)

Json = dict[str, Any]
Unit = Literal["short", "s", "bytes", "percentunit", "reqps", "cpm", "bool_yes_no"]


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One picture. unit: by Grafana's names; `cpm` is per minute. description: what a reader should know.

    queries: in PromQL, by the name of their answers; there `{{label}}` stands for a label's value.
    is_number: the last value in large digits. is_stacked: the sum of all means something. alarm_at: from
    which value on it is shown in red.
    """

    title: str
    description: str
    unit: Unit
    queries: Mapping[str, str]
    width: int = 8
    is_number: bool = False
    is_stacked: bool = False
    alarm_at: float | None = None

    @property
    def height(self) -> int:
        return 4 if self.is_number else 8


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Panels that belong together, under a heading; they flow from left to right."""

    title: str
    panels: tuple[Panel, ...]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A page. uid: in its address, so that links last."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]


def as_json(dashboard: Dashboard, *, others: Sequence[Dashboard] = ()) -> Json:
    """Return the model that Grafana imports; others are linked to."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["crossplay"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,  # the cross-hair stands in all panels at once
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [
            *(_link(other.title, f"/d/{other.uid}") for other in others),
            _link("Traces", TRACES_URL),
        ],
        "templating": {"list": _variables()},
        "panels": list(_placed(dashboard)),
    }


def _placed(dashboard: Dashboard) -> Iterator[Json]:
    numbers = itertools.count(1)
    y = 0
    for row in dashboard.rows:
        yield {
            "id": next(numbers),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": y, "w": GRID_WIDTH, "h": 1},
            "panels": [],
        }
        x, y, height = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > GRID_WIDTH:
                x, y, height = 0, y + height, 0
            position = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            yield {"id": next(numbers), "gridPos": position, **_panel(panel)}
            x, height = x + panel.width, max(height, panel.height)
        y += height


def _panel(panel: Panel) -> Json:
    red_from = [] if panel.alarm_at is None else [{"color": "red", "value": panel.alarm_at}]
    return {
        "type": "stat" if panel.is_number else "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": PROMETHEUS,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": PROMETHEUS,
                "expr": expr,
                "legendFormat": legend,
                "instant": panel.is_number,
                "range": not panel.is_number,
            }
            for number, (legend, expr) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}, *red_from]},
                "custom": {} if panel.is_number else _drawing(panel),
            },
            "overrides": [],
        },
        "options": _number_options() if panel.is_number else _line_options(),
    }


def _drawing(panel: Panel) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.is_stacked else 0,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.is_stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off" if panel.alarm_at is None else "line"},
    }


def _line_options() -> Json:
    return {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["last", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _number_options() -> Json:
    return {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
    }


def _variables() -> list[Json]:
    return [
        _source("datasource", label="Metrics", plugin="prometheus"),
        _source("traces", label="Traces", plugin="jaeger"),
        {
            "name": "platform",
            "label": "Platform",
            "type": "query",
            "datasource": PROMETHEUS,
            "query": {
                "query": "label_values(crossplay_platform_paused, crossplay_platform)",
                "refId": "platform",
            },
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".+",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _source(name: str, *, label: str, plugin: str) -> Json:
    return {"name": name, "label": label, "type": "datasource", "query": plugin, "refresh": 1}


def _link(title: str, url: str) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": url,
        "icon": "external link",
        "keepTime": True,
        "includeVars": url.startswith("/d/"),
        "targetBlank": False,
    }

"""The dashboards: as their description says, and whole."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from deploy.grafana.__main__ import texts
from deploy.grafana.panels import GRID_WIDTH
from tests.promql import labels_of
from tests.runbook import DASHBOARDS, Json, dashboard, panels

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
TIME = re.compile(r"_seconds(?!_count)")
NEEDED = {"uid", "title", "description", "tags", "schemaVersion", "templating", "time", "links", "panels"}


def named(panel: tuple[str, Json]) -> str:
    return f"{panel[0]}: {panel[1]['title']}"


def squares(panel: Json) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {(at["x"] + right, at["y"] + down) for right in range(at["w"]) for down in range(at["h"])}


def sources(part: Any) -> Iterator[object]:
    """Yield every data source that is named anywhere."""
    if isinstance(part, dict):
        yield from ([part["datasource"]] if "datasource" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from sources(one)


def test_the_files_are_what_the_description_says() -> None:
    written = {path: path.read_bytes() for path in DASHBOARDS}

    assert written == texts(), "run python -m deploy.grafana"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: str(path.stem))
def test_a_dashboard_is_whole(path: Any) -> None:
    model = dashboard(path)
    ids = [panel["id"] for panel in model["panels"]]
    names = [variable["name"] for variable in model["templating"]["list"]]

    assert set(model) >= NEEDED
    assert len(set(ids)) == len(ids)
    assert names == ["datasource", "traces", "platform"]
    assert all(source == SOURCE for source in sources(model))
    assert {link["title"] for link in model["links"]} >= {"Traces"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: str(path.stem))
def test_panels_lie_on_the_grid_and_not_on_each_other(path: Any) -> None:
    placed = dashboard(path)["panels"]
    widest = max(x for panel in placed for x, _ in squares(panel))
    overlaps = [
        (one["title"], other["title"])
        for one, other in combinations(placed, 2)
        if squares(one) & squares(other)
    ]

    assert widest < GRID_WIDTH
    assert overlaps == []


@pytest.mark.parametrize("panel", panels(), ids=named)
def test_a_panel_says_what_it_shows(panel: tuple[str, Json]) -> None:
    _, model = panel
    unit = model["fieldConfig"]["defaults"]["unit"]
    refs = [target["refId"] for target in model["targets"]]

    assert model["description"].endswith(".")
    assert len(set(refs)) == len(refs) >= 1
    for target in model["targets"]:
        assert ("_bytes" in target["expr"]) == (unit == "bytes")
        assert bool(TIME.search(target["expr"])) == (unit == "s")


@pytest.mark.parametrize("panel", panels(), ids=named)
def test_legends_name_labels_that_the_answer_has(panel: tuple[str, Json]) -> None:
    for target in panel[1]["targets"]:
        kept = {label for _, label in labels_of(target["expr"])}
        asked = {part.split("}}")[0] for part in target["legendFormat"].split("{{")[1:]}
        assert asked <= kept

"""The files of the chart that are written from elsewhere, so that none of them can differ from it."""

import json
from pathlib import Path
from typing import Any

from deploy.helm.facts import facts
from deploy.helm.schema import values_schema
from deploy.helm.values_file import values_table, values_yaml
from deploy.marked import between_marks

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/crossplay"


def written_files() -> dict[Path, str]:
    """Return the text that each file should have now. The README keeps what stands around its table."""
    readme = CHART / "README.md"
    return {
        CHART / "values.yaml": values_yaml(),
        CHART / "values.schema.json": _json(values_schema()),
        CHART / "files/facts.json": _json(facts()),
        readme: _with_table(readme.read_text(encoding="utf-8")),
        **_copies(),
    }


def stale_files() -> list[Path]:
    """Return copies in the chart whose original is gone."""
    present = {*CHART.glob("files/prometheus/*"), *CHART.glob("files/grafana/*")}
    return sorted(present - set(_copies()))


def _copies() -> dict[Path, str]:
    """Return alerts and dashboards: a chart can read nothing outside of its own folder."""
    originals = {
        "prometheus": ROOT.glob("deploy/prometheus/alerts*.yml"),
        "grafana": ROOT.glob("deploy/grafana/dashboards/*.json"),
    }
    return {
        CHART / "files" / folder / path.name: path.read_text(encoding="utf-8")
        for folder, paths in originals.items()
        for path in paths
    }


def _with_table(text: str) -> str:
    return between_marks(text, part=values_table(), name="values")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

"""What the alert rules, the dashboards and the runbook's pages say, as data for tests."""

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).resolve().parents[1]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
RULE_TESTS = tuple(sorted((ROOT / "deploy/prometheus/tests").glob("*.yml")))
DASHBOARDS = tuple(sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")))
PAGES = tuple(sorted((ROOT / "docs/runbook").glob("*.md")))

Json = dict[str, Any]


def rules() -> list[Json]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[Json]:
    return [rule for rule in rules() if "alert" in rule]


def page_name(alert: str) -> str:
    """Return the name of an alert's page: CrossplayBacklogGrows, backlog-grows.md."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert.removeprefix("Crossplay")).lower() + ".md"


def dashboard(path: Path) -> Json:
    model: Json = msgspec.json.decode(path.read_bytes())
    return model


def panels() -> list[tuple[str, Json]]:
    """Return all panels with the name of their dashboard, headings left out."""
    return [
        (path.stem, panel)
        for path in DASHBOARDS
        for panel in dashboard(path)["panels"]
        if panel["type"] != "row"
    ]


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of this language in all pages, with the name of the page."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(page.name, block.strip()) for page in PAGES for block in fence.findall(page.read_text())]


def questions() -> dict[str, str]:
    """Return every question in PromQL, by the place where it stands."""
    of_rules = {f"alerts.yml {rule.get('alert') or rule['record']}": rule["expr"] for rule in rules()}
    of_panels = {
        f"{name}.json {panel['title']} {target['refId']}": target["expr"]
        for name, panel in panels()
        for target in panel["targets"]
    }
    of_pages = {
        f"{page} {number}: {line}": line
        for number, (page, block) in enumerate(blocks("promql"))
        for line in block.splitlines()
    }
    return of_rules | of_panels | of_pages

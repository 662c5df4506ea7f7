"""The alert rules: valid, tested one by one, and written for people."""

import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests.runbook import ALERTS, RULE_TESTS, alerts, page_name

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool (apt-get install prometheus)")


def promtool(*arguments: str | Path) -> tuple[int, str]:
    command = [str(PROMTOOL), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_promtool
def test_rules_are_valid() -> None:
    code, told = promtool("check", "rules", "--lint-fatal", ALERTS)

    assert code == 0, told


@needs_promtool
@pytest.mark.parametrize("name", ["prometheus.yml", "systemd.example.yml"])
def test_configurations_are_valid_and_find_rules_and_targets(name: str) -> None:
    code, told = promtool("check", "config", ALERTS.with_name(name))

    assert code == 0, told
    assert "1 rule files found" in told
    assert "WARNING" not in told


@needs_promtool
def test_each_alert_fires_when_it_should_and_is_silent_otherwise() -> None:
    code, told = promtool("test", "rules", *RULE_TESTS)

    assert code == 0, told


def test_each_alert_is_tested_to_fire_and_to_be_silent() -> None:
    cases = [
        case
        for path in RULE_TESTS
        if path.stem != "healthy"
        for group in yaml.safe_load(path.read_text())["tests"]
        for case in group["alert_rule_test"]
    ]
    healthy = yaml.safe_load(ALERTS.parent.joinpath("tests/healthy.yml").read_text())["tests"]
    calm = {case["alertname"] for case in chain(*(group["alert_rule_test"] for group in healthy))}
    names = [alert["alert"] for alert in alerts()]

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(names)
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(names)
    assert calm == set(names)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_tells_people_what_they_need(alert: dict[str, dict[str, str]]) -> None:
    told = alert["annotations"]

    assert alert["labels"]["severity"] in ("critical", "warning")
    assert told["summary"][0].isupper() or told["summary"].startswith("{{")
    assert not told["summary"].endswith(".")
    assert told["description"].endswith(".")
    assert told["runbook_url"] == "{{ $externalLabels.runbooks }}" + page_name(str(alert["alert"]))

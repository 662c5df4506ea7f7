"""Alerts and dashboards reach the cluster as they stand in their own folders."""

import json
import re

import yaml

from deploy.helm.files import ROOT
from tests.charts import ROLES, Manifest, one, pods, render

ALERTS = sorted((ROOT / "deploy/prometheus").glob("alerts*.yml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))


def monitored(**metrics: Manifest) -> list[Manifest]:
    return render({"secret": {"existing": "kept"}, "metrics": metrics})


def test_each_file_of_alerts_is_a_rule_of_the_operator() -> None:
    manifests = monitored(prometheusRule={"enabled": True, "labels": {"release": "mine"}})

    found = [each for each in manifests if each["kind"] == "PrometheusRule"]

    assert [each["spec"] for each in found] == [yaml.safe_load(path.read_text("utf-8")) for path in ALERTS]
    assert {each["metadata"]["labels"]["release"] for each in found} <= {"mine"}


def test_each_dashboard_is_a_map_that_the_sidecar_finds() -> None:
    manifests = monitored(dashboards={"enabled": True, "annotations": {"grafana_folder": "Music"}})

    found = [each for each in manifests if each["metadata"]["labels"].get("grafana_dashboard") == "1"]

    assert {name: json.loads(text) for each in found for name, text in each["data"].items()} == {
        path.name: json.loads(path.read_text("utf-8")) for path in DASHBOARDS
    }
    assert {each["metadata"]["annotations"]["grafana_folder"] for each in found} <= {"Music"}


def test_jobs_have_the_names_that_alerts_look_for() -> None:
    """By itself the operator names them for namespace and release, of which neither need say crossplay."""
    manifests = monitored(podMonitor={"enabled": True})

    (endpoint,) = one(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]

    label = "app.kubernetes.io/component"
    assert endpoint["relabelings"] == [
        {
            "sourceLabels": ["__meta_kubernetes_pod_label_" + re.sub(r"\W", "_", label)],
            "targetLabel": "job",
            "replacement": "crossplay-$1",
        }
    ]
    assert {pod["metadata"]["labels"][label] for pod in pods(manifests)} >= set(ROLES)


def test_nothing_for_operators_is_made_unless_it_is_wanted() -> None:
    kinds = {each["kind"] for each in monitored()}

    assert kinds == {
        "ConfigMap", "Deployment", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount",
    }  # fmt: skip

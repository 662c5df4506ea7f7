"""Traffic is denied but for what a role needs; disruption and monitoring find the pods that they are for."""

from pathlib import Path
from typing import Any

import pytest

from tests.charts import ROLES, VALUE_SETS, Manifest, one, pods, render, values_of

each_set = pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
SECRET: Manifest = {"secret": {"existing": "kept"}}


def selects(selector: Manifest, pod: Manifest) -> bool:
    labels = pod["metadata"]["labels"]
    return all(labels.get(name) == text for name, text in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


def rules(role: str, side: str, **policy: Any) -> list[Manifest]:
    values = {**SECRET, "networkPolicy": policy}
    found: list[Manifest] = one(render(values), "NetworkPolicy", role=role)["spec"][side]
    return found


def ports(some: list[Manifest]) -> set[object]:
    return {each["port"] for rule in some for each in rule.get("ports", [])}


@each_set
def test_each_pod_has_one_policy_that_denies_the_rest(path: Path) -> None:
    values = values_of(path)
    manifests = render(values)
    policies = [each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"]

    if not values.get("networkPolicy", {}).get("enabled", True):
        assert policies == []
        return
    for pod in pods(manifests):
        (policy,) = [each for each in policies if selects(each["podSelector"], pod)]
        assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_a_worker_is_called_by_nobody_but_prometheus() -> None:
    (rule,) = rules("worker", "ingress")

    assert rule["ports"] == [{"port": "metrics", "protocol": "TCP"}]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]


def test_a_migration_is_called_by_nobody_and_calls_the_stores_alone() -> None:
    assert rules("migrate", "ingress") == []
    assert ports(rules("migrate", "egress")) == {53, 5432, 6379}


def test_the_gateway_is_open_on_its_one_port_to_whom_the_operator_names() -> None:
    edge = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}

    everybody, named = rules("gateway", "ingress"), rules("gateway", "ingress", gatewayFrom=[edge])

    assert everybody[0] == {"ports": [{"port": "http", "protocol": "TCP"}]}
    assert named[0]["from"] == [edge]


@pytest.mark.parametrize("role", ROLES)
def test_https_leads_to_the_internet_and_not_inside(role: str) -> None:
    (rule,) = [each for each in rules(role, "egress") if ports([each]) == {443}]

    everywhere = {each["ipBlock"]["cidr"]: each["ipBlock"]["except"] for each in rule["to"]}
    assert set(everywhere) == {"0.0.0.0/0", "::/0"}
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(everywhere["0.0.0.0/0"])
    assert set(everywhere["::/0"]) == {"fc00::/7", "fe80::/10"}


def test_networks_of_webhooks_are_open_to_workers_who_deliver_to_them() -> None:
    config = {"webhook_allowed_networks": "10.20.0.0/16, fd00:20::/64"}
    manifests = render({**SECRET, "config": config})

    blocks = {
        role: [
            peer["ipBlock"]["cidr"]
            for rule in one(manifests, "NetworkPolicy", role=role)["spec"]["egress"]
            if "ports" not in rule
            for peer in rule["to"]
        ]
        for role in ROLES
    }

    assert blocks == {"gateway": [], "worker": ["10.20.0.0/16", "fd00:20::/64"]}


def test_networks_of_users_servers_are_open_to_all_who_call_them() -> None:
    manifests = render({**SECRET, "config": {"subsonic_allowed_networks": "10.30.0.0/16"}})

    for role in ROLES:
        egress = one(manifests, "NetworkPolicy", role=role)["spec"]["egress"]
        assert {"to": [{"ipBlock": {"cidr": "10.30.0.0/16"}}]} in egress


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector:4318", 4318),
        ("https://collector.example.org", 443),
        ("http://[fd00::1]:4319/x", 4319),
    ],
)
def test_the_collector_can_be_reached(endpoint: str, port: int) -> None:
    peer = {"ipBlock": {"cidr": "192.0.2.1/32"}}
    values = {**SECRET, "telemetry": {"otlpEndpoint": endpoint}, "networkPolicy": {"otlpTo": [peer]}}

    egress = one(render(values), "NetworkPolicy", role="worker")["spec"]["egress"]

    assert {"ports": [{"port": port, "protocol": "TCP"}], "to": [peer]} in egress


@each_set
def test_each_disruption_budget_finds_its_role_and_lets_nodes_be_drained(path: Path) -> None:
    values = values_of(path)
    manifests = render(values)
    budgets = [each for each in manifests if each["kind"] == "PodDisruptionBudget"]

    enabled = [
        role for role in ROLES if values.get(role, {}).get("podDisruptionBudget", {}).get("enabled", True)
    ]
    assert len(budgets) == len(enabled)
    for role in enabled:
        budget = one(budgets, "PodDisruptionBudget", role=role)["spec"]
        found = [each for each in pods(manifests) if selects(budget["selector"], each)]
        assert [each["metadata"]["labels"]["app.kubernetes.io/component"] for each in found] == [role]
        assert budget["maxUnavailable"] >= 1


@each_set
def test_services_and_monitors_find_pods_that_have_their_port(path: Path) -> None:
    manifests = render(values_of(path))
    templates = pods(manifests)

    service = one(manifests, "Service")["spec"]
    (gateway,) = [each for each in templates if selects({"matchLabels": service["selector"]}, each)]
    assert service["ports"][0]["targetPort"] in _port_names(gateway)
    for monitor in (each["spec"] for each in manifests if each["kind"] == "PodMonitor"):
        seen = [each for each in templates if selects(monitor["selector"], each)]
        assert len(seen) == len(ROLES)
        assert all(monitor["podMetricsEndpoints"][0]["port"] in _port_names(each) for each in seen)


@each_set
def test_ways_in_lead_to_the_service(path: Path) -> None:
    manifests = render(values_of(path))
    service = one(manifests, "Service")

    for ingress in (each["spec"] for each in manifests if each["kind"] == "Ingress"):
        backend = ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend == {"name": service["metadata"]["name"], "port": {"name": "http"}}
    for route in (each["spec"] for each in manifests if each["kind"] == "HTTPRoute"):
        (backend,) = route["rules"][0]["backendRefs"]
        assert backend == {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}


def _port_names(pod: Manifest) -> set[str]:
    return {each["name"] for each in pod["spec"]["containers"][0]["ports"]}

"""Each pod runs with the least rights, and is started, asked and stopped as the program wants it."""

import math
from pathlib import Path
from typing import Any

import pytest

from gateway.app import STOP_TIMEOUT_S
from shared.setting_kinds import settings_by_name
from shared.settings import PREFIX, REQUIRED, Settings
from shared.telemetry import FLUSH_TIMEOUT_S
from tests.charts import ROLES, VALUE_SETS, Manifest, one, pods, render, role_of, settings_of, values_of

each_set = pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
MINIMAL: Manifest = {"secret": {"existing": "kept"}}
FOREIGN = {"POD_NAME"}  # what the chart itself needs to name the pod in traces


def containers(manifests: list[Manifest]) -> list[Manifest]:
    return [container for pod in pods(manifests) for container in pod["spec"]["containers"]]


@each_set
def test_no_pod_is_root_or_can_become_it(path: Path) -> None:
    manifests = render(values_of(path))

    for pod in pods(manifests):
        assert pod["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert [set(volume) for volume in pod["spec"]["volumes"]] == [{"name", "emptyDir"}]
        assert not any(name.startswith("host") for name in pod["spec"])
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@each_set
def test_no_pod_gets_a_token_or_the_addresses_of_services(path: Path) -> None:
    """A Service named `crossplay` would set CROSSPLAY_PORT to tcp://…, which is no port."""
    for pod in pods(render(values_of(path))):
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False


@each_set
def test_each_container_says_what_it_needs(path: Path) -> None:
    for container in containers(render(values_of(path))):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert set(container["resources"]["limits"]) == {"memory"}
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


@each_set
def test_each_role_is_probed_on_its_private_port(path: Path) -> None:
    values = values_of(path)
    manifests = render(values)
    port = values.get("metrics", {}).get("port", 9464)

    for role in ROLES:
        (container,) = one(manifests, "Deployment", role=role)["spec"]["template"]["spec"]["containers"]
        asked = {
            name: container[f"{name}Probe"]["httpGet"]["path"]
            for name in ("startup", "liveness", "readiness")
        }
        assert asked == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
        assert {container[f"{name}Probe"]["httpGet"]["port"] for name in asked} == {"metrics"}
        assert {"name": "metrics", "containerPort": port} in container["ports"]
        assert container["args"] == [role]
    assert settings_of(manifests)["CROSSPLAY_METRICS_PORT"] == str(port)


@pytest.mark.parametrize("drain_s", [None, 25.5, 90])
def test_a_worker_is_given_longer_than_it_drains(drain_s: float | None) -> None:
    values = {**MINIMAL, "config": {} if drain_s is None else {"drain_s": drain_s}}

    pod = one(render(values), "Deployment", role="worker")["spec"]["template"]["spec"]

    needed_s = (Settings().drain_s if drain_s is None else drain_s) + FLUSH_TIMEOUT_S
    assert needed_s < pod["terminationGracePeriodSeconds"] == math.ceil(needed_s - FLUSH_TIMEOUT_S + 15)


@pytest.mark.parametrize("drain_s", [None, 0, 20.5])
def test_a_gateway_serves_until_no_proxy_knows_it_and_then_has_time_to_stop(drain_s: float | None) -> None:
    values = {**MINIMAL, "config": {} if drain_s is None else {"gateway_drain_s": drain_s}}

    pod = one(render(values), "Deployment", role="gateway")["spec"]["template"]["spec"]

    lingers_s = Settings().gateway_drain_s if drain_s is None else drain_s
    needed_s = lingers_s + STOP_TIMEOUT_S + FLUSH_TIMEOUT_S
    assert needed_s < pod["terminationGracePeriodSeconds"] == math.ceil(needed_s + 5)


@each_set
def test_a_rollout_never_takes_a_pod_before_its_successor_is_ready(path: Path) -> None:
    for role in ROLES:
        deployment = one(render(values_of(path)), "Deployment", role=role)
        assert deployment["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        }


@each_set
def test_every_variable_is_one_that_the_program_reads(path: Path) -> None:
    manifests = render(values_of(path))
    extra = {each["name"] for each in values_of(path).get("extraEnv", [])}

    names = {name for container in containers(manifests) for name in _variables(container, manifests)}

    known = {PREFIX + name.upper() for name in settings_by_name()}
    assert {name for name in names - known - FOREIGN - extra if not name.startswith("OTEL_")} == set()
    assert {PREFIX + name.upper() for name in REQUIRED} <= names


@each_set
def test_migrations_see_the_same_settings_as_the_roles(path: Path) -> None:
    """So that a wrong setting ends an upgrade in its first hook, while the old pods still serve."""
    manifests = render(values_of(path))
    roles = one(manifests, "Deployment", role="worker")["spec"]["template"]["spec"]["containers"]

    for job in (each for each in manifests if each["kind"] == "Job"):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert "envFrom" not in container, "before an installation there is no ConfigMap yet"
        assert set(_variables(container, manifests)) == set(_variables(roles[0], manifests)) - {
            "POD_NAME", "OTEL_RESOURCE_ATTRIBUTES",
        }  # fmt: skip


def test_migrations_run_before_and_after_the_rollout() -> None:
    jobs = {job["metadata"]["name"]: job for job in render(MINIMAL) if job["kind"] == "Job"}

    assert {name: _hook(job) for name, job in jobs.items()} == {
        "rel-crossplay-migrate-pre": ("pre-install,pre-upgrade", ["migrate", "--pre"]),
        "rel-crossplay-migrate-post": ("post-install,post-upgrade", ["migrate", "--post", "--wait", "600"]),
    }


def test_secrets_of_the_values_are_there_for_every_hook_and_for_no_longer() -> None:
    """At a hook before the installation the release's own Secret is not there yet."""
    manifests = render(values_of(next(path for path in VALUE_SETS if path.stem == "hpa-values")))
    secrets = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Secret"}
    notes = secrets["rel-crossplay-migrate"]["metadata"]["annotations"]

    used = {_hook(job)[0] for job in manifests if job["kind"] == "Job"}

    assert set(notes["helm.sh/hook"].split(",")) == set(",".join(used).split(","))
    assert int(notes["helm.sh/hook-weight"]) < 0
    assert set(notes["helm.sh/hook-delete-policy"].split(",")) == {
        "before-hook-creation", "hook-succeeded", "hook-failed",
    }  # fmt: skip
    assert secrets["rel-crossplay"]["stringData"] == secrets["rel-crossplay-migrate"]["stringData"]


def test_a_changed_setting_or_secret_starts_a_rollout() -> None:
    values = values_of(next(path for path in VALUE_SETS if path.stem == "hpa-values"))
    secrets = {**values["secret"]["values"], "spotify_client_secret": "another one"}

    marks = [
        one(render(each), "Deployment", role="worker")["spec"]["template"]["metadata"]["annotations"]
        for each in (
            values,
            {**values, "config": {"lease_s": 40}},
            {**values, "secret": {"values": secrets}},
        )
    ]

    assert marks[0]["checksum/config"] != marks[1]["checksum/config"]
    assert marks[0]["checksum/config"] == marks[2]["checksum/config"]
    assert marks[0]["checksum/secret"] != marks[2]["checksum/secret"]


@each_set
def test_no_secret_stands_outside_of_a_secret(path: Path) -> None:
    values = values_of(path)
    texts = [text for text in values["secret"].get("values", {}).values() if text != "password"]

    others = [each for each in render(values) if each["kind"] != "Secret"]

    assert [text for text in texts if any(text in str(each) for each in others)] == []
    assert {each["kind"] for each in render(values) if any(text in str(each) for text in texts)} <= {"Secret"}


def test_an_image_by_digest_wins_over_its_tag() -> None:
    image = {"repository": "mirror/crossplay", "tag": "1.2.3", "digest": "sha256:abc"}

    manifests = [render({**MINIMAL, "image": each}) for each in ({}, {"tag": "1.2.3"}, image)]

    assert [{each["image"] for each in containers(some)} for some in manifests] == [
        {"crossplay:0.1.0"}, {"crossplay:1.2.3"}, {"mirror/crossplay@sha256:abc"},
    ]  # fmt: skip


def _variables(container: Manifest, manifests: list[Manifest]) -> dict[str, Any]:
    listed = {each["name"]: each.get("value") for each in container["env"]}
    return listed | (settings_of(manifests) if "envFrom" in container else {})


def _hook(job: Manifest) -> tuple[str, list[str]]:
    assert role_of(job) == "migrate"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return job["metadata"]["annotations"]["helm.sh/hook"], container["args"]

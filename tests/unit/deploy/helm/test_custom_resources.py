"""What KEDA, the Prometheus operator and the Gateway API are told holds against their own published schemas.

The schemas come as npm packages, which `make validators` installs too; without them these tests are skipped.
"""

import copy
import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.helm.files import ROOT
from tests.charts import VALUE_SETS, Manifest, is_kubernetes_own, render, values_of

MODULES = ROOT / ".venv/npm/node_modules"
CHECKER = Path(__file__).with_name("custom_resources.mjs")
PACKAGES = {
    "keda.sh": "keda",
    "monitoring.coreos.com": "prometheus-operator",
    "gateway.networking.k8s.io": "gateway-api",
}
FREE = {"labels", "annotations", "matchLabels"}  # their keys are anybody's
KUBERNETES = {"behavior"}  # of an autoscaler; test_scaling.py holds it against Kubernetes' schema
TRIGGER = {"metadata"}  # of a trigger: each scaler has its own, see test_scaling.py

pytestmark = pytest.mark.skipif(
    not (MODULES.is_dir() and shutil.which("node")), reason="needs npm and `make validators`"
)


def test_every_custom_resource_is_valid() -> None:
    manifests = all_of_them()

    assert {each["kind"] for each in manifests} >= {
        "ScaledObject", "TriggerAuthentication", "PodMonitor", "HTTPRoute",
    }  # fmt: skip
    assert [fault for fault in faults_of(manifests) if fault] == []


def test_no_custom_resource_has_a_key_that_its_operator_ignores() -> None:
    assert [key for each in all_of_them() for key in unknown_keys(each)] == []


def test_what_is_wrong_would_be_noticed() -> None:
    scaled = next(each for each in all_of_them() if each["kind"] == "ScaledObject")
    mistyped, misspelt, invented = (copy.deepcopy(scaled) for _ in range(3))
    mistyped["spec"]["maxReplicaCount"] = "3"
    misspelt["spec"]["maxReplicas"] = misspelt["spec"].pop("maxReplicaCount")
    invented["spec"]["fallback"]["behavior"] = "keepAll"

    faults = faults_of([scaled, mistyped, invented])

    assert faults[0] is None
    assert faults[1] is not None
    assert "spec/maxReplicaCount must be integer" in faults[1]
    assert faults[2] is not None
    assert "spec/fallback/behavior" in faults[2]
    assert list(unknown_keys(misspelt)) == ["maxReplicas"]


@functools.cache
def all_of_them() -> list[Manifest]:
    return [each for path in VALUE_SETS for each in render(values_of(path)) if not is_kubernetes_own(each)]


def faults_of(manifests: list[Manifest]) -> list[str | None]:
    command, given = ["node", str(CHECKER), str(MODULES)], json.dumps(manifests)
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    faults: list[str | None] = json.loads(done.stdout)
    return faults


def unknown_keys(manifest: Manifest) -> Iterator[str]:
    known = _known_keys(PACKAGES[manifest["apiVersion"].partition("/")[0]])
    return (key for key in _keys(manifest["spec"]) if key not in known)


@functools.cache
def _known_keys(package: str) -> frozenset[str]:
    """Return every key that the package's types name: schemas let unknown ones pass, as Kubernetes does."""
    folder = MODULES / "@kubernetes-models" / package
    paths = [path for path in folder.rglob("*.d.ts") if "node_modules" not in path.relative_to(folder).parts]
    found = {key for path in paths for key in re.findall(r'"?(\w+)"?\??:', path.read_text(encoding="utf-8"))}
    return frozenset(found | {"matchLabels", "matchExpressions", "key", "operator", "values"})


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _keys(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in FREE | TRIGGER | KUBERNETES:
                yield from _keys(inner)

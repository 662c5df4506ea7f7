"""Every set of values gives manifests that Helm and Kubernetes accept, strictly."""

import copy
import re
import textwrap
from pathlib import Path

import pytest

from deploy.helm.files import CHART, ROOT
from tests.charts import (
    NEWEST,
    OLDEST,
    VALUE_SETS,
    faults_of,
    helm,
    is_kubernetes_own,
    notes,
    one,
    render,
    role_of,
    values_of,
)

each_set = pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
WARNING = 2  # severities: 1 says what would be nice, 3 what is wrong
HOW_TO = (ROOT / "docs/how-to/kubernetes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", HOW_TO, flags=re.DOTALL)
MINIMAL = {"secret": {"existing": "kept"}}


def test_there_are_sets_for_what_operators_do() -> None:
    assert {path.stem.removesuffix("-values") for path in VALUE_SETS} == {
        "minimal", "production", "hpa", "everything", "bare", "cluster",
    }  # fmt: skip


@each_set
def test_helm_lints_each_set_without_a_warning(path: Path) -> None:
    report = helm.lint(CHART, values_of(path), strict=True)

    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] >= WARNING] == []


@each_set
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_each_manifest_strictly(path: Path, version: str) -> None:
    manifests = [each for each in render(values_of(path)) if is_kubernetes_own(each)]

    assert len(manifests) >= 4
    assert [fault for each in manifests for fault in faults_of(each, version=version)] == []


def test_a_wrong_key_and_a_wrong_type_would_be_noticed() -> None:
    deployment = copy.deepcopy(one(render(MINIMAL), "Deployment", role="worker"))
    pod = deployment["spec"]["template"]["spec"]
    pod["terminationGraceSeconds"] = pod.pop("terminationGracePeriodSeconds")
    pod["containers"][0]["ports"][0]["containerPort"] = "9464"

    faults = faults_of(deployment, version=NEWEST)

    assert any("terminationGraceSeconds" in fault for fault in faults)
    assert any("'9464' is not of type 'integer'" in fault for fault in faults)


@each_set
def test_names_are_unique_and_short_enough(path: Path) -> None:
    manifests = render(values_of(path), name="a-release-name-of-the-greatest-length-that-helm-takes")

    names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(set(names)) == len(names)
    assert [name for _, name in names if len(name) > 63] == []


@each_set
def test_an_upgrade_keeps_selectors_and_names(path: Path) -> None:
    """A Deployment's selector is immutable: what a later release or a value changes is not in it."""
    values = values_of(path)
    later = {**values, "image": {"tag": "9.9.9"}, "config": {**values.get("config", {}), "max_attempts": 3}}

    before, after = render(values), render(later, is_upgrade=True)

    for kind in ("Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service"):
        assert [_identity(each) for each in before if each["kind"] == kind] == [
            _identity(each) for each in after if each["kind"] == kind
        ]
    for role in ("gateway", "worker"):
        assert set(one(after, "Deployment", role=role)["spec"]["selector"]["matchLabels"]) == {
            "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
        }  # fmt: skip


def _identity(manifest: dict[str, object]) -> tuple[object, ...]:
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    return manifest["metadata"], role_of(manifest), spec.get("selector", spec.get("podSelector"))


@pytest.mark.parametrize("text", EXAMPLES, ids=["install", "scale"])
def test_examples_of_the_how_to_are_installable(text: str) -> None:
    manifests = render({**MINIMAL, **helm.values_from_yaml(textwrap.dedent(text))})

    assert [
        fault for each in manifests if is_kubernetes_own(each) for fault in faults_of(each, version=NEWEST)
    ] == []


@each_set
def test_notes_tell_what_to_do_next(path: Path) -> None:
    text = notes(values_of(path))

    assert "crossplay add-user NAME" in text
    assert "crossplay healthcheck" in text
    assert "<no value>" not in text


def test_notes_warn_of_what_is_missing() -> None:
    assert "Users cannot connect accounts yet" in notes(MINIMAL)
    assert "No platform is set up" in notes(MINIMAL)
    assert "has no TLS" in notes({**MINIMAL, "ingress": {"enabled": True, "host": "music.example.org"}})

"""The Helm chart, rendered by Helm's own engine, and its manifests held against Kubernetes' own schemas."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from deploy.helm.files import CHART

WHY = "needs `make validators`"
helm: Any = pytest.importorskip("helm_python", reason=WHY)
kubernetes: Any = pytest.importorskip("kubernetes_validate.utils", reason=WHY)

Manifest: TypeAlias = dict[str, Any]

VALUE_SETS = tuple(sorted(CHART.glob("ci/*-values.yaml")))
ROLES = ("gateway", "worker")
NEWEST = "1.37.0"
OLDEST = "1.30.0"
"""The oldest Kubernetes that Chart.yaml names, and the newest whose schemas are at hand."""

_TEMPLATE = {"Deployment", "Job"}


def values_of(path: Path) -> Manifest:
    values: Manifest = helm.values_from_yaml(path.read_text(encoding="utf-8"))
    return values


def render(values: Manifest, *, name: str = "rel", is_upgrade: bool = False) -> list[Manifest]:
    """Return the manifests of a release. Raises what Helm raises: for values that are none, for rules."""
    return list(_render(json.dumps(values), name, is_upgrade))


def notes(values: Manifest) -> str:
    text: str = _chart().render(values, name="rel", namespace="music")["crossplay/templates/NOTES.txt"]
    return text


def one(manifests: list[Manifest], kind: str, *, role: str | None = None) -> Manifest:
    """Return the only manifest of a kind (and role)."""
    (found,) = [each for each in manifests if each["kind"] == kind and role in (None, role_of(each))]
    return found


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """Return what the ConfigMap of the pods says."""
    (container,) = one(manifests, "Deployment", role="worker")["spec"]["template"]["spec"]["containers"]
    (source,) = container["envFrom"]
    (found,) = [
        each["data"]
        for each in manifests
        if each["kind"] == "ConfigMap" and each["metadata"]["name"] == source["configMapRef"]["name"]
    ]
    return dict(found)


def role_of(manifest: Manifest) -> str | None:
    label: str | None = manifest["metadata"]["labels"].get("app.kubernetes.io/component")
    return label


def pods(manifests: list[Manifest]) -> list[Manifest]:
    """Return the pod templates, those of hooks too."""
    return [each["spec"]["template"] for each in manifests if each["kind"] in _TEMPLATE]


def faults_of(manifest: Manifest, *, version: str) -> list[str]:
    """Return what strict Kubernetes schemas say against a manifest; unknown keys are faults."""
    validator = _validator(manifest["apiVersion"], manifest["kind"], version)
    return [
        f"{manifest['kind']}/{manifest['metadata']['name']} {'.'.join(map(str, fault.path))}: {fault.message}"
        for fault in validator.iter_errors(manifest)
    ]


def is_kubernetes_own(manifest: Manifest) -> bool:
    """Say whether the kind is one of Kubernetes itself, not of an operator beside it."""
    group = manifest["apiVersion"].rpartition("/")[0]
    return "." not in group or group in ("networking.k8s.io", "rbac.authorization.k8s.io")


@functools.cache
def _render(values: str, name: str, is_upgrade: bool) -> tuple[Manifest, ...]:  # noqa: FBT001 - a cache's key
    files = _chart().render(
        json.loads(values), name=name, namespace="music", is_install=not is_upgrade, is_upgrade=is_upgrade
    )
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    return tuple(each for text in texts for each in _documents(text))


@functools.cache
def _chart() -> Any:
    return helm.Chart.load(CHART)


def _documents(text: str) -> Iterator[Manifest]:
    return (each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each)


@functools.cache
def _validator(api_version: str, kind: str, version: str) -> jsonschema.Draft202012Validator:
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    group, _, number = api_version.rpartition("/")
    short = f"{group.partition('.')[0]}-{number}" if group else number
    schema = kubernetes.schema_contents(f"{folder}/{kind.lower()}-{short}.json", version)
    return jsonschema.Draft202012Validator(schema, registry=_definitions(folder, version))


@functools.cache
def _definitions(folder: str, version: str) -> Any:
    contents = kubernetes.schema_contents(f"{folder}/_definitions.json", version)
    return (Resource.from_contents(contents) @ Registry()).crawl()  # once, not at every reference

"""Workers may be divided by platform: a Deployment for each group, scaled by its own streams and limits."""

import pytest

from deploy.helm.files import CHART
from shared.models import Platform
from shared.streams import key
from tests.charts import NEWEST, Manifest, faults_of, helm, is_kubernetes_own, pods, render
from tests.unit.deploy.helm.test_network import selects

FAST = [platform.value for platform in Platform if platform is not Platform.SPOTIFY]
GROUPS: Manifest = {"slow": {"platforms": ["spotify"], "replicas": 3}, "fast": {"platforms": FAST}}
KEDA: Manifest = {"kind": "keda", "keda": {"redis": {"addresses": "redis:6379"}}}


def values(**worker: Manifest) -> Manifest:
    return {
        "secret": {"existing": "kept"},
        "config": {"spotify_requests_per_s": 40},
        "worker": {"groups": GROUPS, **worker},
    }


def by_group(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {
        each["metadata"]["name"].removeprefix("rel-crossplay-worker-"): each["spec"]
        for each in manifests
        if each["kind"] == kind and "-worker-" in each["metadata"]["name"]
    }


@pytest.mark.parametrize("scaling", [{"kind": "none"}, {"kind": "hpa"}, KEDA], ids=lambda one: one["kind"])
def test_groups_are_installable_however_they_are_scaled(scaling: Manifest) -> None:
    given = values(autoscaling=scaling)

    report = helm.lint(CHART, given, strict=True)

    faults = [
        fault
        for each in render(given)
        if is_kubernetes_own(each)
        for fault in faults_of(each, version=NEWEST)
    ]
    assert (report["errors"], faults) == ([], [])


def test_each_group_serves_its_platforms_alone() -> None:
    manifests = render(values())
    deployments = by_group(manifests, "Deployment")

    served = {
        name: {each["name"]: each.get("value") for each in spec["template"]["spec"]["containers"][0]["env"]}
        for name, spec in deployments.items()
    }

    assert {name: each["CROSSPLAY_WORKER_PLATFORMS"] for name, each in served.items()} == {
        "slow": "spotify",
        "fast": ",".join(FAST),
    }
    assert {name: spec["replicas"] for name, spec in deployments.items()} == {"slow": 3, "fast": 1}


def test_each_group_selects_its_own_pods_and_all_share_policy_and_budget() -> None:
    manifests = render(values())
    templates = pods(manifests)

    for spec in by_group(manifests, "Deployment").values():
        assert [each for each in templates if selects(spec["selector"], each)] == [spec["template"]]
    for kind, field in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        (common,) = [
            each["spec"][field]
            for each in manifests
            if each["kind"] == kind and each["metadata"]["name"].endswith("-worker")
        ]
        assert len([each for each in templates if selects(common, each)]) == len(GROUPS)


def test_each_group_is_scaled_by_its_own_streams_and_limits() -> None:
    scaled = by_group(render(values(autoscaling=KEDA)), "ScaledObject")

    streams = {
        name: {each["metadata"]["stream"] for each in spec["triggers"]} for name, spec in scaled.items()
    }

    assert streams == {
        "slow": {key(Platform.SPOTIFY, "jobs")},
        "fast": {key(Platform(platform), "jobs") for platform in FAST},
    }
    assert {name: spec["maxReplicaCount"] for name, spec in scaled.items()} == {"slow": 6, "fast": 3}


def test_a_platform_that_no_group_serves_is_noticed() -> None:
    lacking = {"secret": {"existing": "kept"}, "worker": {"groups": {"slow": GROUPS["slow"]}}}

    with pytest.raises(helm.HelmError, match=r"no group serves [a-z_]+"):
        render(lacking)


@pytest.mark.parametrize(
    "groups", [{"Slow": GROUPS["slow"]}, {"slow": {"platforms": []}}, {"slow": {"platforms": ["minidisc"]}}]
)
def test_a_group_that_cannot_be_is_refused(groups: Manifest) -> None:
    with pytest.raises(helm.HelmError, match=r"groups|Slow"):
        render({"secret": {"existing": "kept"}, "worker": {"groups": groups}})

"""Workers are scaled by the streams that they read, and never beyond what the platforms' limits can feed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.models import Platform
from shared.settings import Settings
from shared.streams import GROUP, key
from tests.charts import OLDEST, VALUE_SETS, Manifest, faults_of, one, render, values_of

SECRET: Manifest = {"secret": {"existing": "kept"}}
# Fields of KEDA's three scalers for Redis Streams that the chart may use; a misspelt one is ignored by KEDA.
PLACES = {
    "redis-streams": {"address", "databaseIndex"},
    "redis-cluster-streams": {"addresses"},
    "redis-sentinel-streams": {"addresses", "sentinelMaster", "databaseIndex"},
}
COMMON = {"stream", "consumerGroup", "enableTLS"}
COUNTED = {"lag": {"lagCount"}, "pending": {"pendingEntriesCount"}}
SCALED = [path for path in VALUE_SETS if "kind: keda" in path.read_text(encoding="utf-8")]
each_set = pytest.mark.parametrize("path", SCALED, ids=lambda path: path.stem)


def keda(**values: Manifest) -> Manifest:
    autoscaling = {
        "kind": "keda",
        "keda": {"redis": {"addresses": "redis:6379"}},
        **values.pop("scaling", {}),
    }
    rendered = render({**SECRET, **values, "worker": {"autoscaling": autoscaling}})
    spec: Manifest = one(rendered, "ScaledObject")["spec"]
    return spec


def triggers(spec: Manifest) -> Iterator[tuple[str, Manifest]]:
    return ((each["name"].rpartition("-")[2], each) for each in spec["triggers"])


def test_three_sets_of_values_use_keda() -> None:
    assert len(SCALED) == 3


@each_set
def test_each_platform_is_asked_for_lag_and_for_pending(path: Path) -> None:
    spec = one(render(values_of(path)), "ScaledObject")["spec"]

    asked = {(kind, each["metadata"]["stream"]) for kind, each in triggers(spec)}

    assert asked == {(kind, key(platform, "jobs")) for platform in Platform for kind in ("lag", "pending")}
    assert {each["metadata"]["consumerGroup"] for each in spec["triggers"]} == {GROUP}


@each_set
def test_triggers_have_fields_that_keda_knows_and_all_of_them_text(path: Path) -> None:
    spec = one(render(values_of(path)), "ScaledObject")["spec"]

    for kind, each in triggers(spec):
        assert set(each["metadata"]) == COMMON | PLACES[each["type"]] | COUNTED[kind]
        assert {type(text) for text in each["metadata"].values()} == {str}


@each_set
def test_keda_signs_in_with_keys_of_the_same_secret(path: Path) -> None:
    values = values_of(path)
    manifests = render(values)
    scaled, signed = one(manifests, "ScaledObject"), one(manifests, "TriggerAuthentication")

    name = values["secret"].get("existing") or signed["metadata"]["name"].removesuffix("-worker")
    wanted = values["worker"]["autoscaling"]["keda"]["redis"]["auth"]
    assert signed["spec"]["secretTargetRef"] == [
        {"parameter": parameter, "name": name, "key": wanted[parameter]} for parameter in sorted(wanted)
    ]
    assert {each["authenticationRef"]["name"] for each in scaled["spec"]["triggers"]} == {
        signed["metadata"]["name"]
    }


def test_without_a_password_there_is_no_authentication() -> None:
    assert all("authenticationRef" not in each for each in keda()["triggers"])


@pytest.mark.parametrize(
    ("config", "scaling", "most"),
    [
        ({}, {}, 3),  # 2.5 and 4 requests a second: one worker sends them, and two are spare
        ({"spotify_requests_per_s": 40}, {}, 6),
        ({"spotify_requests_per_s": 40, "apple_music_requests_per_s": 95.5}, {}, 12),
        ({"spotify_requests_per_s": 40}, {"requestsPerWorker": 4, "spareReplicas": 0}, 10),
        ({}, {"minReplicas": 5}, 5),
        ({"spotify_requests_per_s": 40}, {"maxReplicas": 4}, 4),
    ],
    ids=str,
)
def test_there_are_as_many_workers_as_the_limits_can_feed(
    config: Manifest, scaling: Manifest, most: int
) -> None:
    """One platform needs as many as its limit; a worker serves all platforms, so the needs do not add up."""
    assert keda(config=config, scaling=scaling)["maxReplicaCount"] == most


@pytest.mark.parametrize("slots", [1, 2, Settings().worker_concurrency, 16, 50])
def test_full_workers_ask_for_one_more(slots: int) -> None:
    """The pending messages of n full workers must call for more than n, or the number would never grow."""
    config = {} if slots == Settings().worker_concurrency else {"worker_concurrency": slots}

    targets = {
        int(each["metadata"]["pendingEntriesCount"])
        for kind, each in triggers(keda(config=config))
        if kind == "pending"
    }

    (target,) = targets
    assert 1 <= target <= slots
    assert slots == 1 or slots / target > 1.1  # within a tenth the autoscaler lets things be


def test_pace_of_scaling_is_what_kubernetes_understands() -> None:
    behavior = keda()["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "as-keda-makes-it"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "x"},
            "maxReplicas": 3,
            "behavior": behavior,
        },
    }

    assert faults_of(autoscaler, version=OLDEST) == []
    assert (
        behavior["scaleDown"]["stabilizationWindowSeconds"]
        > behavior["scaleUp"]["stabilizationWindowSeconds"]
    )


def test_at_least_one_worker_stays() -> None:
    """What was put off waits in Postgres, where no trigger sees it: a worker has to wake it."""
    assert keda()["minReplicaCount"] == 1


def test_while_redis_is_away_nobody_is_sent_home() -> None:
    spec = keda(scaling={"minReplicas": 2, "maxReplicas": 9})

    assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert 2 <= spec["fallback"]["replicas"] <= 9


@pytest.mark.parametrize(
    ("kind", "names"), [("none", set()), ("hpa", {"HorizontalPodAutoscaler"}), ("keda", {"ScaledObject"})]
)
def test_who_scales_also_owns_the_number(kind: str, names: set[str]) -> None:
    """A number in the Deployment would be set back by each upgrade."""
    scaling = {"kind": kind, "keda": {"redis": {"addresses": "redis:6379"}}}
    manifests = render({**SECRET, "worker": {"autoscaling": scaling}})

    assert {"HorizontalPodAutoscaler", "ScaledObject"} & {each["kind"] for each in manifests} == names
    assert ("replicas" in one(manifests, "Deployment", role="worker")["spec"]) == (kind == "none")
    assert one(manifests, "Deployment", role="gateway")["spec"]["replicas"] == 2

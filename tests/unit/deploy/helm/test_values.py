"""What cannot work is refused before anything is installed, by a message that names it."""

import pytest
import yaml

from shared.environment import load
from shared.setting_kinds import settings_by_name
from tests.charts import VALUE_SETS, Manifest, helm, pods, render, settings_of, values_of

each_set = pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
SECRET: Manifest = {"secret": {"existing": "kept"}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"config": {"lease_s": "x"}}, ("/config/lease_s", "number")),
        ({"config": {"lease_s": 0}}, ("/config/lease_s", "0")),
        ({"config": {"leases_s": 30}}, ("/config", "leases_s")),
        ({"config": {"database_url": "postgresql://host/name"}}, ("/config", "database_url")),
        ({"config": {"port": 8081}}, ("/config", "port")),
        ({"secret": {"values": {"secretkeys": "k1:…"}}}, ("/secret/values", "secretkeys")),
        ({"worker": {"replicas": 0}}, ("/worker/replicas", "1")),
        ({"worker": {"autoscaling": {"kind": "vpa"}}}, ("/worker/autoscaling/kind", "keda")),
        ({"worker": {"autoscaling": {"minReplicas": 0}}}, ("/worker/autoscaling/minReplicas", "1")),
        ({"gatway": {}}, ("gatway",)),
        ({"gateway": {"service": {"port": 70000}}}, ("/gateway/service/port", "65,535")),
        ({"telemetry": {"env": {"CROSSPLAY_LEASE_S": "1"}}}, ("CROSSPLAY_LEASE_S", "^OTEL_")),
    ],
    ids=str,
)
def test_schema_names_the_value_that_is_wrong(values: Manifest, words: tuple[str, ...]) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render({**SECRET, **values})

    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "set `secret.existing` to the name of a Secret with the key CROSSPLAY_DATABASE_URL"),
        ({"secret": {"values": {"database_url": "a", "redis_url": "b"}}}, "secret.values.secret_keys"),
        ({"secret": {"existing": "kept", "values": {"redis_url": "b"}}}, "not both"),
        ({**SECRET, "worker": {"autoscaling": {"kind": "keda"}}}, "keda.redis.addresses is missing"),
        ({**SECRET, "worker": {"autoscaling": {"minReplicas": 5, "maxReplicas": 2}}}, "smaller than"),
        ({**SECRET, "gateway": {"autoscaling": {"maxReplicas": 1}}}, "gateway.autoscaling"),
        ({**SECRET, "ingress": {"enabled": True}}, "ingress.host is missing"),
        ({**SECRET, "httpRoute": {"enabled": True}}, "httpRoute.parentRefs is missing"),
        ({**SECRET, "migrations": {"deadlineSeconds": 60}}, "postWaitSeconds"),
    ],
    ids=str,
)
def test_rules_say_how_to_cure_it(values: Manifest, words: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render(values)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("redis", "words"),
    [
        ({"kind": "sentinel", "addresses": "a:26379"}, "sentinelMaster is missing"),
        ({"kind": "cluster", "addresses": "a:6379", "databaseIndex": 1}, "databaseIndex"),
    ],
    ids=str,
)
def test_rules_know_how_redis_is_run(redis: Manifest, words: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render({**SECRET, "worker": {"autoscaling": {"kind": "keda", "keda": {"redis": redis}}}})

    assert words in str(refused.value)


def test_the_chart_never_makes_a_key_ring() -> None:
    """A generated one would be another one at the next upgrade, and lock all tokens."""
    values = values_of(next(path for path in VALUE_SETS if path.stem == "hpa-values"))

    rendered = [render(values), render(values, is_upgrade=True)]

    keys = [
        [each["stringData"]["CROSSPLAY_SECRET_KEYS"] for each in some if each["kind"] == "Secret"]
        for some in rendered
    ]
    assert keys[0] == keys[1] == [values["secret"]["values"]["secret_keys"]] * 2


def test_numbers_reach_the_program_as_they_were_written() -> None:
    """Helm's own way to write a million is 1e+06, which is no whole number to anybody else."""
    config = {
        "key_requests_per_minute": 1_000_000, "lease_s": 31.5, "max_attempts": 7, "log_level": "DEBUG",
        "webhook_allowed_networks": "10.20.0.0/16", "spotify_requests_per_s": 0.25,
    }  # fmt: skip

    data = settings_of(render({**SECRET, "config": config}))

    settings = load(data | {"CROSSPLAY_METRICS_HOST": "", "CROSSPLAY_METRICS_PORT": ""})
    assert data["CROSSPLAY_KEY_REQUESTS_PER_MINUTE"] == "1000000"
    assert {name: getattr(settings, name) for name in config} == config


@each_set
def test_the_program_starts_with_what_is_rendered(path: object) -> None:
    values = values_of(path)  # type: ignore[arg-type]  # the mark's own type
    manifests = render(values)
    environ = settings_of(manifests)
    for secret in (each for each in manifests if each["kind"] == "Secret" and not _is_hook(each)):
        environ |= {name: text for name, text in secret["stringData"].items() if "PRIVATE_KEY" not in name}

    settings = load(environ)

    assert settings.port == 8080
    assert settings.host == values.get("listen", "0.0.0.0")


def test_public_address_follows_the_way_in() -> None:
    def public_url(**values: object) -> str | None:
        data = settings_of(render({**SECRET, **values}))
        return str(data.get("CROSSPLAY_PUBLIC_URL")) if "CROSSPLAY_PUBLIC_URL" in data else None

    host = {"enabled": True, "host": "a.example"}
    assert public_url() is None
    assert public_url(ingress=host) == "http://a.example"
    assert public_url(ingress={**host, "tlsSecret": "a"}) == "https://a.example"
    assert public_url(ingress=host, config={"public_url": "https://b.example"}) == "https://b.example"
    route = {"enabled": True, "parentRefs": [{"name": "edge"}], "hostnames": ["c.example"]}
    assert public_url(httpRoute=route) == "https://c.example"


def test_secret_of_ones_own_is_named_by_every_pod() -> None:
    manifests = render(SECRET)

    names = {
        each["valueFrom"]["secretKeyRef"]["name"]
        for pod in pods(manifests)
        for each in pod["spec"]["containers"][0]["env"]
        if "secretKeyRef" in each.get("valueFrom", {})
    }
    assert names == {"kept"}
    assert [each for each in manifests if each["kind"] == "Secret"] == []


def test_a_setting_of_any_name_can_be_given() -> None:
    schema = yaml.safe_load(str(_config_schema()))

    assert set(schema["properties"]) == {
        each.name for each in settings_by_name().values() if not each.is_secret
    } - {"host", "port", "metrics_host", "metrics_port", "worker_platforms"}


def _config_schema() -> Manifest:
    with helm.Chart.load(_chart()) as chart:
        assert chart.schema is not None
        config: Manifest = chart.schema["definitions"]["Values"]["properties"]["config"]
    return config


def _chart() -> str:
    return str(VALUE_SETS[0].parents[1])


def _is_hook(manifest: Manifest) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})

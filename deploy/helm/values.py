"""What an operator can choose in the Helm chart: the types behind its schema, its defaults and its table."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.models import Platform

Named: TypeAlias = dict[str, str]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
Seconds: TypeAlias = Annotated[int, Meta(ge=0, le=3600)]
Positive: TypeAlias = Annotated[int, Meta(ge=1)]
Percent: TypeAlias = Annotated[int, Meta(ge=1, le=100)]


Listen: TypeAlias = Literal["0.0.0.0", "::"]  # noqa: S104  # inside of a pod, behind its policy
PRIVATE_NETWORKS = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
)

KedaParameter: TypeAlias = Literal[
    "username", "password", "sentinelUsername", "sentinelPassword", "ca", "cert", "key", "keyPassword"
]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A part of the values; a key that it does not know is refused."""


def told(description: str) -> Meta:
    return Meta(description=description)


class Image(Part, frozen=True, kw_only=True):
    repository: Annotated[str, told("Where the image is, without its tag.")] = "crossplay"
    tag: Annotated[str, told("Its tag; empty: the release that the chart belongs to.")] = ""
    digest: Annotated[str, told("`sha256:…`; wins over the tag.")] = ""
    pull_policy: Annotated[Literal["Always", "IfNotPresent", "Never"], told("When it is pulled.")] = (
        "IfNotPresent"
    )
    pull_secrets: Annotated[tuple[Named, ...], told("Secrets to pull it with, `[{name: …}]`.")] = ()


class Secrets(Part, frozen=True, kw_only=True):
    existing: Annotated[
        str,
        told("Name of a Secret that you keep, its keys named as the variables: `CROSSPLAY_DATABASE_URL` …"),
    ] = ""
    values: Annotated[
        Named,
        told("Or the values themselves, by setting (`database_url`), from which the chart makes a Secret."),
    ] = msgspec.field(default_factory=dict)


class Telemetry(Part, frozen=True, kw_only=True):
    otlp_endpoint: Annotated[
        str, told("Address of an OTLP receiver, `http://collector.observability:4318`.")
    ] = ""
    env: Annotated[Named, told("More of the standard `OTEL_*` variables.")] = msgspec.field(
        default_factory=dict
    )


class Disruption(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether there is a PodDisruptionBudget.")] = True
    max_unavailable: Annotated[
        Positive, told("How many pods may be evicted at once; 1 never blocks a drain.")
    ] = 1


class Placement(Part, frozen=True, kw_only=True):
    """Where pods run, and what they carry; the same for both roles."""

    resources: Annotated[
        dict[str, Any], told("Requests and limits. No CPU limit: throttling makes leases run out.")
    ]
    pod_disruption_budget: Disruption = Disruption()
    pod_annotations: Annotated[Named, told("Annotations of the pods.")] = msgspec.field(default_factory=dict)
    pod_labels: Annotated[Named, told("More labels of the pods.")] = msgspec.field(default_factory=dict)
    node_selector: Annotated[Named, told("Labels of the nodes to run on.")] = msgspec.field(
        default_factory=dict
    )
    tolerations: Annotated[tuple[dict[str, Any], ...], told("Taints that are borne.")] = ()
    affinity: Annotated[dict[str, Any], told("Affinity, as Kubernetes has it.")] = msgspec.field(
        default_factory=dict
    )
    priority_class_name: Annotated[str, told("Priority of the pods.")] = ""
    topology_spread_constraints: Annotated[
        tuple[dict[str, Any], ...], told("Instead of: evenly over nodes and zones, where that can be.")
    ] = ()


class Service(Part, frozen=True, kw_only=True):
    type: Annotated[
        Literal["ClusterIP", "NodePort", "LoadBalancer"], told("Kind of the gateway's Service.")
    ] = "ClusterIP"
    port: Annotated[Port, told("Its port.")] = 80
    annotations: Annotated[Named, told("Its annotations.")] = msgspec.field(default_factory=dict)


class CpuScaling(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Scale the gateways by CPU (HorizontalPodAutoscaler).")] = False
    min_replicas: Annotated[Positive, told("At least so many gateways.")] = 2
    max_replicas: Annotated[Positive, told("At most so many.")] = 6
    cpu_percent: Annotated[Percent, told("Use of the requested CPU that is aimed at.")] = 70


class Gateway(Placement, frozen=True, kw_only=True):
    replicas: Annotated[Positive, told("How many gateways, unless they are scaled.")] = 2
    resources: Annotated[
        dict[str, Any], told("Requests and limits. No CPU limit: throttling delays every answer.")
    ] = msgspec.field(
        default_factory=lambda: {
            "requests": {"cpu": "100m", "memory": "192Mi"},
            "limits": {"memory": "512Mi"},
        }
    )
    autoscaling: CpuScaling = CpuScaling()
    service: Service = Service()


class KedaRedis(Part, frozen=True, kw_only=True):
    """How KEDA reaches the same Redis as the workers: it cannot read their address from a URL."""

    kind: Annotated[Literal["standalone", "cluster", "sentinel"], told("How Redis is run.")] = "standalone"
    addresses: Annotated[
        str, told("`host:port`; of a cluster or of sentinels several, by comma. Needed by KEDA.")
    ] = ""
    sentinel_master: Annotated[str, told("Name of the master that the sentinels watch.")] = ""
    tls: Annotated[bool, told("Whether Redis is reached by TLS.")] = False
    database_index: Annotated[
        Annotated[int, Meta(ge=0)], told("Number of the database; a cluster has 0 alone.")
    ] = 0
    auth: Annotated[
        dict[KedaParameter, str],
        told("What KEDA signs in with: its parameter → key in the Secret, `{password: REDIS_PASSWORD}`."),
    ] = msgspec.field(default_factory=dict)


class Keda(Part, frozen=True, kw_only=True):
    redis: KedaRedis = KedaRedis()
    polling_interval_seconds: Annotated[Positive, told("How often KEDA asks Redis.")] = 10
    lag_per_worker: Annotated[
        Positive, told("Waiting messages of a platform per worker; the queue is kept short, so 1 or 2.")
    ] = 1
    slot_utilization_percent: Annotated[
        Percent,
        told("Another worker comes when more of the slots than this are taken; one user may take 75."),
    ] = 65
    fallback_failure_threshold: Annotated[
        Positive, told("After so many failed questions to Redis the present number of workers is kept.")
    ] = 3


class WorkerScaling(Part, frozen=True, kw_only=True):
    kind: Annotated[
        Literal["none", "hpa", "keda"], told("`keda`: by lag and pending; `hpa`: by CPU; `none`.")
    ] = "none"
    min_replicas: Annotated[
        Positive,
        told(
            "At least so many workers. Never 0: they also wake what was put off, and deliver webhooks.",
        ),
    ] = 1
    max_replicas: Annotated[
        Positive | None, told("At most so many; empty: what the platforms' limits can feed.")
    ] = None
    requests_per_worker: Annotated[
        Annotated[float, Meta(gt=0)],
        told(
            "Requests per second and platform that one worker can send, for the limit above.",
        ),
    ] = 10
    spare_replicas: Annotated[
        Annotated[int, Meta(ge=0)], told("Workers above what the limits can feed, for when one is lost.")
    ] = 2
    cpu_percent: Annotated[Percent, told("Use of the requested CPU that `hpa` aims at.")] = 70
    keda: Keda = Keda()


class WorkerGroup(Part, frozen=True, kw_only=True):
    """Workers that serve some platforms alone."""

    platforms: Annotated[tuple[Platform, ...], Meta(min_length=1)]
    replicas: Positive = 1


class Worker(Placement, frozen=True, kw_only=True):
    replicas: Annotated[Positive, told("How many workers, unless they are scaled.")] = 2
    resources: Annotated[
        dict[str, Any], told("Requests and limits. No CPU limit: throttling makes leases run out.")
    ] = msgspec.field(
        default_factory=lambda: {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"memory": "768Mi"},
        }
    )
    groups: Annotated[
        dict[str, WorkerGroup],
        told(
            "Instead of workers for all platforms a Deployment for each name, "
            "`{slow: {platforms: [spotify], replicas: 2}}`; each platform needs one."
        ),
    ] = msgspec.field(default_factory=dict)
    termination_margin_seconds: Annotated[
        Positive, told("Grace above `config.drain_s`: to stop reading, to leave, to send the last spans.")
    ] = 15
    autoscaling: WorkerScaling = WorkerScaling()


class Migrations(Part, frozen=True, kw_only=True):
    enabled: Annotated[
        bool, told("Whether hooks migrate the database: before the rollout, and after it.")
    ] = True
    post: Annotated[bool, told("Whether the hook after the rollout runs, too.")] = True
    post_wait_seconds: Annotated[
        Seconds, told("How long it waits until the pods of the old release have gone.")
    ] = 600
    deadline_seconds: Annotated[Positive, told("How long one run may take, waiting included.")] = 900
    resources: Annotated[dict[str, Any], told("Requests and limits.")] = msgspec.field(
        default_factory=lambda: {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        }
    )


class Ingress(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether an Ingress leads to the gateways.")] = False
    class_name: Annotated[str, told("Its class; empty: the cluster's default.")] = ""
    host: Annotated[str, told("Host name of the service.")] = ""
    tls_secret: Annotated[str, told("Secret with the host's certificate; empty: no TLS at the Ingress.")] = ""
    annotations: Annotated[Named, told("Its annotations.")] = msgspec.field(default_factory=dict)


class HttpRoute(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether an HTTPRoute (Gateway API) leads to the gateways.")] = False
    parent_refs: Annotated[tuple[dict[str, Any], ...], told("The Gateways that it belongs to.")] = ()
    hostnames: Annotated[tuple[str, ...], told("Host names of the service.")] = ()
    annotations: Annotated[Named, told("Its annotations.")] = msgspec.field(default_factory=dict)


class Store(Part, frozen=True, kw_only=True):
    port: Annotated[Port, told("Port that is let out.")]
    to: Annotated[tuple[dict[str, Any], ...], told("Peers that it is let out to; empty: anywhere.")] = ()


class NetworkPolicy(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether all traffic of the pods is denied but what they need.")] = True
    gateway_from: Annotated[
        tuple[dict[str, Any], ...], told("Peers that may reach the gateways; empty: all.")
    ] = ()
    metrics_from: Annotated[
        tuple[dict[str, Any], ...],
        told("Peers that may read the metrics; by default the namespace `monitoring`."),
    ] = ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},)
    dns_to: Annotated[tuple[dict[str, Any], ...], told("Peers that are asked for names.")] = (
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
    )
    postgres: Store = Store(port=5432)
    redis: Store = Store(port=6379)
    otlp_to: Annotated[
        tuple[dict[str, Any], ...], told("Peers for `telemetry.otlpEndpoint`; empty: anywhere.")
    ] = ()
    internet_except: Annotated[
        tuple[str, ...], told("Networks that https to platforms and webhooks must not lead to.")
    ] = PRIVATE_NETWORKS
    extra_egress: Annotated[
        tuple[dict[str, Any], ...], told("More rules to the outside, for both roles.")
    ] = ()


class PodMonitor(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether the Prometheus operator is told to read the pods' metrics.")] = (
        False
    )
    interval: Annotated[str, told("How often.")] = "30s"
    labels: Annotated[Named, told("Labels by which your Prometheus finds it.")] = msgspec.field(
        default_factory=dict
    )


class Labelled(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether it is installed.")] = False
    labels: Annotated[Named, told("Labels by which it is found.")] = msgspec.field(default_factory=dict)


class Dashboards(Part, frozen=True, kw_only=True):
    enabled: Annotated[bool, told("Whether the Grafana dashboards are installed, as ConfigMaps.")] = False
    labels: Annotated[Named, told("Labels by which Grafana's sidecar finds them.")] = msgspec.field(
        default_factory=lambda: {"grafana_dashboard": "1"}
    )
    annotations: Annotated[Named, told("Their annotations, a folder for instance.")] = msgspec.field(
        default_factory=dict
    )


class Metrics(Part, frozen=True, kw_only=True):
    port: Annotated[Port, told("Private port of metrics and probes.")] = 9464
    pod_monitor: PodMonitor = PodMonitor()
    prometheus_rule: Labelled = Labelled()
    dashboards: Dashboards = Dashboards()


class ServiceAccount(Part, frozen=True, kw_only=True):
    create: Annotated[bool, told("Whether the chart makes the account; its token is never mounted.")] = True
    name: Annotated[str, told("Its name; empty: the release's.")] = ""
    annotations: Annotated[Named, told("Its annotations.")] = msgspec.field(default_factory=dict)


class Values(Part, frozen=True, kw_only=True):
    """All of them. `config` stands in for the settings, whose own schema takes its place."""

    name_override: Annotated[str, told("Instead of the chart's name.")] = ""
    fullname_override: Annotated[str, told("Instead of release and chart in the names of all objects.")] = ""
    image: Image = Image()
    listen: Annotated[Listen, told("Address that all ports listen on; `::` for IPv6.")] = "0.0.0.0"  # noqa: S104  # in a pod
    config: Annotated[
        dict[str, Any],
        told("Settings that are no secret, by their name: `{lease_s: 30, spotify_client_id: …}`."),
    ] = msgspec.field(default_factory=dict)
    secret: Secrets = Secrets()
    telemetry: Telemetry = Telemetry()
    extra_env: Annotated[
        tuple[dict[str, Any], ...], told("More variables of every container, a proxy's for instance.")
    ] = ()
    gateway: Gateway = Gateway()
    worker: Worker = Worker()
    migrations: Migrations = Migrations()
    ingress: Ingress = Ingress()
    http_route: HttpRoute = HttpRoute()
    network_policy: NetworkPolicy = NetworkPolicy()
    metrics: Metrics = Metrics()
    service_account: ServiceAccount = ServiceAccount()
    global_: Annotated[dict[str, Any] | UnsetType, Meta(description="Given by a parent chart.")] = (
        msgspec.field(default=UNSET, name="global")
    )

"""The dashboard for whoever runs the fleet: does work get done, and if not, where does it stand."""

from deploy.grafana.panels import Dashboard, Panel, Row
from deploy.grafana.questions import per_minute, per_second, quantile, told

_STATE, _PLATFORM, _PHASE = "crossplay_state", "crossplay_platform", "crossplay_phase"
_LIMIT = "crossplay:database_limit_bytes"
_WAITING = (
    f"sum by (crossplay_reason) ({told('crossplay_jobs_waiting', by='crossplay_platform, crossplay_reason')})"
)


def _number(title: str, description: str, expr: str, *, alarm_at: float | None = None) -> Panel:
    return Panel(
        title=title,
        description=description,
        unit="s" if "_seconds" in expr else "short",
        queries={title: expr},
        width=4,
        is_number=True,
        alarm_at=alarm_at,
    )


_NOW = Row(
    title="Now",
    panels=(
        _number("Workers", "Workers whose heart beats.", told("crossplay_workers")),
        _number(
            "Transfers that have not ended",
            "Queued, running and paused.",
            f"sum({told('crossplay_transfers_active', by=_STATE)})",
        ),
        _number(
            "Oldest waiting job",
            "How long the first job in the queues has waited for a worker.",
            told("crossplay_queue_oldest_age_seconds"),
            alarm_at=300,
        ),
        _number(
            "Longest without a checkpoint",
            "Of all running transfers. Hours are usual while a platform makes us wait.",
            told("crossplay_transfer_oldest_idle_seconds"),
            alarm_at=7200,
        ),
        _number(
            "Jobs given up",
            "Of transfers that are failed: `crossplay dead-letters` lists them.",
            told("crossplay_dead_letters"),
        ),
        _number(
            "Webhook deliveries due",
            "Deliveries whose time has come.",
            told("crossplay_webhooks_waiting"),
            alarm_at=100,
        ),
    ),
)

_TRANSFERS = Row(
    title="Transfers",
    panels=(
        Panel(
            title="Transfers that have not ended",
            description="Paused ones wait for their user, an operator or tomorrow's quota.",
            unit="short",
            queries={"{{crossplay_state}}": told("crossplay_transfers_active", by=_STATE)},
            is_stacked=True,
        ),
        Panel(
            title="Transfers that ended, per minute",
            description="By how they ended.",
            unit="cpm",
            queries={"{{crossplay_state}}": per_minute("crossplay_transfers_total", by=_STATE)},
            is_stacked=True,
        ),
        Panel(
            title="How long completed transfers took",
            description="From the request to the end, waits and pauses included.",
            unit="s",
            queries={
                f"{part:.0%} stay below": quantile(
                    part, "crossplay_transfer_duration_seconds", where='crossplay_state="completed"'
                )
                for part in (0.5, 0.95)
            },
        ),
        Panel(
            title="Tracks settled, per minute",
            description="By outcome. `review` waits for the user to decide.",
            unit="cpm",
            queries={"{{crossplay_outcome}}": per_minute("crossplay_tracks_total", by="crossplay_outcome")},
            width=12,
            is_stacked=True,
        ),
        Panel(
            title="Warnings to users, per minute",
            description="`late_write` and `late_removal` mean that a track may stand twice or be missing.",
            unit="cpm",
            queries={"{{crossplay_code}}": per_minute("crossplay_warnings_total", by="crossplay_code")},
            width=12,
        ),
    ),
)

_QUEUES = Row(
    title="Queues and workers",
    panels=(
        Panel(
            title="Jobs that wait",
            description="`queued` in the stream, `no_slot` until the fleet has room, `later` for their time.",
            unit="short",
            queries={"{{crossplay_reason}}": _WAITING},
            is_stacked=True,
        ),
        Panel(
            title="Stream entries",
            description="Not read yet (lag), and read but not acknowledged (pending).",
            unit="short",
            queries={
                "{{crossplay_platform}} lag": told("crossplay_queue_lag", by=_PLATFORM),
                "{{crossplay_platform}} pending": told("crossplay_queue_pending", by=_PLATFORM),
            },
        ),
        Panel(
            title="Oldest waiting job",
            description="How long the first job that may run has waited for a worker.",
            unit="s",
            queries={"{{crossplay_platform}}": told("crossplay_queue_oldest_age_seconds", by=_PLATFORM)},
            alarm_at=300,
        ),
        Panel(
            title="Workers",
            description="Workers whose heart has beaten in the last seconds.",
            unit="short",
            queries={"alive": told("crossplay_workers")},
        ),
        Panel(
            title="Jobs, per minute",
            description="By verdict: `snooze` waits for a platform at no cost, `fenced` lost its lease.",
            unit="cpm",
            queries={"{{crossplay_verdict}}": per_minute("crossplay_jobs_total", by="crossplay_verdict")},
            is_stacked=True,
        ),
        Panel(
            title="How long jobs take",
            description="95 % stay below, by phase. Longer than half a lease is too long.",
            unit="s",
            queries={"{{crossplay_phase}}": quantile(0.95, "crossplay_job_duration_seconds", by=_PHASE)},
        ),
        Panel(
            title="Work taken over, per minute",
            description="What silent workers had read, what Redis lost, and checkpoints that came too late.",
            unit="cpm",
            queries={
                "reclaimed": per_minute("crossplay_jobs_reclaimed_total"),
                "queued again": per_minute("crossplay_outbox_requeued_total"),
                "fenced": per_minute("crossplay_fenced_writes_total"),
            },
        ),
        Panel(
            title="Longest silence of a worker",
            description="Of one that did not sign off. A dead one is forgotten after an hour.",
            unit="s",
            queries={"silent for": told("crossplay_worker_heartbeat_age_seconds")},
            alarm_at=60,
        ),
        Panel(
            title="Webhooks, per minute",
            description="Attempts to deliver, by result.",
            unit="cpm",
            queries={
                "{{crossplay_result}}": per_minute(
                    "crossplay_webhook_deliveries_total", by="crossplay_result"
                )
            },
        ),
    ),
)

_PROCESSES = Row(
    title="Gateway and processes",
    panels=(
        Panel(
            title="Requests to the gateway",
            description="By status, of all gateways together.",
            unit="reqps",
            queries={
                "{{http_response_status_code}}": per_second(
                    "http_server_request_duration_seconds_count", by="http_response_status_code"
                )
            },
            is_stacked=True,
        ),
        Panel(
            title="How long the gateway takes",
            description="95 % stay below, by route. Event streams last as long as somebody listens.",
            unit="s",
            queries={
                "{{http_route}}": quantile(0.95, "http_server_request_duration_seconds", by="http_route")
            },
        ),
        Panel(
            title="Event loop",
            description="How late a process gets its turn; 99 % stay below. Above 0.1 s it is overloaded.",
            unit="s",
            queries={
                "{{job}} {{instance}}": quantile(0.99, "crossplay_eventloop_lag_seconds", by="job, instance")
            },
            alarm_at=0.5,
        ),
    ),
)

_STORES = Row(
    title="Stores",
    panels=(
        Panel(
            title="Checkpoints",
            description="What it takes to commit one: how Postgres feels.",
            unit="s",
            queries={
                f"{part:.0%} stay below": quantile(part, "crossplay_checkpoint_duration_seconds")
                for part in (0.5, 0.95)
            },
            width=6,
            alarm_at=1,
        ),
        Panel(
            title="Calls that a store did not serve",
            description="Some while a store is restarted; for minutes: it is away.",
            unit="cpm",
            queries={"{{crossplay_store}}": per_minute("crossplay_store_errors_total", by="crossplay_store")},
            width=6,
        ),
        Panel(
            title="Postgres",
            description="Size on disk, and the limit that is set in alerts.yml.",
            unit="bytes",
            queries={"size": told("crossplay_database_size_bytes"), "limit": _LIMIT},
            width=6,
        ),
        Panel(
            title="Redis",
            description="Memory, and its maxmemory where one is set.",
            unit="bytes",
            queries={
                "memory": told("crossplay_redis_memory_bytes"),
                "maxmemory": told("crossplay_redis_memory_limit_bytes"),
            },
            width=6,
        ),
    ),
)

OPERATIONS = Dashboard(
    uid="crossplay-operations",
    title="Crossplay: operations",
    description="Does work get done, and if not, where does it stand?",
    rows=(_NOW, _TRANSFERS, _QUEUES, _PROCESSES, _STORES),
)

"""The dashboard about the platforms: what they answer, what they still grant, and whose sign-in ends."""

from deploy.grafana.panels import Dashboard, Panel, Row
from deploy.grafana.questions import ON_PLATFORM, per_minute, per_second, quantile, told

_PLATFORM = "crossplay_platform"
_REQUESTS = "crossplay_upstream_requests_total"
_NAME = "{{crossplay_platform}}"
_ALL = per_second(_REQUESTS, by=_PLATFORM, where=ON_PLATFORM)
_FAILED = per_second(_REQUESTS, by=_PLATFORM, where=ON_PLATFORM + ', crossplay_status!~"[1-4].."')


def _by(label: str) -> str:
    return f"{_PLATFORM}, {label}"


_REQUESTS_ROW = Row(
    title="Requests",
    panels=(
        Panel(
            title="Requests by status",
            description="What platforms answer; a name instead of a number is an error without an answer.",
            unit="reqps",
            queries={
                f"{_NAME} {{{{crossplay_status}}}}": per_second(
                    _REQUESTS, by=_by("crossplay_status"), where=ON_PLATFORM
                )
            },
            is_stacked=True,
        ),
        Panel(
            title="Requests by operation",
            description="What is asked for.",
            unit="reqps",
            queries={
                f"{_NAME} {{{{crossplay_operation}}}}": per_second(
                    _REQUESTS, by=_by("crossplay_operation"), where=ON_PLATFORM
                )
            },
            is_stacked=True,
        ),
        Panel(
            title="Share of requests that fail",
            description="Ended with a 5xx or without an answer.",
            unit="percentunit",
            queries={_NAME: f"{_FAILED} / {_ALL}"},
            alarm_at=0.5,
        ),
        Panel(
            title="How long answers take",
            description="95 % stay below; the wait for the budget is not in it.",
            unit="s",
            queries={
                f"{_NAME} {{{{crossplay_operation}}}}": quantile(
                    0.95,
                    "crossplay_upstream_request_duration_seconds",
                    by=_by("crossplay_operation"),
                    where=ON_PLATFORM,
                )
            },
            width=12,
        ),
        Panel(
            title="Read-backs, per minute",
            description="What was found after a write whose answer was lost.",
            unit="cpm",
            queries={
                f"{_NAME} {{{{crossplay_result}}}}": per_minute(
                    "crossplay_readbacks_total", by=_by("crossplay_result"), where=ON_PLATFORM
                )
            },
            width=12,
        ),
    ),
)

_BUDGET_ROW = Row(
    title="Budget",
    panels=(
        Panel(
            title="Paused by an operator",
            description="`crossplay resume-platform` ends it.",
            unit="bool_yes_no",
            queries={_NAME: told("crossplay_platform_paused", by=_PLATFORM, where=ON_PLATFORM)},
            width=24,
            is_number=True,
            alarm_at=1,
        ),
        Panel(
            title="Budget left",
            description="Requests that may leave now and that nobody has booked; 0 while we have to wait.",
            unit="short",
            queries={
                f"{_NAME} {{{{crossplay_pool}}}}": told(
                    "crossplay_budget_remaining", by=_by("crossplay_pool"), where=ON_PLATFORM
                )
            },
        ),
        Panel(
            title="Wait for the budget",
            description="How long requests wait for their slot; more than a minute is waited in Postgres.",
            unit="s",
            queries={
                f"{_NAME}: {part:.0%} stay below": quantile(
                    part, "crossplay_ratelimit_wait_seconds", by=_PLATFORM, where=ON_PLATFORM
                )
                for part in (0.5, 0.95)
            },
        ),
        Panel(
            title="Stops of the whole fleet, per minute",
            description="429 answers, and starts that were booked and not used.",
            unit="cpm",
            queries={
                f"{_NAME} 429": per_minute(
                    "crossplay_ratelimit_cooldowns_total", by=_PLATFORM, where=ON_PLATFORM
                ),
                f"{_NAME} unused": per_minute(
                    "crossplay_ratelimit_unused_total", by=_PLATFORM, where=ON_PLATFORM
                ),
            },
        ),
    ),
)

_WORK_ROW = Row(
    title="Work",
    panels=(
        Panel(
            title="Deferred tracks",
            description="Not asked for yet, because the platform makes us wait. Never the same as not found.",
            unit="short",
            queries={_NAME: told("crossplay_items_deferred", by=_PLATFORM, where=ON_PLATFORM)},
        ),
        Panel(
            title="Jobs that wait",
            description="By what they wait for.",
            unit="short",
            queries={
                f"{_NAME} {{{{crossplay_reason}}}}": told(
                    "crossplay_jobs_waiting", by=_by("crossplay_reason"), where=ON_PLATFORM
                )
            },
            is_stacked=True,
        ),
        Panel(
            title="Tracks settled, per minute",
            description="By outcome, at the platform that they go to.",
            unit="cpm",
            queries={
                f"{_NAME} {{{{crossplay_outcome}}}}": per_minute(
                    "crossplay_tracks_total", by=_by("crossplay_outcome"), where=ON_PLATFORM
                )
            },
            is_stacked=True,
        ),
    ),
)

_SIGN_IN_ROW = Row(
    title="Sign-ins",
    panels=(
        Panel(
            title="Linked accounts",
            description="`reconnect_required` ones wait for their user.",
            unit="short",
            queries={
                f"{_NAME} {{{{crossplay_state}}}}": told(
                    "crossplay_connections", by=_by("crossplay_state"), where=ON_PLATFORM
                )
            },
            width=6,
        ),
        Panel(
            title="Sign-ins that end",
            description="Within one, seven and thirty days; the longer ones count the shorter ones too.",
            unit="short",
            queries={
                f"{_NAME} {{{{crossplay_within}}}}": told(
                    "crossplay_connections_expiring", by=_by("crossplay_within"), where=ON_PLATFORM
                )
            },
            width=6,
        ),
        Panel(
            title="Until the next sign-in ends",
            description="The soonest of all accounts.",
            unit="s",
            queries={_NAME: f"min by ({_PLATFORM}) (crossplay_connection_expires_seconds{{{ON_PLATFORM}}})"},
            width=6,
        ),
        Panel(
            title="Tokens, per minute",
            description="Refreshes by result, and stored tokens that no key opens.",
            unit="cpm",
            queries={
                f"{_NAME} {{{{crossplay_result}}}}": per_minute(
                    "crossplay_token_refreshes_total", by=_by("crossplay_result"), where=ON_PLATFORM
                ),
                f"{_NAME} locked": per_minute(
                    "crossplay_tokens_locked_total", by=_PLATFORM, where=ON_PLATFORM
                ),
            },
            width=6,
        ),
    ),
)

PLATFORMS = Dashboard(
    uid="crossplay-platforms",
    title="Crossplay: platforms",
    description="What do the platforms answer, what do they still grant, and whose sign-in ends?",
    rows=(_REQUESTS_ROW, _BUDGET_ROW, _WORK_ROW, _SIGN_IN_ROW),
)

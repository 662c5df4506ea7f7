"""Plans become response bodies: pure."""

import math
from datetime import datetime

from gateway.actions.plan_transfer import TransferPlan
from gateway.plan_schemas import (
    CountRange,
    MomentRange,
    PlannedPhase,
    PlannedPool,
    PlanResource,
    SecondsRange,
)
from gateway.schemas import SourceResource, TargetResource
from shared.forecast import PoolNeed, Range, by_phase


def resource(plan: TransferPlan) -> PlanResource:
    checked, told = plan.checked, plan.forecast
    now = told.begins_at
    source, target = checked.source, checked.target
    least, expected, most = told.ends_at
    return PlanResource(
        source=SourceResource(
            platform=source.platform,
            connection=source.connection.id if source.connection else None,
            playlist=source.playlist.id,
            name=source.playlist.name,
        ),
        target=TargetResource(
            platform=target.platform,
            connection=target.id,
            playlist=checked.target_playlist.id if checked.target_playlist else None,
            name=checked.target_name,
        ),
        tracks=plan.shape.row_count,
        with_isrc=plan.shape.isrc_count,
        requests=_counts(told.requests()),
        phases=tuple(
            PlannedPhase(phase=phase, platform=platform, requests=_counts(requests))
            for (phase, platform), requests in by_phase(told.steps).items()
        ),
        pools=tuple(map(_pool, told.needs)),
        seconds=_seconds(
            Range(
                least=(least - now).total_seconds(),
                expected=(expected - now).total_seconds(),
                most=(most - now).total_seconds(),
            )
        ),
        ends_at=MomentRange(least=_whole(least), expected=_whole(expected), most=_whole(most)),
        warnings=plan.warnings,
    )


def _pool(need: PoolNeed) -> PlannedPool:
    return PlannedPool(
        platform=need.platform,
        name=need.name,
        limit=need.pool.limit,
        window_s=need.pool.window_s,
        day_zone=need.pool.day_zone or None,
        wait_s=round(need.wait_s, 1),
        units=_counts(need.units),
        seconds=_seconds(need.seconds),
        days=_counts(need.days),
    )


def _counts(given: Range) -> CountRange:
    return CountRange(
        least=math.ceil(given.least), expected=math.ceil(given.expected), most=math.ceil(given.most)
    )


def _seconds(given: Range) -> SecondsRange:
    return SecondsRange(
        least=round(given.least, 1), expected=round(given.expected, 1), most=round(given.most, 1)
    )


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)

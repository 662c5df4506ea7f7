"""The answer to a dry run: what a transfer would cost and how long it would take."""

from datetime import datetime
from typing import Any

import msgspec

from gateway.schemas import SourceResource, TargetResource
from shared.lifecycle import Phase
from shared.models import Platform


class CountRange(msgspec.Struct, frozen=True, kw_only=True):
    """least: every look-up has been answered before. expected: what has an ISRC is found by it, all else by
    its first text. most: nothing is found before the last text was tried. Faults of a platform cost more.
    """

    least: int
    expected: int
    most: int


class SecondsRange(msgspec.Struct, frozen=True, kw_only=True):
    """As CountRange, in seconds."""

    least: float
    expected: float
    most: float


class MomentRange(msgspec.Struct, frozen=True, kw_only=True):
    """As CountRange, in moments."""

    least: datetime
    expected: datetime
    most: datetime


class PlannedPhase(msgspec.Struct, frozen=True, kw_only=True):
    """What a phase asks of a platform."""

    phase: Phase
    platform: Platform
    requests: CountRange


class PlannedPool(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken from what the platform counts together, see `GET /platforms`.

    wait_s: how long the first request would wait now, for others' or because the platform has asked for it.
    seconds: how long the units take at the pace of the pool, wait_s included; 0 where days are counted.
    days: midnights of day_zone that pass until there are enough.
    """

    platform: Platform
    name: str
    limit: float
    window_s: float
    day_zone: str | None
    wait_s: float
    units: CountRange
    seconds: SecondsRange
    days: CountRange


class PlanResource(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that has not been started. tracks: rows of the source; of these `with_isrc` have an ISRC.

    both may be estimated by the first page. seconds: until its end. ends_at: if it started now. warnings:
    what is worth knowing before: sign_in_ends, target_split, public_source, length_unknown, repeats, no_isrc,
    platform_paused.
    """

    source: SourceResource
    target: TargetResource
    tracks: int
    with_isrc: int
    requests: CountRange
    phases: tuple[PlannedPhase, ...]
    pools: tuple[PlannedPool, ...]
    seconds: SecondsRange
    ends_at: MomentRange
    warnings: tuple[dict[str, Any], ...]

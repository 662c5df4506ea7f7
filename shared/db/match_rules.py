"""Rules: what a user has said once and for all about a track and a platform it is moved to."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.db.pool import Connection, Pool, Row
from shared.models import Platform, RuleId, Track, TrackId, UserId


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which track of a platform a source track becomes there. target: None where it is not there."""

    id: RuleId
    source: Track
    target_platform: Platform
    target: Track | None
    created_at: datetime
    updated_at: datetime


class RuleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a user's rules are meant; None means all."""

    source_platform: Platform | None = None
    target_platform: Platform | None = None


# The same words again change the rule that there is: one for each track and platform.
PUT = """
INSERT INTO match_rules (id, user_id, source_platform, source_track_id, source, target_platform, target)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, source_platform, source_track_id, target_platform)
DO UPDATE SET source = excluded.source, target = excluded.target, updated_at = now()
RETURNING *, xmax = 0 AS is_new
"""
PAGE = """
SELECT * FROM match_rules
WHERE user_id = $1 AND ($2::text IS NULL OR source_platform = $2)
      AND ($3::text IS NULL OR target_platform = $3)
      AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
ORDER BY created_at DESC, id DESC LIMIT $6
"""
REMOVE = "DELETE FROM match_rules WHERE id = $1 AND user_id = $2 RETURNING true"
OF_TRACKS = """
SELECT * FROM match_rules
WHERE user_id = $1 AND source_platform = $2 AND target_platform = $3 AND source_track_id = ANY($4)
"""


def from_row(row: Row) -> Rule:
    values = {name: row[name] for name in Rule.__struct_fields__}
    return msgspec.convert({**values, "id": str(row["id"])}, Rule)


async def put(
    connection: Connection,
    user_id: UserId,
    *,
    source: Track,
    target_platform: Platform,
    target: Track | None,
) -> tuple[Rule, bool]:
    """Store what a source track becomes at a platform; return the rule and whether it is new."""
    row = await connection.fetchrow(
        PUT,
        user_id,
        source.platform,
        source.id,
        msgspec.to_builtins(source),
        target_platform,
        None if target is None else msgspec.to_builtins(target),
    )
    return from_row(row), row["is_new"]


async def page(
    pool: Pool, user_id: UserId, *, only: RuleFilter, before: tuple[datetime, RuleId] | None, limit: int
) -> list[Rule]:
    """Return a user's rules, newest first, those older than `before`."""
    at, rule_id = before or (None, None)
    rows = await pool.fetch(PAGE, user_id, only.source_platform, only.target_platform, at, rule_id, limit)
    return [from_row(row) for row in rows]


async def remove(pool: Pool, rule_id: RuleId, *, user_id: UserId) -> bool:
    """Forget a rule; False if the user has no such one."""
    return bool(await pool.fetchval(REMOVE, rule_id, user_id))


async def of_tracks(
    pool: Pool, user_id: UserId, *, platforms: tuple[Platform, Platform], track_ids: Sequence[TrackId]
) -> dict[TrackId, Rule]:
    """Return a user's rules for some source tracks. platforms: source and target."""
    rows = await pool.fetch(OF_TRACKS, user_id, *platforms, list(track_ids))
    return {rule.source.id: rule for rule in map(from_row, rows)}

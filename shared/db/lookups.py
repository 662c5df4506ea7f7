"""Look-ups: what a platform's catalog once answered, so that nobody has to ask it again soon."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from shared.db.pool import Pool
from shared.models import Platform, TrackId

T = TypeVar("T", bound=msgspec.Struct)

GET = """
SELECT question, candidates, extract(epoch FROM expires_at - now())::float8 AS life_s FROM lookups
WHERE platform = $1 AND market = $2 AND question = ANY($3) AND expires_at > now()
      AND ($4::timestamptz IS NULL OR asked_at >= $4)
"""
# A hit is good for 30 days. A miss is asked again after an hour, then two, four …, at most 32 days.
PUT = """
INSERT INTO lookups (platform, market, question, candidates, miss_count, expires_at)
SELECT $1, $2, question, candidates, CASE WHEN is_hit THEN 0 ELSE 1 END,
       now() + CASE WHEN is_hit THEN interval '30 days' ELSE interval '1 hour' END
FROM unnest($3::text[], $4::jsonb[], $5::bool[]) AS new (question, candidates, is_hit)
ON CONFLICT (platform, market, question) DO UPDATE SET
    candidates = excluded.candidates,
    asked_at = now(),
    miss_count = CASE WHEN excluded.miss_count = 0 THEN 0 ELSE lookups.miss_count + 1 END,
    expires_at = CASE WHEN excluded.miss_count = 0 THEN excluded.expires_at
                      ELSE now() + least(interval '32 days',
                                         interval '1 hour' * 2 ^ least(lookups.miss_count, 10))
                 END
RETURNING question, extract(epoch FROM expires_at - now())::float8 AS life_s
"""
# Also those that have expired already: Redis may hold them for longer.
FORGET = """
UPDATE lookups SET expires_at = least(expires_at, now())
WHERE platform = $1 AND market = $2 AND jsonb_path_query_array(candidates, '$[*].id') @> $3::jsonb
RETURNING question
"""


class Answer(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Candidates of one question, () for a known miss, and for how long to believe it."""

    candidates: tuple[T, ...]
    life_s: float


async def get(
    pool: Pool,
    platform: Platform,
    *,
    market: str,
    questions: Sequence[str],
    form: type[tuple[T, ...]],
    since: datetime | None = None,
) -> dict[str, Answer[T]]:
    """Return the answers that are known; form: what the candidates of these questions are.

    since: older answers are left out.
    """
    rows = await pool.fetch(GET, platform, market, list(questions), since)
    return {
        row["question"]: Answer(candidates=msgspec.convert(row["candidates"], form), life_s=row["life_s"])
        for row in rows
    }


async def put(
    pool: Pool, platform: Platform, *, market: str, answers: Mapping[str, tuple[T, ...]]
) -> dict[str, float]:
    """Store answers; return for how many seconds each is good."""
    questions = sorted(answers)  # one order for everybody: no deadlocks between batches
    rows = await pool.fetch(
        PUT,
        platform,
        market,
        questions,
        [msgspec.to_builtins(answers[question]) for question in questions],
        [bool(answers[question]) for question in questions],
    )
    return {row["question"]: row["life_s"] for row in rows}


async def forget(pool: Pool, platform: Platform, *, market: str, track_id: TrackId) -> list[str]:
    """End the life of all answers that offered a track; return their questions."""
    rows = await pool.fetch(FORGET, platform, market, [track_id])
    return [row["question"] for row in rows]

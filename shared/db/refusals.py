"""Refusals: chosen tracks that the platform would not take, so that something else is looked for once."""

from collections.abc import Sequence

import msgspec

from shared.db.pool import Connection, Pool
from shared.models import Outcome, SourceItem, TrackId, TransferId


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A position whose chosen track was refused. refused_track_ids: what had been refused there before."""

    position: int
    source: SourceItem
    outcome: Outcome
    target_track_id: TrackId
    refused_track_ids: tuple[TrackId, ...]


LOAD = """
SELECT position, source, outcome, target_track_id, refused_track_ids FROM items
WHERE transfer_id = $1 AND position = ANY($2)
"""
NOTE = """
UPDATE items SET refused_track_ids = array_append(refused_track_ids, target_track_id)
WHERE transfer_id = $1 AND position = ANY($2)
"""
# As many rows of a track as stand there, less those that count for other positions already.
PRESENT = """
WITH wanted AS (
    SELECT position, target_track_id AS track_id,
           row_number() OVER (PARTITION BY target_track_id ORDER BY position) AS turn
    FROM items WHERE transfer_id = $1 AND position = ANY($2) AND is_matched AND NOT is_written
), taken AS (
    SELECT target_track_id AS track_id, count(*) AS times FROM items
    WHERE transfer_id = $1 AND outcome = 'already_present'
          AND target_track_id IN (SELECT track_id FROM wanted)
    GROUP BY 1
)
UPDATE items SET outcome = 'already_present', reason = 'The target playlist already has it.'
FROM transfers, wanted
JOIN target_base_tracks AS base ON base.transfer_id = $1 AND base.track_id = wanted.track_id
LEFT JOIN taken ON taken.track_id = wanted.track_id
WHERE transfers.id = $1 AND transfers.on_duplicate = 'skip'
      AND items.transfer_id = $1 AND items.position = wanted.position
      AND wanted.turn + coalesce(taken.times, 0) <= base.times
"""


async def load(pool: Pool, transfer_id: TransferId, *, positions: Sequence[int]) -> list[Refused]:
    rows = await pool.fetch(LOAD, transfer_id, list(positions))
    return [msgspec.convert(dict(row), Refused) for row in rows]


async def note(connection: Connection, transfer_id: TransferId, *, positions: Sequence[int]) -> None:
    """Remember which tracks were refused, before others are chosen."""
    await connection.execute(NOTE, transfer_id, list(positions))


async def find_present(connection: Connection, transfer_id: TransferId, *, positions: Sequence[int]) -> None:
    """Tell of tracks chosen anew that the target has already, where those are to be skipped."""
    await connection.execute(PRESENT, transfer_id, list(positions))

"""Refusals: chosen tracks that the platform would not take, so that something else is looked for once."""

from collections.abc import Sequence

import msgspec

from shared.db.pool import Connection, Pool
from shared.models import Outcome, SourceItem, TrackId, TransferId


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A position whose chosen track was refused. refused_track_id: what had been refused there before."""

    source: SourceItem
    outcome: Outcome
    target_track_id: TrackId
    refused_track_id: TrackId | None


LOAD = """
SELECT source, outcome, target_track_id, refused_track_id FROM items
WHERE transfer_id = $1 AND position = $2
"""
NOTE = """
UPDATE items SET refused_track_id = target_track_id WHERE transfer_id = $1 AND position = ANY($2)
"""
# As many rows of the track as stand there, less those that count for other positions already.
PRESENT = """
UPDATE items SET outcome = 'already_present', reason = 'The target playlist already has it.'
FROM transfers, target_base_tracks AS base
WHERE transfers.id = $1 AND transfers.on_duplicate = 'skip' AND base.transfer_id = $1
      AND items.transfer_id = $1 AND items.position = ANY($2) AND items.target_track_id = base.track_id
      AND base.times > (SELECT count(*) FROM items AS others WHERE others.transfer_id = $1
                        AND others.target_track_id = base.track_id AND others.outcome = 'already_present')
"""


async def load(pool: Pool, transfer_id: TransferId, *, position: int) -> Refused:
    row = await pool.fetchrow(LOAD, transfer_id, position)
    if row is None:
        raise LookupError(position)
    return msgspec.convert(dict(row), Refused)


async def note(connection: Connection, transfer_id: TransferId, *, positions: Sequence[int]) -> None:
    """Remember which tracks were refused, before others are chosen."""
    await connection.execute(NOTE, transfer_id, list(positions))


async def find_present(connection: Connection, transfer_id: TransferId, *, positions: Sequence[int]) -> None:
    """Tell of tracks chosen anew that the target has already, where those are to be skipped."""
    await connection.execute(PRESENT, transfer_id, list(positions))

"""Items as a report shows them: page by page, each page with the revision that it is of."""

from datetime import datetime
from typing import Any

import msgspec

from shared.db.pool import Pool
from shared.models import Outcome, SourceItem, Track, TransferId, UserId


class ReportItem(msgspec.Struct, frozen=True, kw_only=True):
    """One position without its evidence and alternatives, which a report does not show.

    part: the number of the playlist that it was written to.
    """

    position: int
    source: SourceItem
    outcome: Outcome
    reason: str
    score: float | None
    target: Track | None
    is_written: bool
    part: int
    decided_at: datetime | None
    revision: int


# One statement sees one moment: rows and revision belong together.
PAGE = """
SELECT items.position, items.source, items.outcome, items.reason, items.score, items.target,
       items.is_written, coalesce(item_parts.part, 1) AS part, items.decided_at, transfers.revision
FROM transfers JOIN items ON items.transfer_id = transfers.id
LEFT JOIN item_parts ON item_parts.transfer_id = items.transfer_id AND item_parts.position = items.position
WHERE transfers.id = $1 AND transfers.user_id = $2 AND items.position > $3
ORDER BY items.position LIMIT $4
"""


async def page(
    pool: Pool, transfer_id: TransferId, *, user_id: UserId, after: int, limit: int
) -> list[ReportItem]:
    """Return a user's items behind position `after`, in order, all of one revision."""
    rows: list[Any] = await pool.fetch(PAGE, transfer_id, user_id, after, limit)
    return [msgspec.convert(dict(row), ReportItem) for row in rows]

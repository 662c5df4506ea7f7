"""Report what became of every item of a transfer, page by page, however many there are."""

from collections.abc import AsyncIterator

import msgspec

from gateway.actions.accounts import PlatformsPort
from gateway.actions.read_transfer import ReadTransfer
from shared.db import report_items
from shared.db.pool import Pool
from shared.db.report_items import ReportItem
from shared.db.transfers import Transfer, TransferView
from shared.models import UserId
from shared.platforms.base import WriteClass

PAGE_COUNT = 500
_MISPLACED = frozenset({"order_differs", "added_at_end", "target_edited", "late_write", "target_unchecked"})
"""The warnings after which nobody can tell from the rows where a track stands."""


class PlacedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item and where its track stands.

    target_position: counted from 0; None where that is not known. target_playlist: its name; None where the
    track was not written.
    """

    item: ReportItem
    target_position: int | None
    target_playlist: str | None = None


class Report:
    """A transfer as it stood when it was asked for, and its items as they stand when they are read."""

    def __init__(self, view: TransferView, *, pool: Pool, has_places: bool) -> None:
        self.view = view
        self._pool = pool
        self._has_places = has_places

    async def pages(self) -> AsyncIterator[tuple[PlacedItem, ...]]:
        """Iterate over all items in order. No database connection is held between two pages."""
        transfer, parts = self.view.transfer, self.view.parts
        places = {one.part: one.base_count for one in parts} or {1: transfer.target_base_count or 0}
        names = {one.part: one.name for one in parts} or {1: transfer.target_name}
        after = -1
        while True:
            found = await report_items.page(
                self._pool, transfer.id, user_id=transfer.user_id, after=after, limit=PAGE_COUNT
            )
            placed = []
            for item in found:
                is_known = self._has_places and item.is_written
                placed.append(
                    PlacedItem(
                        item=item,
                        target_position=places.get(item.part) if is_known else None,
                        target_playlist=names.get(item.part) if item.is_written else None,
                    )
                )
                places[item.part] = places.get(item.part, 0) + item.is_written
            if placed:
                yield tuple(placed)
            if len(found) < PAGE_COUNT:
                return
            after = found[-1].position


class ReportTransfer:
    """Opens reports."""

    def __init__(self, *, pool: Pool, read: ReadTransfer, platforms: PlatformsPort) -> None:
        self._pool = pool
        self._read = read
        self._platforms = platforms

    async def __call__(self, user_id: UserId, transfer_id: str) -> Report:
        """Raises NotFound, for a foreign transfer as for none."""
        view = await self._read.view(user_id, transfer_id)
        write_class = self._platforms.capabilities(view.transfer.target_platform).write_class
        return Report(view, pool=self._pool, has_places=has_places(view.transfer, write_class=write_class))


def has_places(transfer: Transfer, *, write_class: WriteClass) -> bool:
    """Say whether what was written stands in the order of its positions, behind what was there before."""
    if transfer.undoes is not None or transfer.undone_by is not None:
        return False
    if transfer.reopened_at is not None and not write_class.has_places:
        return False
    return _MISPLACED.isdisjoint(str(warning.get("code")) for warning in transfer.warnings)

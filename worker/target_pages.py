"""Reads a target page by page, and notices when somebody changes it meanwhile."""

from collections.abc import AsyncIterator

from shared.models import PlaylistId
from shared.platforms.base import Adapter, TargetPage

MOST_READINGS = 3  # so often a target that changes while it is read is read before that has to do


class TargetChanged(Exception):
    """What was read never stood there like that: the target's length changed between two pages."""


class Reading:
    """One reading of a target.

    length: what is known of the target's by now. has_changed: another hand was at it since the first page;
    then rows may have been missed or seen twice.
    """

    def __init__(self, adapter: Adapter, playlist_id: PlaylistId, *, offset: int = 0) -> None:
        self._adapter = adapter
        self._playlist_id = playlist_id
        self._offset = offset
        self._totals: set[int] = set()
        self.length = offset

    @property
    def has_changed(self) -> bool:
        return len(self._totals) > 1

    async def pages(self) -> AsyncIterator[TargetPage]:
        """Read from the offset to the end, once, whatever changes."""
        async for page in self._adapter.read_target_pages(self._playlist_id, offset=self._offset):
            if page.total is None:
                self.length += len(page.rows)
            else:
                self._totals.add(page.total)
                self.length = page.total
            yield page

    async def steady_pages(self) -> AsyncIterator[TargetPage]:
        """Read the same. Raises TargetChanged."""
        async for page in self.pages():
            if self.has_changed:
                raise TargetChanged
            yield page

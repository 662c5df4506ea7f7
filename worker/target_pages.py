"""Reads a target page by page, and notices when somebody changes it meanwhile."""

from collections.abc import AsyncIterator

from shared.errors import PlatformUnavailable
from shared.models import PlaylistId
from shared.platforms.base import Adapter, TargetPage


class TargetChanged(PlatformUnavailable):
    """The playlist's length changed between two pages: what was read never stood there like that."""


async def steady_pages(
    adapter: Adapter, playlist_id: PlaylistId, *, offset: int
) -> AsyncIterator[TargetPage]:
    """Read a target from offset to its end. Raises TargetChanged."""
    length: int | None = None
    async for page in adapter.read_target_pages(playlist_id, offset=offset):
        if length is not None and page.total not in (None, length):
            raise TargetChanged(
                "The target playlist changed while it was read; it is read again.",
                platform=adapter.platform,
                operation="read_target",
            )
        length = page.total if length is None else length
        yield page

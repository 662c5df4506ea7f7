"""What an adapter says of calls that its platform has nothing for; its capabilities say so beforehand."""

from collections.abc import Sequence
from typing import NoReturn

from shared.errors import PlatformRejected
from shared.models import Album, Isrc, Platform


class WithoutAlbumTracks:
    """The call that reads an album, of a platform whose tracks are not looked for there (no `has_albums`)."""

    platform: Platform

    async def read_album(self, album: Album) -> NoReturn:
        """Raises PlatformRejected, always."""
        del album
        raise self._absent("read_album")

    def _absent(self, operation: str) -> PlatformRejected:
        return PlatformRejected(
            "Albums are not looked for there.", platform=self.platform, operation=operation
        )


class WithoutAlbums(WithoutAlbumTracks):
    """Both album calls of a platform whose albums are not searched either."""

    async def search_albums(self, name: str, *, artist: str) -> NoReturn:
        """Raises PlatformRejected, always."""
        del name, artist
        raise self._absent("search_albums")


class WithoutIsrcs:
    """The ISRC call of a platform that finds nothing by them (`isrc_batch` is 0)."""

    platform: Platform

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> NoReturn:
        """Raises PlatformRejected, always."""
        del isrcs
        raise PlatformRejected(
            "ISRCs are not looked up there.", platform=self.platform, operation="find_by_isrc"
        )

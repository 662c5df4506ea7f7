"""What an adapter says of calls that its platform has nothing for; its capabilities say so beforehand."""

from typing import NoReturn

from shared.errors import PlatformRejected
from shared.models import Album, Platform


class WithoutAlbums:
    """The album calls of a platform whose albums are not searched (`has_albums` is false)."""

    platform: Platform

    async def search_albums(self, name: str, *, artist: str) -> NoReturn:
        """Raises PlatformRejected, always."""
        del name, artist
        raise self._absent("search_albums")

    async def read_album(self, album: Album) -> NoReturn:
        """Raises PlatformRejected, always."""
        del album
        raise self._absent("read_album")

    def _absent(self, operation: str) -> PlatformRejected:
        return PlatformRejected(
            "Albums are not looked for there.", platform=self.platform, operation=operation
        )

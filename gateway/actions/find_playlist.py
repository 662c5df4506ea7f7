"""Find the playlist that a request names: by id, by share link, or by a name that is the only one."""

from gateway.actions.accounts import Accounts, PlatformsPort
from gateway.actions.list_playlists import ListPlaylists
from shared.db.connections import Connection
from shared.errors import PlatformNotFound, RequestError
from shared.models import Playlist
from shared.platforms.collections import collection_in
from shared.platforms.values import is_link


class FindPlaylist:
    """Looks playlists up in the name of a connection."""

    def __init__(self, *, accounts: Accounts, playlists: ListPlaylists, platforms: PlatformsPort) -> None:
        self._accounts = accounts
        self._playlists = playlists
        self._platforms = platforms

    async def __call__(self, connection: Connection, text: str, *, refusal: type[RequestError]) -> Playlist:
        """Return the one playlist that is meant.

        Raises `refusal` where there is none or more than one, and what the platform's calls raise.
        """
        async with self._accounts.speak_for(connection) as adapter:
            collection = collection_in(text, adapter.capabilities.collections)
            if collection is not None:
                return await adapter.get_playlist(collection.playlist_id)
            playlist_id = adapter.playlist_id_of(text)
            if playlist_id is not None:
                try:
                    return await adapter.get_playlist(playlist_id)
                except PlatformNotFound as error:
                    # A name may look like an id, but a link is never a name.
                    if is_link(text):
                        raise self._unknown(connection, refusal=refusal) from error
        if is_link(text):
            label = self._platforms.label(connection.platform)
            raise refusal(f"This is no link to a {label} playlist.")
        return await self._by_name(connection, text, refusal=refusal)

    async def _by_name(self, connection: Connection, name: str, *, refusal: type[RequestError]) -> Playlist:
        alike = {
            playlist.id: playlist
            async for playlist in self._playlists.every(connection)
            if _fold(playlist.name) == _fold(name)
        }
        same = [playlist for playlist in alike.values() if playlist.name.strip() == name.strip()]
        found = same or list(alike.values())
        if len(found) > 1:
            ids = ", ".join(playlist.id for playlist in found[:10])
            raise refusal(f"{len(found)} playlists have this name: give the id of one of them ({ids}).")
        if not found:
            raise self._unknown(connection, refusal=refusal)
        return found[0]

    def _unknown(self, connection: Connection, *, refusal: type[RequestError]) -> RequestError:
        label = self._platforms.label(connection.platform)
        return refusal(f"{label} shows no playlist of this id or name to {connection.label}.")


def _fold(name: str) -> str:
    return name.strip().casefold()

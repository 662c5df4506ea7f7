"""Find what is to be moved, and in whose name it is read: a connection's, or nobody's."""

import msgspec

from gateway.actions.accounts import AccountRef, Accounts, PlatformsPort
from gateway.actions.find_playlist import FindPlaylist
from gateway.actions.refusals import ConnectFirst
from shared.db.connections import Connection, ConnectionState
from shared.errors import (
    FieldFault,
    PlatformNotConfigured,
    PlatformNotFound,
    PlaylistNotReadable,
    ValidationFailed,
)
from shared.models import Platform, Playlist, PlaylistId, UserId


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist that can be read. connection is None where everybody may see it and nobody's is needed.

    market: the country in whose catalog a public one is read, "" of a connection's.
    """

    platform: Platform
    connection: Connection | None
    playlist: Playlist
    market: str = ""

    @property
    def reader_label(self) -> str:
        return self.connection.label if self.connection else "everybody"


class PublicPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read in nobody's name."""

    platform: Platform
    id: PlaylistId


class FindSource:
    """Looks for a source the user's own way, or else the public one."""

    def __init__(self, *, accounts: Accounts, find_playlist: FindPlaylist, platforms: PlatformsPort) -> None:
        self._accounts = accounts
        self._find_playlist = find_playlist
        self._platforms = platforms

    async def reader(self, user_id: UserId, ref: AccountRef, text: str) -> Connection | PublicPlaylist:
        """Say in whose name it is to be read. A ref that names nothing takes the platform from the link.

        Raises ConnectFirst, ValidationFailed, and what Accounts.find raises.
        """
        if ref.connection_id is None:
            ref = msgspec.structs.replace(ref, platform=ref.platform or self._platform_of(text))
        public_id = await self._public_id(user_id, ref, text)
        if ref.platform is not None and public_id is not None:
            return PublicPlaylist(platform=ref.platform, id=public_id)
        return await self._accounts.find(user_id, ref)

    async def read(self, reader: Connection | PublicPlaylist, text: str, *, market: str) -> Source:
        """Return the one playlist that is meant. market: of the target's account, "" where it tells none.

        Raises PlaylistNotReadable, and what the platform's calls raise.
        """
        if isinstance(reader, PublicPlaylist):
            playlist = await self._public(reader, market=market.upper())
            source = Source(
                platform=reader.platform, connection=None, playlist=playlist, market=market.upper()
            )
        else:
            playlist = await self._find_playlist(reader, text, refusal=PlaylistNotReadable)
            source = Source(platform=reader.platform, connection=reader, playlist=playlist)
        if not playlist.readable:
            label, to_whom = self._platforms.label(source.platform), source.reader_label
            raise PlaylistNotReadable(f"{label} does not show the tracks of this playlist to {to_whom}.")
        return source

    def _platform_of(self, text: str) -> Platform:
        platform = self._platforms.platform_of(text)
        if platform is None:
            labels = ", ".join(map(self._platforms.label, Platform))
            fault = FieldFault("/source/playlist", f"Give the address of a playlist at one of: {labels}.")
            raise ValidationFailed("This is no link to a playlist that is known here.", faults=(fault,))
        return platform

    async def _public_id(self, user_id: UserId, ref: AccountRef, text: str) -> PlaylistId | None:
        """Return the id of what is to be read in nobody's name; None for what a connection reads.

        Raises ConnectFirst where there is no connection, and the platform shows nothing without one.
        """
        if ref.platform is None:
            return None
        states = await self._accounts.states(user_id, ref.platform)
        if ConnectionState.CONNECTED in states:
            return None
        public_id = self._platforms.playlist_id_of(ref.platform, text)
        public = self._platforms.public_reads(ref.platform)
        if public_id is None or public.is_possible:
            return public_id
        if states:
            return None  # it says what to connect again
        self._platforms.oauth(ref.platform)  # an account cannot be connected where nothing is set up
        raise ConnectFirst(public.reason, platform=ref.platform)

    async def _public(self, meant: PublicPlaylist, *, market: str) -> Playlist:
        platform, label = meant.platform, self._platforms.label(meant.platform)
        try:
            async with self._accounts.speak_for_nobody(platform, market=market) as adapter:
                return await adapter.get_playlist(meant.id)
        except PlatformNotConfigured as error:
            if not self._platforms.is_configured(platform):
                raise
            detail = f"No {label} account is connected yet, and this server has no key to read without one."
            raise ConnectFirst(detail, platform=platform) from error
        except PlatformNotFound as error:
            raise PlaylistNotReadable(
                f"{label} shows no such playlist to everybody; if it is a private one of yours, "
                f"connect your {label} account."
            ) from error

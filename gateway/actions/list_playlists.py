"""List a connection's playlists, page by page, from a short-lived cache."""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from gateway.actions.accounts import Accounts
from shared.cache import Cache
from shared.cipher import Cipher, SealBroken
from shared.clock import Clock
from shared.db.connections import Connection
from shared.errors import FieldFault, ValidationFailed
from shared.models import Playlist
from shared.platforms.base import PlaylistPage

CACHE_LIFE_S = 60
_PAGE_COUNT = 500  # an end for lists that have none


class PlaylistSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a connection's playlists. age_s: how old the oldest part is."""

    playlists: tuple[Playlist, ...]
    next_cursor: str | None
    age_s: int


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is cached."""

    page: PlaylistPage
    read_at: datetime


class _Place(msgspec.Struct, frozen=True):
    """Where a list goes on: the platform's own cursor and the rows of its page that were given out."""

    cursor: str | None = None
    skip_count: int = 0


class ListPlaylists:
    """Reads lists of playlists. Raises what Accounts.speak_for and Adapter.list_playlists raise."""

    def __init__(self, *, accounts: Accounts, cache: Cache, cipher: Cipher, clock: Clock) -> None:
        self._accounts = accounts
        self._cache = cache
        self._cipher = cipher
        self._clock = clock

    async def slice(
        self, connection: Connection, *, limit: int, cursor: str | None, is_fresh: bool
    ) -> PlaylistSlice:
        """Return up to `limit` playlists from a cursor on. is_fresh: ask the platform, not the cache.

        Raises ValidationFailed for a cursor that is not of this connection's list.
        """
        place = self._open(connection, cursor)
        rows: list[Playlist] = []
        ages_s = [0]
        for _ in range(_PAGE_COUNT):
            kept = await self._page(connection, cursor=place.cursor, is_fresh=is_fresh)
            ages_s.append(int((self._clock.now() - kept.read_at).total_seconds()))
            left = kept.page.playlists[place.skip_count :]
            wanted = left[: limit - len(rows)]
            rows += wanted
            following = _after(place, kept=kept, taken_count=len(wanted), left_count=len(left))
            if following is None or len(rows) == limit:
                break
            place = following
        return PlaylistSlice(
            playlists=tuple(rows),
            next_cursor=self._seal(connection, following) if following else None,
            age_s=max(ages_s),
        )

    async def every(self, connection: Connection) -> AsyncIterator[Playlist]:
        """Iterate over all playlists."""
        cursor = None
        for _ in range(_PAGE_COUNT):
            page = (await self._page(connection, cursor=cursor, is_fresh=False)).page
            for playlist in page.playlists:
                yield playlist
            cursor = page.next_cursor
            if cursor is None:
                return

    async def forget(self, connection: Connection) -> None:
        """Drop what is cached of a connection's list."""
        await self._cache.drop(_cache_key(connection))

    async def _page(self, connection: Connection, *, cursor: str | None, is_fresh: bool) -> _Kept:
        part = hashlib.sha256((cursor or "").encode()).hexdigest()[:16]
        key = _cache_key(connection)
        kept = None if is_fresh else await self._cache.get_part(key, part, into=_Kept)
        if kept is None or self._clock.now() - kept.read_at >= timedelta(seconds=CACHE_LIFE_S):
            async with self._accounts.speak_for(connection) as adapter:
                page = await adapter.list_playlists(cursor=cursor)
            kept = _Kept(page=page, read_at=self._clock.now())
            await self._cache.put_part(key, part, value=kept, life_s=CACHE_LIFE_S)
        return kept

    def _seal(self, connection: Connection, place: _Place) -> str:
        return self._cipher.seal(msgspec.json.encode(place).decode(), context=_context(connection))

    def _open(self, connection: Connection, cursor: str | None) -> _Place:
        if cursor is None:
            return _Place()
        try:
            text = self._cipher.open(cursor, context=_context(connection))
        except SealBroken as error:
            fault = FieldFault("/query/cursor", "Take it unchanged from next_cursor of the page before.")
            raise ValidationFailed("This cursor does not belong to this list.", faults=(fault,)) from error
        return msgspec.json.decode(text, type=_Place)


def _after(place: _Place, *, kept: _Kept, taken_count: int, left_count: int) -> _Place | None:
    if taken_count < left_count:
        return _Place(place.cursor, place.skip_count + taken_count)
    return _Place(kept.page.next_cursor) if kept.page.next_cursor is not None else None


def _cache_key(connection: Connection) -> str:
    return f"crossplay:playlists:{connection.id}"


def _context(connection: Connection) -> str:
    return f"{connection.id}|{connection.platform}|playlists-cursor"

"""What adapters share: playlists and rows that are read by pages, and calls in a session's name.

An adapter says how its lists are paged and what stands in them, and has the methods that read them. All of
them are plain methods: one that its platform does in another way is overridden.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from msgspec import Struct, UnsetType, structs

from shared.errors import PlatformNotFound, PlatformRejected
from shared.models import Album, Artist, Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.base import (
    ADDED,
    Added,
    Capabilities,
    Gate,
    Page,
    PlaylistPage,
    Session,
    TargetPage,
    TargetRow,
    TargetView,
)
from shared.platforms.call import Call
from shared.platforms.collections import Collection, as_track, collection_of, head_of
from shared.platforms.http import PlatformHttp
from shared.platforms.paging import CursorPager, Fetch, Pager, RawPage, TokenPage
from shared.platforms.values import item_of

T = TypeVar("T")
Head = TypeVar("Head")
"""A playlist as the platform lists it."""
Row = TypeVar("Row")
"""A row of a playlist as the platform tells it."""

AnyPager: TypeAlias = Pager[T] | CursorPager[T]


class Counted(Protocol[T]):
    """The answer of a list that is read by offsets."""

    def page(self, limit: int) -> RawPage[T]: ...


class Linked(Protocol[T]):
    """The answer of a list that goes on by tokens."""

    def page(self) -> TokenPage[T]: ...


class Listing(Struct, Generic[T], frozen=True, kw_only=True):
    """A playlist or a collection as it is read. is_upside_down: what was added last stands first."""

    pager: AnyPager[T]
    to_items: Callable[[Sequence[T]], Awaitable[tuple[SourceItem, ...]]]
    to_row: Callable[[T], TargetRow]
    is_upside_down: bool = False


class PagedAdapter(ABC, Generic[Head, Row]):
    """The part of an adapter that reads playlists and collections, and tells writes to them apart.

    An adapter whose capabilities name collections has `_save`, and `_unsave` where they can be removed from.
    Its `_rows` read the liked songs too, by their id; `_albums` and `_artists` read the others.
    """

    platform: Platform
    page_sizes: tuple[int, ...] = ()
    """See Pager; none: `read_page` of the capabilities alone."""
    _to_item: Callable[[Row], SourceItem]
    """What `_to_items` makes of each row, where the row alone tells that."""
    _to_album: Callable[[Any], Album | None]
    """What a row of the saved albums is; None where that is none, or is gone."""
    _to_artist: Callable[[Any], Artist | None]
    """The same of the followed artists."""

    def __init__(self, *, session: Session, capabilities: Capabilities) -> None:
        self._session = session
        self.capabilities = capabilities

    @abstractmethod
    async def _playlists(self) -> AnyPager[Head]:
        """Return the account's own playlists."""

    @abstractmethod
    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> AnyPager[Row]:
        """Return the rows of a playlist, to be read as a source or as a target."""

    @abstractmethod
    async def _to_playlist(self, raw: Head, /) -> Playlist | None:
        """Return one of the listed playlists; None for a row that is none."""

    @abstractmethod
    def _description_of(self, raw: Head, /) -> str:
        """Return where a marker is looked for."""

    async def _to_items(self, rows: Sequence[Row], /) -> tuple[SourceItem, ...]:
        """Return what stands at these positions, one for each row."""
        return tuple(map(self._to_item, rows))

    @abstractmethod
    def _to_target_row(self, raw: Row, /) -> TargetRow: ...

    @abstractmethod
    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        """Read one playlist's head."""

    @abstractmethod
    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        """Add to a playlist, see `add_tracks`."""

    @abstractmethod
    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        """Remove from a playlist, see `remove_tracks`."""

    async def _albums(self, *, operation: str) -> AnyPager[Any]:
        """Return the saved albums, whose rows `_to_album` tells."""
        self._refuse(operation)

    async def _artists(self, *, operation: str) -> AnyPager[Any]:
        """Return the followed artists, whose rows `_to_artist` tells."""
        self._refuse(operation)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> Added | None:
        """Add 1..Keeping.add_batch ids to a collection; one that stands there stays, and is no error.

        None: the platform does not say what it has left out.
        """
        del collection, ids, gate
        self._refuse("add_tracks")

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        """Remove 1..Keeping.remove_batch ids from one; what does not stand there is no error."""
        del collection, ids, gate
        self._refuse("remove_tracks")

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        del name
        self._refuse("search_artists")

    def _refuse(self, operation: str) -> NoReturn:
        message = "An app can neither read nor change anything of that kind there: name a playlist instead."
        raise PlatformRejected(message, platform=self.platform, operation=operation)

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        page = await (await self._playlists()).page(cursor)
        found = [await self._to_playlist(raw) for raw in page.rows]
        kept = await self._collections() if cursor is None else ()
        return PlaylistPage(playlists=tuple(filter(None, (*kept, *found))), next_cursor=page.next_cursor)

    async def _collections(self) -> tuple[Playlist, ...]:
        """Return what this connection may see of them: who connected before one was asked for may not."""
        kept = self.capabilities.collections
        if not any(keeping.scope for keeping in kept.values()):
            return tuple(head_of(collection, keeping) for collection, keeping in kept.items())
        tokens = await self._session.tokens()
        scopes = {"", *(tokens.scopes if tokens else ())}
        return tuple(head_of(one, keeping) for one, keeping in kept.items() if keeping.scope in scopes)

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        collection = collection_of(playlist_id)
        if collection is None:
            return await self._head(playlist_id)
        listing = await self._listing(playlist_id, operation="get_playlist")
        total = (await listing.pager.page(None)).total
        return head_of(collection, self.capabilities.collections[collection], track_count=total)

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        collection = collection_of(playlist_id)
        if collection is None:
            return await self._add(playlist_id, track_ids=track_ids, position=position, key=key, gate=gate)
        return await self._save(collection, track_ids, gate=gate) or ADDED

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        collection = collection_of(playlist_id)
        if collection is None:
            await self._remove(playlist_id, track_ids=track_ids, gate=gate)
        else:
            await self._unsave(collection, track_ids, gate=gate)

    async def find_playlist(self, marker: str) -> Playlist | None:
        async for raw in (await self._playlists()).rows():
            if marker in self._description_of(raw):
                return await self._to_playlist(raw)
        return None

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        listing = await self._listing(playlist_id, operation="read_items")
        page = await listing.pager.page(cursor)
        items = await listing.to_items(page.rows)
        return Page(items=items, next_cursor=page.next_cursor, total=page.total)

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        listing = await self._listing(playlist_id, operation="read_target")
        if listing.is_upside_down:
            return await _turned(listing, offset=offset)
        rows, total = await listing.pager.rest(offset=offset)
        return TargetView(rows=tuple(map(listing.to_row, rows)), total=total)

    async def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        listing = await self._listing(playlist_id, operation="read_target")
        if listing.is_upside_down:
            view = await _turned(listing, offset=offset)
            yield TargetPage(rows=view.rows, total=view.total)
            return
        async for page in listing.pager.pages(offset=offset):
            yield TargetPage(rows=tuple(map(listing.to_row, page.rows)), total=page.total)

    async def _listing(self, playlist_id: PlaylistId, *, operation: str) -> Listing[Any]:
        match collection := collection_of(playlist_id):
            case Collection.ALBUMS:
                listing = _kept(await self._albums(operation=operation), self._to_album)
            case Collection.ARTISTS:
                listing = _kept(await self._artists(operation=operation), self._to_artist)
            case _:
                pager = await self._rows(playlist_id, operation=operation)
                listing = Listing(pager=pager, to_items=self._to_items, to_row=self._to_target_row)
        keeping = self.capabilities.collections.get(collection) if collection else None
        return structs.replace(listing, is_upside_down=keeping is not None and keeping.is_dated)

    def _pager(self, fetch: Fetch[T], *, operation: str) -> Pager[T]:
        sizes = self.page_sizes or (self.capabilities.read_page,)
        return Pager(fetch, page_sizes=sizes, platform=self.platform, operation=operation)

    def _cut(
        self,
        read_all: Callable[[], Awaitable[Sequence[T] | UnsetType]],
        *,
        operation: str,
        at_once: bool = False,
    ) -> Pager[T]:
        """Read pages of a list that is given as a whole alone; unset is an answer without it.

        at_once: it is one page, however long it is.
        """

        async def fetch(offset: int, limit: int) -> RawPage[T]:
            rows = await read_all()
            if isinstance(rows, UnsetType):
                return RawPage(rows=(), limit=limit, is_blank=True)
            end = len(rows) if at_once else offset + limit
            return RawPage(rows=tuple(rows[offset:end]), limit=limit, total=len(rows))

        return self._pager(fetch, operation=operation)


class WebAdapter(PagedAdapter[Head, Row]):
    """The same of a platform that is called by HTTP, with its calls in the session's name."""

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        super().__init__(session=session, capabilities=capabilities)
        self._http = http

    async def _read(self, call: Call, *, into: type[T]) -> T:
        return await self._http.read(call, session=self._session, into=into)

    async def _send(self, call: Call, *, gate: Gate) -> None:
        """Write once, and look at nothing that is answered."""
        await self._http.write(call, session=self._session, gate=gate)

    async def _delete(self, call: Call, *, gate: Gate) -> None:
        """Delete what may be gone already."""
        with suppress(PlatformNotFound):
            await self._send(call, gate=gate)

    async def _each(
        self, ids: Sequence[TrackId], read: Callable[[TrackId], Awaitable[Track | None]]
    ) -> dict[TrackId, Track]:
        """Read tracks one by one; one that there is not, or no longer, is left out."""
        found = {}
        for track_id in dict.fromkeys(ids):
            with suppress(PlatformNotFound):
                track = await read(track_id)
                if track:
                    # What is played in its place here is named by the asked id, as playlists name it.
                    found[track_id] = structs.replace(track, id=track_id)
        return found

    def _counted(
        self,
        call: Call,
        *,
        into: type[Counted[T]],
        names: tuple[str, str] = ("offset", "limit"),
        is_personal: bool = True,
    ) -> Pager[T]:
        """Read a list by offsets. names: of offset and limit in the query."""
        session = self._session if is_personal else None

        async def fetch(offset: int, limit: int) -> RawPage[T]:
            page = structs.replace(call, query={**call.query, names[1]: limit, names[0]: offset})
            return (await self._http.read(page, session=session, into=into)).page(limit)

        return self._pager(fetch, operation=call.operation)

    def _linked(
        self, call: Call, *, into: type[Linked[T]], at: Callable[[str], Mapping[str, str]]
    ) -> CursorPager[T]:
        """Read a list by tokens. at: the query that leads to one; what the call asks for stays."""

        async def fetch(token: str | None) -> TokenPage[T]:
            page = structs.replace(call, query={**at(token), **call.query}) if token else call
            return (await self._read(page, into=into)).page()

        return CursorPager(fetch, platform=self.platform, operation=call.operation)


def _kept(pager: AnyPager[T], read: Callable[[T], Album | Artist | None]) -> Listing[T]:
    """Return a collection whose rows are told by what they are read as."""

    async def to_items(rows: Sequence[T]) -> tuple[SourceItem, ...]:
        told = map(read, rows)
        return tuple(
            item_of(as_track(kept) if kept else None, title=kept.name if kept else "") for kept in told
        )

    def to_row(row: T) -> TargetRow:
        kept = read(row)
        return TargetRow(track_id=TrackId(kept.id), title=kept.name) if kept else TargetRow(track_id=None)

    return Listing(pager=pager, to_items=to_items, to_row=to_row)


async def _turned(listing: Listing[T], *, offset: int) -> TargetView:
    """Read from the newest down to an offset, where the length is told, and turn what was read round."""
    rows: list[T] = []
    total: int | None = None
    async for page in listing.pager.pages():
        rows += page.rows
        total = page.total if page.total is not None else total
        if total is not None and len(rows) >= total - offset:
            break
    length = len(rows) if total is None else total
    newest = rows[: max(0, length - offset)]
    return TargetView(rows=tuple(map(listing.to_row, reversed(newest))), total=length)

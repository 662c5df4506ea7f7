"""What adapters share: playlists and rows that are read by pages, and calls in a session's name.

An adapter says how its two lists are paged and what stands in them, and has the methods that read them. All
of them are plain methods: one that its platform does in another way is overridden.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeAlias, TypeVar

from msgspec import UnsetType, structs

from shared.errors import PlatformNotFound
from shared.models import Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.base import (
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
from shared.platforms.http import PlatformHttp
from shared.platforms.paging import CursorPager, Fetch, Pager, RawPage, TokenPage

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


class PagedAdapter(ABC, Generic[Head, Row]):
    """The part of an adapter that reads playlists and their rows."""

    platform: Platform
    page_sizes: tuple[int, ...] = ()
    """See Pager; none: `read_page` of the capabilities alone."""
    _to_item: Callable[[Row], SourceItem]
    """What `_to_items` makes of each row, where the row alone tells that."""

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

    async def _liked(self) -> Playlist | None:
        """Return the liked songs as they are listed, before all others."""
        return None

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        page = await (await self._playlists()).page(cursor)
        found = [await self._to_playlist(raw) for raw in page.rows]
        liked = await self._liked() if cursor is None else None
        return PlaylistPage(playlists=tuple(filter(None, (liked, *found))), next_cursor=page.next_cursor)

    async def find_playlist(self, marker: str) -> Playlist | None:
        async for raw in (await self._playlists()).rows():
            if marker in self._description_of(raw):
                return await self._to_playlist(raw)
        return None

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        page = await (await self._rows(playlist_id, operation="read_items")).page(cursor)
        return Page(items=await self._to_items(page.rows), next_cursor=page.next_cursor, total=page.total)

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        pager = await self._rows(playlist_id, operation="read_target")
        rows, total = await pager.rest(offset=offset)
        return TargetView(rows=tuple(map(self._to_target_row, rows)), total=total)

    async def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        pager = await self._rows(playlist_id, operation="read_target")
        async for page in pager.pages(offset=offset):
            yield TargetPage(rows=tuple(map(self._to_target_row, page.rows)), total=page.total)

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

"""The jukebox: which call does what. docs/tutorials/write-an-adapter.md goes through it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from crossplay_jukebox import convert, wire
from shared.errors import PlatformNotFound
from shared.models import Account, Album, Isrc, Playlist, PlaylistId, TokenSet, Track, TrackId
from shared.platforms.base import (
    ADDED,
    REQUESTS,
    Added,
    Capabilities,
    Gate,
    Page,
    PlatformProfile,
    PlaylistPage,
    Pool,
    PublicReads,
    Session,
    SignInTerms,
    TargetPage,
    TargetView,
    TextQuery,
    WriteClass,
)
from shared.platforms.declaration import Declaration
from shared.platforms.forms import ConnectForm, FieldKind, FormField, SignInInput
from shared.platforms.http import Call, PlatformHttp
from shared.platforms.paging import Pager, RawPage

T = TypeVar("T")

_PAGE = 20
_LIST, _ITEMS = "/lists/{id}", "/lists/{id}/items"


class JukeboxAdapter:
    """One listener's account."""

    platform = convert.PLATFORM

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        self._http = http
        self._session = session
        self.capabilities = capabilities

    async def account(self) -> Account:
        me = await self._http.read(
            Call(operation="account", route="/me"), session=self._session, into=wire.Me
        )
        return Account(id=me.id, label=me.name, market="")

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        page = await self._playlists().page(cursor)
        return PlaylistPage(
            playlists=tuple(map(convert.to_playlist, page.rows)), next_cursor=page.next_cursor
        )

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        call = Call(operation="get_playlist", route=_LIST, path={"id": playlist_id})
        return convert.to_playlist(await self._http.read(call, session=self._session, into=wire.Playlist))

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        page = await self._rows(playlist_id, operation="read_items").page(cursor)
        items = tuple(map(convert.to_item, page.rows))
        return Page(items=items, next_cursor=page.next_cursor, total=page.total)

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        tracks = await self._songs("find_by_isrc", {"isrc": ",".join(isrcs)})
        return {isrc: tuple(track for track in tracks if track.isrc == isrc) for isrc in isrcs}

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        tracks = await self._songs("read_tracks", {"ids": ",".join(dict.fromkeys(ids))})
        return {track.id: track for track in tracks}

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = query.plain.strip()
        return await self._songs("search", {"q": text}) if text else ()

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        del name, artist
        return ()  # never asked: capabilities.has_albums is False

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        del album
        return ()

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # the jukebox knows no keys of writes
        body = {"name": name, "description": description}
        call = Call(operation="create_playlist", method="POST", route="/lists", body=body)
        made = await self._http.write(call, session=self._session, gate=gate, into=wire.Playlist)
        return convert.to_playlist(made)

    async def find_playlist(self, marker: str) -> Playlist | None:
        async for raw in self._playlists().rows():
            if marker in raw.description:
                return convert.to_playlist(raw)
        return None

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        await self._change(
            "add_tracks", "POST", playlist_id, body={"ids": list(track_ids), "at": position}, gate=gate
        )
        return ADDED

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        await self._change("remove_tracks", "DELETE", playlist_id, body={"ids": list(track_ids)}, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        call = Call(operation="delete_playlist", method="DELETE", route=_LIST, path={"id": playlist_id})
        try:
            await self._http.write(call, session=self._session, gate=gate)
        except PlatformNotFound:
            return  # it is gone already

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        rows, total = await self._rows(playlist_id, operation="read_target").rest(offset=offset)
        return TargetView(rows=tuple(map(convert.to_target_row, rows)), total=total)

    async def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        async for page in self._rows(playlist_id, operation="read_target").pages(offset=offset):
            yield TargetPage(rows=tuple(map(convert.to_target_row, page.rows)), total=page.total)

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return convert.playlist_id_of(text)

    def track_id_of(self, text: str) -> TrackId | None:
        return convert.track_id_of(text)

    async def _change(
        self, operation: str, method: str, playlist_id: PlaylistId, *, body: object, gate: Gate
    ) -> None:
        call = Call(operation=operation, method=method, route=_ITEMS, path={"id": playlist_id}, body=body)
        await self._http.write(call, session=self._session, gate=gate)

    async def _songs(self, operation: str, query: dict[str, str | int]) -> tuple[Track, ...]:
        call = Call(operation=operation, route="/songs", query=query)
        answer = await self._http.read(call, session=self._session, into=wire.Rows[wire.Track])
        page = RawPage.of(answer.items, limit=_PAGE, total=answer.total, next_url=None)
        return tuple(filter(None, map(convert.to_track, page.rows)))

    def _playlists(self) -> Pager[wire.Playlist]:
        return self._pager(Call(operation="list_playlists", route="/lists"), into=wire.Rows[wire.Playlist])

    def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Track]:
        call = Call(operation=operation, route=_ITEMS, path={"id": playlist_id})
        return self._pager(call, into=wire.Rows[wire.Track])

    def _pager(self, call: Call, *, into: type[wire.Rows[T]]) -> Pager[T]:
        async def fetch(offset: int, limit: int) -> RawPage[T]:
            page = structs.replace(call, query={**call.query, "offset": offset, "limit": limit})
            answer = await self._http.read(page, session=self._session, into=into)
            return RawPage.of(answer.items, limit=limit, total=answer.total, next_url=None)

        return Pager(fetch, page_sizes=(_PAGE,), platform=self.platform, operation=call.operation)


def _sign_in(values: Mapping[str, str]) -> SignInInput:
    return SignInInput(tokens=TokenSet(access_token=values["token"]))


DECLARATION = Declaration(
    label="Jukebox",
    profile=PlatformProfile(
        platform=convert.PLATFORM,
        scope="app",
        counted_by="jukebox_api_url",
        pools={REQUESTS: Pool(limit=20, window_s=1.0)},
        concurrency=4,
        backoff_s=1.0,
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.POSITIONED_INSERT,
        isrc_batch=10,
        add_batch=20,
        remove_batch=20,
        read_page=_PAGE,
        playlist_limit=None,
        visibility_delay_s=1.0,
        reads_lag=False,
    ),
    sign_in=SignInTerms(
        life_months=None,
        revoke_url="https://jukebox.example/tokens",
        revoke_place="the jukebox's page of tokens",
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    public=PublicReads(
        is_possible=False,
        reason="The jukebox plays for its own guests only: connect with your token.",
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=(),
    build=JukeboxAdapter,
    refusals=(),
    form=ConnectForm(
        fields=(FormField(name="token", label="Token", kind=FieldKind.SECRET),),
        read=_sign_in,
    ),
)

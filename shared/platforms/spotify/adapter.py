"""Spotify: which call does what, in development mode and in extended quota mode alike.

Source: developer.spotify.com/documentation/web-api with its changes of February, March and July 2026,
read 2026-11-22. Only calls, page sizes and body keys are used that both regimes serve.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from msgspec import structs

from shared.errors import (
    PlatformDenied,
    PlatformNotFound,
    ReconnectRequired,
)
from shared.models import Account, Album, Isrc, Platform, Playlist, PlaylistId, Track, TrackId
from shared.platforms.answers import Refusal
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
from shared.platforms.http import Call, PlatformHttp
from shared.platforms.liked import LIKED
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp
from shared.platforms.paging import Pager, RawPage
from shared.platforms.spotify import convert, wire
from shared.settings import Settings

T = TypeVar("T")

_PAGE = 50
_LIKED_SCOPE = "user-library-read"
_SEARCH_PAGE = 10  # development mode answers 400 to more


_REFUSALS = (
    Refusal(
        status=400, word="base62", kind=PlatformNotFound, message="Spotify knows no playlist of that id."
    ),
    Refusal(
        status=403,
        word="scope",
        kind=ReconnectRequired,
        message="Spotify was not allowed enough: connect it again and allow everything that is asked.",
    ),
    Refusal(
        status=403,
        word="premium",  # plain text, no JSON
        kind=PlatformDenied,
        message="Spotify serves this app only while its owner has Premium; after a change it can take hours.",
    ),
    Refusal(
        status=403,
        word="registered",
        kind=PlatformDenied,
        message="This Spotify account is not on the app's list of users in the developer dashboard.",
    ),
    Refusal(
        status=403,
        operation="read_items",
        kind=PlatformDenied,
        message="Spotify shows an app only the user's own playlists: copy it to an own one in Spotify first.",
    ),
)


class SpotifyAdapter:
    """One Spotify account."""

    platform = Platform.SPOTIFY

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        self._http = http
        self._session = session
        self._user: wire.Me | None = None
        self.capabilities = capabilities

    async def account(self) -> Account:
        return convert.to_account(await self._me())

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        page = await self._playlists().page(cursor)
        me = await self._own()
        found = tuple(convert.to_playlist(raw, user_id=me.id) for raw in page.rows if raw)
        # Who connected before this was asked for has to connect anew to see them.
        tokens = await self._session.tokens()
        if cursor is None and tokens and _LIKED_SCOPE in tokens.scopes:
            found = (convert.to_liked(me), *found)
        return PlaylistPage(playlists=found, next_cursor=page.next_cursor)

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        if playlist_id == LIKED:
            page = await self._rows(LIKED, operation="get_playlist").page(None)
            return convert.to_liked(await self._own(), track_count=page.total)
        call = Call(
            operation="get_playlist", route="/playlists/{playlist_id}", path={"playlist_id": playlist_id}
        )
        raw = await self._http.read(call, session=self._session, into=wire.Playlist)
        return convert.to_playlist(raw, user_id=(await self._own()).id)

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        page = await self._rows(playlist_id, operation="read_items").page(cursor)
        return Page(
            items=tuple(map(convert.to_item, page.rows)), next_cursor=page.next_cursor, total=page.total
        )

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        # "isrc:A OR isrc:B" finds nothing: one search per ISRC. It may also name a wrong recording.
        found = {}
        for isrc in isrcs:
            tracks = await self._search_tracks(f"isrc:{isrc}", operation="find_by_isrc")
            found[isrc] = tuple(track for track in tracks if track.isrc == isrc)
        return found

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        # One by one: apps of 2026 have no route for several.
        found = {}
        for track_id in dict.fromkeys(ids):
            track = await self._read_track(track_id)
            if track is not None:
                found[track_id] = track
        return found

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = _plain(query.plain)
        if query.title and query.artist:
            text = f'track:"{_plain(query.title)}" artist:"{_plain(query.artist)}"'
        return await self._search_tracks(text, operation="search") if text else ()

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        call = self._search(
            f'album:"{_plain(name)}" artist:"{_plain(artist)}"', operation="search_albums", kind="album"
        )
        answer = await self._http.read(call, session=self._session, into=wire.AlbumSearchAnswer)
        return tuple(filter(None, (convert.to_album(raw) for raw in answer.albums.items if raw)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        call = Call(
            operation="read_album",
            route="/albums/{album_id}/tracks",
            path={"album_id": album.id},
            query=self._in_market(),
        )
        pager = self._pager(call, into=wire.Paging[wire.Track])
        tracks = [convert.to_album_track(raw, album=album) async for raw in pager.rows() if raw]
        return tuple(filter(None, tracks))

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # Spotify knows no such keys
        call = Call(
            operation="create_playlist",
            method="POST",
            route="/me/playlists",
            body={"name": name, "public": False, "description": description},
        )
        raw = await self._http.write(call, session=self._session, gate=gate, into=wire.Playlist)
        return convert.to_playlist(raw, user_id=raw.owner.id or "" if raw.owner else "")

    async def find_playlist(self, marker: str) -> Playlist | None:
        async for raw in self._playlists().rows():
            if raw and marker in convert.description_of(raw):
                return convert.to_playlist(raw, user_id=(await self._own()).id)
        return None

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        call = Call(
            operation="add_tracks",
            method="POST",
            route="/playlists/{playlist_id}/items",
            path={"playlist_id": playlist_id},
            # Without a position an append sometimes landed at the front.
            body={"uris": [f"spotify:track:{track_id}" for track_id in track_ids], "position": position},
        )
        await self._http.write(call, session=self._session, gate=gate)
        return ADDED

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        call = Call(
            operation="remove_tracks",
            method="DELETE",
            route="/playlists/{playlist_id}/items",
            path={"playlist_id": playlist_id},
            # Positions are not looked at any more, and with a snapshot id it sometimes answers 502.
            body={"items": [{"uri": f"spotify:track:{track_id}"} for track_id in track_ids]},
        )
        await self._http.write(call, session=self._session, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        # A playlist is deleted by no longer following it.
        call = Call(
            operation="delete_playlist",
            method="DELETE",
            route="/me/library",
            query={"uris": f"spotify:playlist:{playlist_id}"},
        )
        await self._http.write(call, session=self._session, gate=gate)

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

    async def _me(self) -> wire.Me:
        return await self._http.read(
            Call(operation="account", route="/me"), session=self._session, into=wire.Me
        )

    async def _own(self) -> wire.Me:
        """Who we are. Playlists name their owner by the user id, not the account id."""
        if self._user is None:
            self._user = await self._me()
        return self._user

    async def _read_track(self, track_id: TrackId) -> Track | None:
        call = Call(
            operation="read_tracks",
            route="/tracks/{track_id}",
            path={"track_id": track_id},
            query=self._in_market(),
        )
        try:
            raw = await self._http.read(call, session=self._session, into=wire.Track)
        except PlatformNotFound:
            return None
        track = convert.to_track(raw)
        # With a market the answer may be that market's release of the track; playlists name the asked one.
        return track and structs.replace(track, id=track_id)

    async def _search_tracks(self, text: str, *, operation: str) -> tuple[Track, ...]:
        call = self._search(text, operation=operation, kind="track")
        answer = await self._http.read(call, session=self._session, into=wire.SearchAnswer)
        return tuple(filter(None, (convert.to_track(raw) for raw in answer.tracks.items if raw)))

    def _search(self, text: str, *, operation: str, kind: str) -> Call:
        query = {"q": text, "type": kind, "limit": _SEARCH_PAGE, **self._in_market()}
        return Call(operation=operation, route="/search", query=query)

    def _in_market(self) -> dict[str, str | int]:
        return {"market": self._session.market} if self._session.market else {}

    def _playlists(self) -> Pager[wire.Playlist | None]:
        call = Call(operation="list_playlists", route="/me/playlists")
        return self._pager(call, into=wire.Paging[wire.Playlist])

    def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Row | None]:
        # No market: with one, tracks are replaced by their likes in that country.
        call = Call(operation=operation, route="/me/tracks")
        if playlist_id != LIKED:
            call = Call(
                operation=operation,
                route="/playlists/{playlist_id}/items",
                path={"playlist_id": playlist_id},
                query={"additional_types": "track,episode"},
            )
        return self._pager(call, into=wire.Paging[wire.Row])

    def _pager(self, call: Call, *, into: type[wire.Paging[T]]) -> Pager[T | None]:
        async def fetch(offset: int, limit: int) -> RawPage[T | None]:
            page = structs.replace(call, query={**call.query, "limit": limit, "offset": offset})
            raw = await self._http.read(page, session=self._session, into=into)
            return RawPage.of(raw.items, limit=limit, total=raw.total, next_url=raw.next)

        return Pager(fetch, page_sizes=(_PAGE,), platform=self.platform, operation=call.operation)


def _plain(text: str) -> str:
    """Take the characters of the search syntax out; more than about 250 in all are refused."""
    return " ".join(text.replace('"', " ").replace(":", " ").split())[:100]


def _oauth(settings: Settings) -> OAuthApp:
    return OAuthApp(
        client_id=settings.spotify_client_id,
        client_secret=settings.spotify_client_secret,
        authorize_url=settings.spotify_accounts_url.rstrip("/") + "/authorize",
        base_url=settings.spotify_accounts_url,
        token_route="/api/token",  # noqa: S106 - an address, no secret
        scopes=(
            "playlist-read-private",
            "playlist-read-collaborative",
            "playlist-modify-private",
            "playlist-modify-public",
            "user-read-private",
            _LIKED_SCOPE,
        ),
        # Shows whose account it is even to who has agreed before, and lets them take another one.
        extras={"show_dialog": "true"},
    )


DECLARATION = Declaration(
    label="Spotify",
    profile=PlatformProfile(
        platform=Platform.SPOTIFY,
        scope="app",
        counted_by="spotify_client_id",
        pools={
            # The window rolls and is 30 s long, its size unpublished; 2 to 3 requests a second are borne.
            REQUESTS: Pool(limit=75, window_s=30.0),
            SIGN_IN: Pool(limit=75, window_s=30.0),
        },
        prices=SIGN_IN_PRICES,
        concurrency=4,
        backoff_s=5.0,
        # In development mode, after an unpublished number of requests a day; 13 hours were told, or nothing.
        quota_word="QUOTA_EXCEEDED",
        source="developer.spotify.com/documentation/web-api/concepts/rate-limits",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.POSITIONED_INSERT,
        has_fielded_search=True,
        has_albums=True,
        has_liked=True,
        isrc_batch=1,
        add_batch=100,
        remove_batch=100,
        read_page=_PAGE,
        playlist_limit=10_000,
        # Items were readable 0.6 s after a write (measured by others, 2026).
        visibility_delay_s=2.0,
        reads_lag=False,
    ),
    sign_in=SignInTerms(
        life_months=6,
        revoke_url="https://www.spotify.com/account/apps/",
        revoke_place="your Spotify account page, under 'Manage apps'",
        source="developer.spotify.com/blog/2026-06-18-refresh-token-expiration",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=False,
        reason="Spotify shows an app only its users' own playlists: connect the account that it is of, "
        "or copy it into a playlist of your own in Spotify and connect your account.",
        source="developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=("spotify_client_id",),
    build=SpotifyAdapter,
    refusals=_REFUSALS,
    oauth=_oauth,
)

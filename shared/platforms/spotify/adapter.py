"""Spotify: which call does what, in development mode and in extended quota mode alike.

Source: developer.spotify.com/documentation/web-api with its changes of February, March and July 2026,
read 2026-11-22. Only calls, page sizes and body keys are used that both regimes serve.
"""

from collections.abc import Sequence

from shared.errors import PlatformDenied, PlatformNotFound
from shared.models import Account, Album, Artist, Isrc, Platform, Playlist, PlaylistId, Track, TrackId
from shared.platforms.answers import Refusal, lacking_scope
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import CursorPager, Pager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.spotify import convert, wire
from shared.platforms.values import bare, fielded
from shared.settings import Settings

_PAGE = 50
_LIBRARY_BATCH = 40
_KEPT_SCOPE, _FOLLOWED_SCOPE = "user-library-read", "user-follow-read"
_URIS = {Collection.LIKED: "spotify:track:", Collection.ALBUMS: "spotify:album:"}
_COLLECTION_URL = "https://open.spotify.com/collection/"
_SEARCH_PAGE = 10  # development mode answers 400 to more
_PLAYLIST, _ITEMS = "/playlists/{playlist_id}", "/playlists/{playlist_id}/items"

_REFUSALS = (
    Refusal(
        status=400, word="base62", kind=PlatformNotFound, message="Spotify knows no playlist of that id."
    ),
    lacking_scope(),
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


class SpotifyAdapter(WebAdapter[wire.Playlist | None, wire.Row | None]):
    """One Spotify account."""

    platform = Platform.SPOTIFY
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_item = staticmethod(convert.to_item)
    _to_target_row = staticmethod(convert.to_target_row)
    _to_album = staticmethod(convert.to_saved_album)
    _to_artist = staticmethod(convert.to_artist)
    _description_of = staticmethod(convert.description_of)
    _user: wire.Me | None = None

    async def account(self) -> Account:
        return convert.to_account(await self._me())

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        call = Call(operation="get_playlist", route=_PLAYLIST, path={"playlist_id": playlist_id})
        raw = await self._read(call, into=wire.Playlist)
        return convert.to_playlist(raw, user_id=(await self._own()).id)

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        # "isrc:A OR isrc:B" finds nothing: one search per ISRC. It may also name a wrong recording.
        found = {}
        for isrc in isrcs:
            tracks = await self._search_tracks(f"isrc:{isrc}", operation="find_by_isrc")
            found[isrc] = tuple(track for track in tracks if track.isrc == isrc)
        return found

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        return await self._each(ids, self._track)  # apps of 2026 have no route for several

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = fielded(query, form='track:"{title}" artist:"{artist}"')
        return await self._search_tracks(text, operation="search") if text else ()

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        text = f'album:"{bare(name)}" artist:"{bare(artist)}"'
        call = self._search(text, operation="search_albums", kind="album")
        answer = await self._read(call, into=wire.AlbumSearchAnswer)
        return tuple(filter(None, (convert.to_album(raw) for raw in answer.albums.items if raw)))

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        call = self._search(f'artist:"{bare(name)}"', operation="search_artists", kind="artist")
        answer = await self._read(call, into=wire.ArtistSearchAnswer)
        return tuple(filter(None, map(convert.to_artist, answer.artists.items)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        path, query = {"album_id": album.id}, self._in_market()
        call = Call(operation="read_album", route="/albums/{album_id}/tracks", path=path, query=query)
        pager = self._counted(call, into=wire.Paging[wire.Track])
        tracks = [convert.to_album_track(raw, album=album) async for raw in pager.rows() if raw]
        return tuple(filter(None, tracks))

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # Spotify knows no such keys
        body = {"name": name, "public": False, "description": description}
        call = Call(operation="create_playlist", method="POST", route="/me/playlists", body=body)
        raw = await self._http.write(call, session=self._session, gate=gate, into=wire.Playlist)
        return convert.to_playlist(raw, user_id=raw.owner.id or "" if raw.owner else "")

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        # Without a position an append sometimes landed at the front.
        body = {"uris": [f"spotify:track:{track_id}" for track_id in track_ids], "position": position}
        path = {"playlist_id": playlist_id}
        call = Call(operation="add_tracks", method="POST", route=_ITEMS, path=path, body=body)
        await self._send(call, gate=gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        # Positions are not looked at any more, and with a snapshot id it sometimes answers 502.
        body = {"items": [{"uri": f"spotify:track:{track_id}"} for track_id in track_ids]}
        path = {"playlist_id": playlist_id}
        call = Call(operation="remove_tracks", method="DELETE", route=_ITEMS, path=path, body=body)
        await self._send(call, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        # A playlist is deleted by no longer following it.
        query = {"uris": f"spotify:playlist:{playlist_id}"}
        call = Call(operation="delete_playlist", method="DELETE", route="/me/library", query=query)
        await self._send(call, gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        await self._send(_library_call("PUT", collection, ids), gate=gate)

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        await self._send(_library_call("DELETE", collection, ids), gate=gate)

    async def _me(self) -> wire.Me:
        self._user = await self._read(Call(operation="account", route="/me"), into=wire.Me)
        return self._user

    async def _own(self) -> wire.Me:
        """Who we are. Playlists name their owner by the user id, not the account id."""
        return self._user or await self._me()

    async def _track(self, track_id: TrackId) -> Track | None:
        path = {"track_id": track_id}
        call = Call(operation="read_tracks", route="/tracks/{track_id}", path=path, query=self._in_market())
        return convert.to_track(await self._read(call, into=wire.Track))

    async def _search_tracks(self, text: str, *, operation: str) -> tuple[Track, ...]:
        call = self._search(text, operation=operation, kind="track")
        answer = await self._read(call, into=wire.SearchAnswer)
        return tuple(filter(None, (convert.to_track(raw) for raw in answer.tracks.items if raw)))

    def _search(self, text: str, *, operation: str, kind: str) -> Call:
        query = {"q": text, "type": kind, "limit": _SEARCH_PAGE, **self._in_market()}
        return Call(operation=operation, route="/search", query=query)

    def _in_market(self) -> dict[str, str | int]:
        return {"market": self._session.market} if self._session.market else {}

    async def _playlists(self) -> Pager[wire.Playlist | None]:
        call = Call(operation="list_playlists", route="/me/playlists")
        return self._counted(call, into=wire.Paging[wire.Playlist])

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Row | None]:
        call = Call(operation=operation, route="/me/tracks")
        if collection_of(playlist_id) is None:
            path, query = {"playlist_id": playlist_id}, {"additional_types": "track,episode"}
            # No market: with one, tracks are replaced by their likes in that country.
            call = Call(operation=operation, route=_ITEMS, path=path, query=query)
        return self._counted(call, into=wire.Paging[wire.Row])

    async def _albums(self, *, operation: str) -> Pager[wire.SavedAlbum | None]:
        call = Call(operation=operation, route="/me/albums")
        return self._counted(call, into=wire.Paging[wire.SavedAlbum])

    async def _artists(self, *, operation: str) -> CursorPager[wire.Artist | None]:
        call = Call(operation=operation, route="/me/following", query={"type": "artist", "limit": _PAGE})
        return self._linked(call, into=wire.Following, at=lambda token: {"after": token})

    async def _to_playlist(self, raw: wire.Playlist | None) -> Playlist | None:
        return convert.to_playlist(raw, user_id=(await self._own()).id) if raw else None


def _library_call(method: str, collection: Collection, ids: Sequence[TrackId]) -> Call:
    operation = "add_tracks" if method == "PUT" else "remove_tracks"
    query = {"uris": ",".join(_URIS[collection] + own_id for own_id in ids)}
    return Call(operation=operation, method=method, route="/me/library", query=query)


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
            _KEPT_SCOPE,
            "user-library-modify",
            _FOLLOWED_SCOPE,
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
        collections={
            Collection.LIKED: Keeping(
                url=f"{_COLLECTION_URL}tracks",
                add_batch=1,  # a call dates all its tracks alike, to the second
                remove_batch=_LIBRARY_BATCH,
                apart_s=1.0,
                scope=_KEPT_SCOPE,
            ),
            Collection.ALBUMS: Keeping(
                url=f"{_COLLECTION_URL}albums",
                add_batch=_LIBRARY_BATCH,
                remove_batch=_LIBRARY_BATCH,
                is_dated=False,
                scope=_KEPT_SCOPE,
            ),
            # Whether an app may follow artists its documentation tells in two ways (2026-11-22).
            Collection.ARTISTS: Keeping(
                url=f"{_COLLECTION_URL}artists", is_dated=False, scope=_FOLLOWED_SCOPE
            ),
        },
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

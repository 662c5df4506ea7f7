"""Apple Music: which call does what.

Source: developer.apple.com/documentation/applemusicapi and what others observed, read 2026-11-22. Playlists
can be made and appended to, songs and albums put into the library, nothing else: no renaming, no removal, no
position.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import UNSET, structs

from shared.clock import Clock
from shared.errors import PlatformDenied, PlatformError, PlatformNotFound, PlatformRejected, ReconnectRequired
from shared.models import (
    Account,
    Album,
    Isrc,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    TokenSet,
    Track,
    TrackId,
)
from shared.platforms.answers import RECONNECT, Refusal
from shared.platforms.apple_music import convert, wire
from shared.platforms.apple_music.musickit import developer_token, musickit
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TextQuery, WriteClass
from shared.platforms.call import Call, Proof, Sign
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.paged import Listing, WebAdapter
from shared.platforms.paging import Pager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.values import by_isrc, in_batches, playable
from shared.settings import Settings

T = TypeVar("T")

_PAGE = 100
_MOST_IDS = 300  # of one look-up in the catalog
_SAVE_BATCH = 25  # no limit is published; others send so many (github.com/Parachord/parachord)

_PLAYLISTS, _PLAYLIST = "/me/library/playlists", "/me/library/playlists/{playlist_id}"
_SONGS = wire.Document[wire.Song]
_LIBRARY = "/me/library"
_KINDS = {Collection.LIKED: "songs", Collection.ALBUMS: "albums"}

_REFUSALS = (
    Refusal(
        status=401,
        is_personal=False,
        kind=PlatformDenied,
        message="Apple Music does not accept this server's developer key: its operator has to renew it.",
    ),
    Refusal(
        status=400,
        word='"4001',  # 40012 insufficient permissions, 40015 insufficient privileges
        kind=PlatformDenied,
        message="Apple Music does not allow this to the account; it needs an active subscription.",
    ),
    Refusal(status=403, word="editable", kind=PlatformDenied, message="This playlist takes no tracks."),
    Refusal(
        status=403,
        is_personal=False,
        kind=PlatformNotFound,
        message="Apple Music shows nobody but its user a playlist whose id does not begin with pl.",
    ),
    # The user token is missing, expired or revoked, or new terms wait to be accepted.
    Refusal(status=403, is_personal=True, kind=ReconnectRequired, message=RECONNECT),
)


class AppleMusicAdapter(WebAdapter[wire.Playlist, wire.Song]):
    """One Apple Music account. Catalog songs need the developer token only, all else the user's too."""

    platform = Platform.APPLE_MUSIC
    page_sizes = (_PAGE, 25)
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_target_row = staticmethod(convert.to_target_row)
    _to_album = staticmethod(convert.to_saved_album)
    _description_of = staticmethod(convert.description_of)
    _storefront_id = ""

    async def account(self) -> Account:
        call = Call(operation="account", route="/me/storefront")
        return convert.to_account(await self._first(call, into=wire.Document[wire.Storefront]))

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        route, path = await self._place(playlist_id)
        call = Call(operation="get_playlist", route=route, path=path)
        return convert.to_playlist(await self._first(call, into=wire.Document[wire.Playlist]))

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        songs = await self._catalog_songs("find_by_isrc", {"filter[isrc]": ",".join(isrcs)})
        return by_isrc(convert.to_candidates(songs), isrcs=isrcs)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        found = {}
        for batch in in_batches(list(dict.fromkeys(ids)), size=_MOST_IDS):
            songs = await self._catalog_songs("read_tracks", {"ids": ",".join(batch)})
            found.update({track.id: track for track in playable(convert.to_candidates(songs))})
        return found

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        if not query.plain.strip():
            return ()
        call, results = await self._search(query.plain, operation="search", kind="songs")
        return convert.to_candidates(self._data(results.songs, call)) if results.songs else ()

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        call, results = await self._search(f"{name} {artist}", operation="search_albums", kind="albums")
        rows = self._data(results.albums, call) if results.albums else []
        return tuple(filter(None, map(convert.to_album, rows)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        route = "/catalog/{storefront}/albums/{album_id}/tracks"
        path = {"storefront": await self._storefront(), "album_id": album.id}
        pager = self._counted(_list("read_album", route, path), into=_SONGS, is_personal=False)
        return playable(convert.to_candidates([song async for song in pager.rows()]))

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # Apple Music knows no such keys
        body = {"attributes": {"name": name, "description": description}}
        call = Call(operation="create_playlist", method="POST", route=_PLAYLISTS, body=body)
        into = wire.Document[wire.Playlist]
        made = await self._http.write(call, session=self._session, gate=gate, into=into)
        return convert.to_playlist(self._data(made, call, at_least=1)[0])

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del position, key  # Apple Music can only append
        path = {"playlist_id": playlist_id}
        body = {"data": [{"id": track_id, "type": "songs"} for track_id in track_ids]}
        call = Call(operation="add_tracks", method="POST", route=f"{_PLAYLIST}/tracks", path=path, body=body)
        await self._send(call, gate=gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        del playlist_id, track_ids, gate
        raise self._cannot("remove_tracks")

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        del playlist_id, gate
        raise self._cannot("delete_playlist")

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        # It is done some time later, and what cannot be added is left out without a word.
        query = {f"ids[{_KINDS[collection]}]": ",".join(ids)}
        call = Call(operation="add_tracks", method="POST", route=_LIBRARY, query=query)
        await self._send(call, gate=gate)

    def _cannot(self, operation: str) -> PlatformError:
        message = "{label} lets no app remove anything: do it in the Music app."
        return self._http.error(PlatformRejected, message, operation=operation)

    async def _storefront(self) -> str:
        if not self._storefront_id:
            self._storefront_id = self._session.market.lower() or (await self.account()).market
        return self._storefront_id

    async def _search(self, text: str, *, operation: str, kind: str) -> tuple[Call, wire.SearchResults]:
        path = {"storefront": await self._storefront()}
        query: dict[str, str | int] = {"term": " ".join(text.split()), "types": kind, "limit": 25}
        call = Call(operation=operation, route="/catalog/{storefront}/search", path=path, query=query)
        return call, (await self._http.read(call, session=None, into=wire.SearchAnswer)).results

    async def _place(self, playlist_id: PlaylistId) -> tuple[str, dict[str, str]]:
        if not playlist_id.startswith("pl."):
            return _PLAYLIST, {"playlist_id": playlist_id}
        path = {"storefront": await self._storefront(), "playlist_id": playlist_id}
        return "/catalog/{storefront}/playlists/{playlist_id}", path

    async def _catalog_of(self, rows: Sequence[wire.Song]) -> dict[str, wire.Song]:
        """Look the songs up whose rows do not say their ISRC: library songs never do."""
        ids = {row.catalog_id: None for row in rows if row.catalog_id and not row.attributes.isrc}
        if not ids:
            return {}
        songs = await self._catalog_songs("read_catalog", {"ids": ",".join(ids)})
        return {song.id: song for song in songs}

    async def _catalog_songs(self, operation: str, query: dict[str, str | int]) -> list[wire.Song]:
        path = {"storefront": await self._storefront()}
        call = Call(operation=operation, route="/catalog/{storefront}/songs", path=path, query=query)
        return self._data(await self._http.read(call, session=None, into=_SONGS), call)

    async def _playlists(self) -> Pager[wire.Playlist]:
        call = _list("list_playlists", _PLAYLISTS, {})
        return self._counted(call, into=wire.Document[wire.Playlist])

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Song]:
        call = _list(operation, f"{_LIBRARY}/songs", {})
        if collection_of(playlist_id) is None:
            route, path = await self._place(playlist_id)
            call = _list(operation, f"{route}/tracks", path)
        return self._counted(call, into=_SONGS)

    async def _albums(self, *, operation: str) -> Pager[wire.LibraryAlbum]:
        call = structs.replace(_list(operation, f"{_LIBRARY}/albums", {}), query={"include": "catalog"})
        return self._counted(call, into=wire.Document[wire.LibraryAlbum])

    async def _listing(self, playlist_id: PlaylistId, *, operation: str) -> Listing[Any]:
        listing = await super()._listing(playlist_id, operation=operation)
        match collection_of(playlist_id):
            case Collection.LIKED:
                return structs.replace(listing, to_items=partial(self._to_items, are_saved=True))
            case Collection.ALBUMS:
                return structs.replace(listing, to_row=convert.to_album_row)
            case _:
                return listing

    async def _to_playlist(self, raw: wire.Playlist) -> Playlist:
        return convert.to_playlist(raw)

    async def _to_items(
        self, rows: Sequence[wire.Song], /, *, are_saved: bool = False
    ) -> tuple[SourceItem, ...]:
        catalog = await self._catalog_of(rows)
        to_item = convert.to_saved_item if are_saved else convert.to_item
        return tuple(to_item(row, catalog=catalog) for row in rows)

    async def _first(self, call: Call, *, into: type[wire.Document[T]]) -> T:
        return self._data(await self._read(call, into=into), call, at_least=1)[0]

    def _data(self, document: wire.Document[T], call: Call, *, at_least: int = 0) -> list[T]:
        if document.data is UNSET or len(document.data) < at_least:
            raise self._http.blank(call.operation)
        return document.data


def _list(operation: str, route: str, path: dict[str, str]) -> Call:
    """Return the call of a list; an empty one is worded as a 404."""
    return Call(operation=operation, route=route, path=path, nothing=("40403", b'{"data": []}'))


def _signer(settings: Settings, clock: Clock) -> Sign:
    developer = developer_token(settings, clock)

    def sign(tokens: TokenSet | None) -> Proof:
        headers = {"Authorization": f"Bearer {developer.current()}"}
        if tokens:
            headers["Music-User-Token"] = tokens.access_token
        return Proof(headers=headers)

    return sign


_KEYS = ("apple_music_team_id", "apple_music_key_id", "apple_music_private_key")

DECLARATION = Declaration(
    label="Apple Music",
    profile=PlatformProfile(
        platform=Platform.APPLE_MUSIC,
        scope="team",
        counted_by="apple_music_team_id",
        # Unpublished; 4 per second are borne, short bursts are not.
        pools={REQUESTS: Pool(limit=4, window_s=1.0)},
        concurrency=4,
        backoff_s=1.0,
        source="github.com/music-assistant/server pull request 5333",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.APPEND_AND_READ_BACK,
        isrc_batch=25,
        add_batch=50,
        has_albums=True,
        # The library, by name. An app can follow no artists, and is told of none that are favorites
        # (developer.apple.com/documentation/applemusicapi, read 2026-11-22).
        collections={
            one: Keeping(url=f"https://music.apple.com/library/{kind}", add_batch=_SAVE_BATCH, is_dated=False)
            for one, kind in _KINDS.items()
        },
        read_page=_PAGE,
        playlist_limit=None,
        # Of 1690 accepted tracks 1280 were to be seen at once (therealmarius/Spotify-2-AppleMusic#34).
        visibility_delay_s=30.0,
        reads_lag=True,
        beside={"read_items": ("read_catalog",)},  # rows of a library do not say their ISRC
    ),
    sign_in=SignInTerms(
        # About 180 days, told nowhere by Apple; a new password or the user's own hand ends it earlier.
        life_months=6,
        revoke_url="https://account.apple.com/",
        revoke_place="the account settings of the Music app, under 'Apps with Access'",
        source="github.com/music-assistant/support issue 5955",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=True,
        required=_KEYS,
        source="developer.apple.com/documentation/applemusicapi",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=_KEYS,
    build=AppleMusicAdapter,
    sign=_signer,
    refusals=_REFUSALS,
    browser=musickit,
    probe=Call(operation="probe", route="/storefronts", query={"limit": 1}),
)

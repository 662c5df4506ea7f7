"""Subsonic and OpenSubsonic servers (Navidrome, Gonic, Ampache, LMS …), which users run themselves.

Source: opensubsonic.netlify.app/docs and the source of Navidrome, read 2026-11-22. Every method is a GET,
writes too; where the server takes forms they are POSTs, so that no proof stands in an address.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from shared.address_guard import AddressGuard, Wording
from shared.errors import (
    AccountError,
    PlatformAnswerInvalid,
    PlatformDenied,
    PlatformError,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    ValidationFailed,
)
from shared.models import Account, Album, Artist, Isrc, Platform, Playlist, PlaylistId, Track, TrackId
from shared.platforms.absent import WithoutAlbumTracks
from shared.platforms.answers import ABSENT, Refusal
from shared.platforms.base import (
    ADDED,
    Added,
    Capabilities,
    Gate,
    PlaylistPage,
    Session,
    TargetView,
    TextQuery,
    WriteClass,
)
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.drafts import draft_title, parts_of
from shared.platforms.http import PlatformHttp
from shared.platforms.library import Library, Shelf, scan
from shared.platforms.own_servers import LOGIN_FORM, Login, place_of
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import Pager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.subsonic import convert, wire
from shared.settings import Settings, parse_networks

T = TypeVar("T", bound=wire.Head)
Into: TypeAlias = type[wire.Envelope[T]]
Fields: TypeAlias = Mapping[str, str | list[str]]

_PAGE = 500
_ADD_BATCH = 40  # so that an address stays below 2048 characters where ids have 32
_INDEX_BATCH = 80
_MOST_FOUND = 100  # of albums or artists: names are short, and many servers sort what they find by letters
_REPEATS = 2
_STARS = {Collection.LIKED: "id", Collection.ALBUMS: "albumId", Collection.ARTISTS: "artistId"}
_HEAD = wire.Envelope[wire.Head]
_PLAYLIST, _PLAYLISTS = wire.Envelope[wire.PlaylistAnswer], wire.Envelope[wire.PlaylistsAnswer]

_SHELVES: WeakKeyDictionary[PlatformHttp, Shelf] = WeakKeyDictionary()


class SubsonicAdapter(WithoutAlbumTracks, WebAdapter[Playlist, wire.Song]):
    """One account of one server."""

    platform = Platform.SUBSONIC
    track_id_of = staticmethod(convert.track_id_of)
    _to_item = staticmethod(convert.to_item)
    _to_target_row = staticmethod(convert.to_target_row)
    _to_album = staticmethod(convert.to_album)
    _to_artist = staticmethod(convert.to_artist)

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        super().__init__(http, session=session, capabilities=capabilities)
        self._shelf = _SHELVES.setdefault(http, Shelf())

    async def account(self) -> Account:
        await self._ask("account", "ping", into=_HEAD)
        user, place = await self._user(), place_of(self._session.server)
        # Ids mean something on this server only: its name stands where other platforms have a country.
        return Account(id=f"{user}@{place}", label=f"{user} at {place}", market=f"{user}@{place}")

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        if cursor is not None:
            raise ValidationFailed("The cursor is not one that an earlier page gave.")
        return await super().list_playlists()

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        # Asked for alone it comes with all of its songs.
        for playlist in await self._listed("get_playlist"):
            if playlist.id == playlist_id:
                return playlist
        raise self._http.error(PlatformNotFound, ABSENT, operation="get_playlist")

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        library = await self._library("find_by_isrc")
        return {isrc: library.with_isrc(isrc) if library else () for isrc in isrcs}

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        return await self._each(ids, self._track)

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = " ".join(filter(None, (query.title, query.artist))) or query.plain
        if not text.strip():
            return ()
        library = await self._library("search")
        if library:
            return library.search(text)
        return tuple(map(convert.to_track, await self._songs("search", text, count=20)))

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        # Some servers find an album by its artist too, others by its own name alone.
        for text in dict.fromkeys((f"{name} {artist}".strip(), name)):
            found = await self._found("search_albums", text, album=_MOST_FOUND)
            if albums := tuple(filter(None, map(convert.to_album, found.album))):
                return albums
        return ()

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        found = await self._found("search_artists", name, artist=_MOST_FOUND)
        return tuple(filter(None, map(convert.to_artist, found.artist)))

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # these servers know no such keys
        # No call takes both: until the second one the name holds the description, so that it can be found.
        whole = draft_title(name, description)
        made = await self._tell("create_playlist", "createPlaylist", {"name": whole}, gate, _PLAYLIST)
        raw = made.playlist if made.playlist.id != "" else await self._named(whole)
        user = await self._user()
        playlist = convert.to_playlist(raw, user=user, pages_url=self._pages_url(made))
        # It exists, whatever becomes of the second call: the first songs bring its name along again.
        with suppress(PlatformError, AccountError):
            words = {"playlistId": playlist.id, "name": name, "comment": description, "public": "false"}
            await self._change("change_playlist", words, gate)
        return playlist

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        words = await self._unfinished(playlist_id) if position == 0 else {}
        songs: list[str] = list(track_ids)
        await self._change("add_tracks", {"playlistId": playlist_id, **words, "songIdToAdd": songs}, gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        gone = set(track_ids)
        rows = await self._songs_in(playlist_id, operation="remove_tracks")
        places = [str(place) for place, row in enumerate(rows) if str(row.id) in gone]
        # From the end on, so that no place of a later call has moved.
        for end in range(len(places), 0, -_INDEX_BATCH):
            batch = places[max(0, end - _INDEX_BATCH) : end]
            await self._change("remove_tracks", {"playlistId": playlist_id, "songIndexToRemove": batch}, gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        with suppress(PlatformNotFound):
            await self._tell("delete_playlist", "deletePlaylist", {"id": playlist_id}, gate, _HEAD)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        try:
            await self._tell("add_tracks", "star", {_STARS[collection]: list(ids)}, gate, _HEAD)
        except PlatformNotFound as error:
            raise self._http.error(PlatformRejected, ABSENT, operation="add_tracks") from error

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        with suppress(PlatformNotFound):
            await self._tell("remove_tracks", "unstar", {_STARS[collection]: list(ids)}, gate, _HEAD)

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        if collection_of(playlist_id) is not None:
            return await super().read_target(playlist_id, offset=offset)
        rows = await self._songs_in(playlist_id, operation="read_target")
        return TargetView(rows=tuple(map(convert.to_target_row, rows[offset:])), total=len(rows))

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return convert.playlist_id_of(text, server=self._session.server)

    async def _user(self) -> str:
        tokens = await self._session.tokens()
        if tokens and (login := Login.of(tokens)).user:
            return login.user
        return (await self._ask("own_name", "tokenInfo", into=wire.Envelope[wire.KeyAnswer])).owner.username

    async def _listed(self, operation: str) -> list[Playlist]:
        answer = await self._ask(operation, "getPlaylists", into=_PLAYLISTS)
        user, pages_url = await self._user(), self._pages_url(answer)
        return [convert.to_playlist(one, user=user, pages_url=pages_url) for one in answer.playlists.playlist]

    async def _track(self, track_id: TrackId) -> Track:
        into = wire.Envelope[wire.SongAnswer]
        return convert.to_track((await self._ask("read_tracks", "getSong", {"id": track_id}, into=into)).song)

    def _pages_url(self, answer: wire.Head) -> str:
        return f"{self._session.server}/app/#/playlist/" if answer.type == "navidrome" else ""

    async def _named(self, whole: str) -> wire.Playlist:
        """Find a playlist that was just made: servers older than API 1.14 do not tell its id."""
        answer = await self._ask("create_playlist", "getPlaylists", into=_PLAYLISTS)
        for raw in answer.playlists.playlist:
            if raw.name == whole:
                return raw
        raise self._http.blank("create_playlist")

    async def _unfinished(self, playlist_id: PlaylistId) -> dict[str, str]:
        """Return name and comment of a playlist that has them in one still; nothing of any other."""
        answer = await self._ask("add_tracks", "getPlaylists", into=_PLAYLISTS)
        for raw in answer.playlists.playlist:
            name, description = parts_of(raw.name)
            if str(raw.id) == playlist_id and description:
                return {"name": name, "comment": description}
        return {}

    async def _songs_in(self, playlist_id: PlaylistId, *, operation: str) -> list[wire.Song]:
        for _ in range(1 + _REPEATS):
            answer = await self._ask(operation, "getPlaylist", {"id": playlist_id}, into=_PLAYLIST)
            if answer.playlist.entry or not answer.playlist.song_count:
                return answer.playlist.entry
        raise self._http.blank(operation)

    async def _playlists(self) -> Pager[Playlist]:
        operation = "list_playlists"
        return self._cut(lambda: self._listed(operation), operation=operation, at_once=True)

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Song]:
        if collection_of(playlist_id) is not None:
            return self._starred(lambda starred: starred.song, operation=operation)
        return self._cut(lambda: self._songs_in(playlist_id, operation=operation), operation=operation)

    async def _albums(self, *, operation: str) -> Pager[wire.Album]:
        return self._starred(lambda starred: starred.album, operation=operation)

    async def _artists(self, *, operation: str) -> Pager[wire.ArtistHead]:
        return self._starred(lambda starred: starred.artist, operation=operation)

    def _starred(self, of: Callable[[wire.Things], list[wire.AnyT]], *, operation: str) -> Pager[wire.AnyT]:
        async def read_all() -> list[wire.AnyT]:
            answer = await self._ask(operation, "getStarred2", into=wire.Envelope[wire.StarredAnswer])
            if answer.starred is None:
                raise self._http.blank(operation)
            return convert.newest_first(of(answer.starred))

        return self._cut(read_all, operation=operation, at_once=operation == "read_target")

    async def _to_playlist(self, raw: Playlist) -> Playlist:
        return raw

    def _description_of(self, raw: Playlist) -> str:
        return raw.description if raw.writable else ""

    async def _library(self, operation: str) -> Library | None:
        async def page(offset: int) -> list[tuple[Track, tuple[Isrc, ...]]]:
            songs = await self._songs(operation, "", count=_PAGE, offset=offset)
            return [(convert.to_track(one), convert.isrcs_of(one)) for one in songs]

        name = f"{await self._user()}@{self._session.server}"
        return await self._shelf.library(name, lambda: scan(page))

    async def _songs(self, operation: str, text: str, *, count: int, offset: int = 0) -> list[wire.Song]:
        found = await self._found(operation, text, song=count, offset=offset)
        return [one for one in found.song if not one.is_video]

    async def _found(self, operation: str, text: str, *, offset: int = 0, **counts: int) -> wire.Things:
        """Search. counts: how many of each kind are wanted at most; none of one that is not named."""
        wanted = {f"{kind}Count": str(counts.get(kind, 0)) for kind in ("song", "album", "artist")}
        query = {"query": text, "songOffset": str(offset), **wanted}
        return (await self._ask(operation, "search3", query, into=wire.Envelope[wire.SearchAnswer])).found

    async def _takes_forms(self) -> bool:
        known, server = self._shelf.takes_forms, self._session.server
        if server not in known:
            known[server] = "formPost" in await self._extensions()
        return known[server]

    async def _extensions(self) -> set[str]:
        """Return what the server can do beyond Subsonic; one that is older does not know the question."""
        try:
            into = wire.Envelope[wire.ExtensionsAnswer]
            answer = await self._ask("extensions", "getOpenSubsonicExtensions", into=into)
        except (PlatformNotFound, PlatformRejected, PlatformAnswerInvalid):
            return set()
        except PlatformUnavailable as error:
            if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:  # some have no better word for it
                raise
            return set()
        return {one.name for one in answer.extensions}

    async def _ask(
        self, operation: str, method: str, query: Mapping[str, str] | None = None, *, into: Into[T]
    ) -> T:
        call = Call(operation=operation, route=f"/rest/{method}.view", query=dict(query or {}))
        return (await self._read(call, into=into)).content

    async def _change(self, operation: str, fields: Fields, gate: Gate) -> None:
        await self._tell(operation, "updatePlaylist", fields, gate, _HEAD)

    async def _tell(self, operation: str, method: str, fields: Fields, gate: Gate, into: Into[T]) -> T:
        is_form = await self._takes_forms()
        call = Call(
            operation=operation,
            method="POST" if is_form else "GET",
            route=f"/rest/{method}.view",
            query={} if is_form else dict(fields),
            form=fields if is_form else None,
        )
        envelope = await self._http.write(call, session=self._session, gate=gate, into=into)
        return envelope.content


def _guard(settings: Settings) -> AddressGuard:
    return AddressGuard(
        parse_networks(settings.subsonic_allowed_networks),
        wording=Wording(
            example="https://music.example.org",
            setting="CROSSPLAY_SUBSONIC_ALLOWED_NETWORKS",
            no_login="Leave user and password out of the address: they have fields of their own.",
        ),
    )


DECLARATION = Declaration(
    label="Subsonic",
    profile=PlatformProfile(
        platform=Platform.SUBSONIC,
        scope="server",
        counted_by="",
        # None is published: a small machine at home shall serve its listeners meanwhile.
        pools={REQUESTS: Pool(limit=10, window_s=1.0)},
        concurrency=4,
        backoff_s=2.0,
        source="opensubsonic.netlify.app/docs/api-reference",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        # Replacing the whole list would have places, too, but loses what somebody else adds meanwhile.
        write_class=WriteClass.APPEND_AND_READ_BACK,
        # Some servers date all stars of one call alike, and some to the second.
        collections={one: Keeping(url=None, add_batch=1, remove_batch=1, apart_s=1.0) for one in Collection},
        isrc_batch=_PAGE,
        add_batch=_ADD_BATCH,
        remove_batch=_ADD_BATCH,
        read_page=_PAGE,
        playlist_limit=None,
        # Changes are transactions of the server's database.
        visibility_delay_s=1.0,
        reads_lag=False,
        beside={"create_playlist": ("change_playlist", "extensions")},  # what the server can do is asked once
        beside_first=("add_tracks",),  # whether the playlist has its name
    ),
    sign_in=SignInTerms(
        life_months=None,
        revoke_url="",
        revoke_place="the settings of your own server, by another password or without the API key",
        source="opensubsonic.netlify.app/docs/api-reference",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=False,
        reason="A Subsonic server shows its playlists to its own users alone: connect your account there.",
        source="opensubsonic.netlify.app/docs/api-reference",
        read_on="2026-11-22",
    ),
    playlist_id_of=lambda _: None,  # an address may be that of any server
    required=(),
    build=SubsonicAdapter,
    refusals=(
        Refusal(
            status=406,
            kind=PlatformDenied,
            message="This Subsonic server takes no such sign-in: use an API key in place of a password, or a "
            "password in place of a key.",
        ),
    ),
    sign=lambda _, __: convert.sign,
    form=LOGIN_FORM,
    reword=convert.reword,
    guard=_guard,
)

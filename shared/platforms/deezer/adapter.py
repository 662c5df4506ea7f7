"""Deezer: which call does what. What is public needs no account; accounts need an app of the old days.

Source: calls and answers recorded by others (browniebroke/deezer-python, zaosoula/deezer-public-api), and
what they wrote about them, read 2026-11-22. Refusals come with status 200, see convert.reworded.
"""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

from msgspec import UNSET, structs

from shared.errors import AccountError, PlatformDenied, PlatformError, PlatformNotFound, PlatformRejected
from shared.models import (
    Account,
    Album,
    Artist,
    Isrc,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.answers import Refusal
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.deezer import convert, wire
from shared.platforms.drafts import draft_title, parts_of
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp, query_signer
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import Pager, RawPage
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.values import bare, fielded, playable
from shared.settings import Settings

T = TypeVar("T")

_PAGE = 100
_SEARCH_PAGE = 25
_NAMES = ("index", "limit")
_PLAYLIST, _TRACKS = "/playlist/{playlist_id}", "/playlist/{playlist_id}/tracks"
_KINDS = {Collection.LIKED: "track", Collection.ALBUMS: "album", Collection.ARTISTS: "artist"}
_BATCH = 50
_OWN_PAGES = "https://www.deezer.com/profile/me/"

_REFUSALS = (
    Refusal(
        status=403,
        operation="read_items",
        kind=PlatformDenied,
        message="This Deezer playlist is private: make it public, or connect the account that owns it.",
    ),
    Refusal(
        status=409,
        kind=PlatformRejected,
        message="Deezer takes no track twice: one of these stands in the playlist already.",
    ),
    Refusal(status=413, kind=PlatformRejected, message="This list is full: Deezer takes no more into it."),
)


class DeezerAdapter(WebAdapter[wire.Playlist, wire.Track]):
    """One Deezer account, or nobody's: then what is public is read."""

    platform = Platform.DEEZER
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_album = staticmethod(convert.to_album)
    _to_artist = staticmethod(convert.to_artist)
    _to_target_row = staticmethod(convert.to_target_row)
    _user_id: int | None = None

    async def account(self) -> Account:
        return convert.to_account(await self._me())

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        head = await self._raw_head(playlist_id)
        return convert.to_playlist(head, user_id=await self._own_id())

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        found = {}
        for isrc in isrcs:
            raw = await self._track(f"isrc:{isrc}", operation="find_by_isrc")
            found[isrc] = convert.to_candidates([raw]) if raw else ()
        return found

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        return await self._each(ids, self._playable)

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = fielded(query, form='artist:"{artist}" track:"{title}"')
        if not text:
            return ()
        return convert.to_candidates(await self._search(text, kind="track", into=wire.Listing[wire.Track]))

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        text = f'artist:"{bare(artist)}" album:"{bare(name)}"'
        rows = await self._search(text, kind="album", into=wire.Listing[wire.Album])
        return tuple(filter(None, map(convert.to_album, rows)))

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        rows = await self._search(bare(name), kind="artist", into=wire.Listing[wire.Artist])
        return tuple(filter(None, map(convert.to_artist, rows)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        path = {"album_id": album.id}
        # A search does not tell an album's date, nor do its rows.
        call = Call(operation="read_album_head", route="/album/{album_id}", path=path)
        head = await self._read(call, into=wire.Album)
        call = Call(operation="read_album", route="/album/{album_id}/tracks", path=path)
        pager = self._counted(call, into=wire.Listing[wire.Track], names=_NAMES)
        return convert.to_album_tracks([row async for row in pager.rows()], album=head)

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # Deezer knows no such keys
        query = {"title": draft_title(name, description)}  # no call takes both
        call = Call(operation="create_playlist", method="POST", route="/user/me/playlists", query=query)
        made = await self._http.write(call, session=self._session, gate=gate, into=wire.Created)
        with suppress(PlatformError, AccountError):  # it exists, whatever becomes of its name now
            await self._finish(PlaylistId(str(made.id)), name, description=description, gate=gate)
        raw = wire.Playlist(id=made.id, title=name, description=description, nb_tracks=0)
        return structs.replace(convert.to_playlist(raw, user_id=None), writable=True)

    async def find_playlist(self, marker: str) -> Playlist | None:
        rows = [raw async for raw in (await self._playlists()).rows()]
        for raw in rows:
            if marker in self._description_of(raw):
                return await self._to_playlist(raw)
        for raw in rows:  # lists do not tell descriptions
            head = await self._raw_head(PlaylistId(str(raw.id))) if raw.description is UNSET else raw
            if marker in (head.description or ""):
                return await self._to_playlist(head)
        return None

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key  # Deezer knows no such keys, and can only append
        if position == 0:
            await self._finish_draft(playlist_id, gate=gate)
        await self._send(_change("add_tracks", "POST", playlist_id, track_ids), gate=gate)
        return ADDED

    async def _finish_draft(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        name, description = parts_of((await self._raw_head(playlist_id)).title or "")
        if description:
            with suppress(PlatformRejected):  # which would speak of the tracks
                await self._finish(playlist_id, name, description=description, gate=gate)

    async def _finish(self, playlist_id: PlaylistId, name: str, *, description: str, gate: Gate) -> None:
        """Give a playlist its name; until then it is public, too."""
        path, query = {"playlist_id": playlist_id}, {"title": name, "description": description}
        query["public"] = "false"
        call = Call(operation="describe_playlist", method="POST", route=_PLAYLIST, path=path, query=query)
        await self._send(call, gate=gate)

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        await self._send(_change("remove_tracks", "DELETE", playlist_id, track_ids), gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        try:
            await self._send(_favor("POST", collection, ids), gate=gate)
        except PlatformNotFound as error:  # of what is added: the list itself is always there
            message = f"Deezer no longer has this {_KINDS[collection]}."
            raise self._http.error(PlatformRejected, message, operation="add_tracks") from error
        except PlatformRejected as error:
            # It stands there already; among several it may keep the others out, as in playlists.
            if error.status != HTTPStatus.CONFLICT or len(ids) > 1:
                raise

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        await self._delete(_favor("DELETE", collection, ids), gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        path = {"playlist_id": playlist_id}
        call = Call(operation="delete_playlist", method="DELETE", route=_PLAYLIST, path=path)
        await self._delete(call, gate=gate)

    async def _me(self) -> wire.User:
        return await self._read(Call(operation="account", route="/user/me"), into=wire.User)

    async def _own_id(self) -> int | None:
        if self._user_id is None and self._session.is_personal:
            self._user_id = (await self._me()).id
        return self._user_id

    async def _raw_head(self, playlist_id: PlaylistId) -> wire.Playlist:
        call = Call(operation="get_playlist", route=_PLAYLIST, path={"playlist_id": playlist_id})
        return await self._read(call, into=wire.Playlist)

    async def _track(self, name: str, *, operation: str) -> wire.Track | None:
        path, nothing = {"track_id": name}, ("no data", b"null")
        call = Call(operation=operation, route="/track/{track_id}", path=path, nothing=nothing)
        return await self._read(call, into=wire.Track | None)  # type: ignore[arg-type]  # a union is no type to mypy

    async def _playable(self, track_id: TrackId) -> Track | None:
        raw = await self._track(track_id, operation="read_tracks")
        return next(iter(playable(convert.to_candidates([raw]))), None) if raw else None

    async def _told(self, row: wire.Track) -> wire.Track:
        raw = await self._track(str(row.id), operation="read_catalog")
        return structs.replace(row, isrc=raw.isrc) if raw else row

    async def _search(self, text: str, *, kind: str, into: type[wire.Listing[T]]) -> list[T]:
        operation = "search" if kind == "track" else f"search_{kind}s"
        call = Call(operation=operation, route=f"/search/{kind}", query={"q": text, "limit": _SEARCH_PAGE})
        answer = await self._read(call, into=into)
        if answer.data is UNSET:
            raise self._http.blank(call.operation)
        return answer.data

    async def _send(self, call: Call, *, gate: Gate) -> None:
        """Send once. Deezer says `true` for what it did."""
        is_done = await self._http.write(call, session=self._session, gate=gate, into=bool)
        if not is_done:
            raise self._http.blank(call.operation)

    async def _playlists(self) -> Pager[wire.Playlist]:
        call = Call(operation="list_playlists", route="/user/me/playlists")
        return self._counted(call, into=wire.Listing[wire.Playlist], names=_NAMES)

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Track]:
        if collection_of(playlist_id) is not None:
            return self._newest_first(Call(operation=operation, route="/user/me/tracks"))
        call = Call(operation=operation, route=_TRACKS, path={"playlist_id": playlist_id})
        return self._counted(call, into=wire.Listing[wire.Track], names=_NAMES)

    def _newest_first(self, call: Call) -> Pager[wire.Track]:
        """Read a list from its end, where what was added last stands, by its length and then a part of it.

        Source: SavingFrame/deezer-dlna-player, Valentin271/DeezerKodi pull request 18, read 2026-11-28.
        """

        async def part(index: int, limit: int) -> RawPage[wire.Track]:
            page = structs.replace(call, query={"index": index, "limit": limit})
            return (await self._read(page, into=wire.Listing[wire.Track])).page(limit)

        async def fetch(offset: int, limit: int) -> RawPage[wire.Track]:
            first = await part(0, 1)
            end = (first.total or 0) - offset
            if end <= 0:
                return structs.replace(first, rows=(), next_url=None)
            start = max(0, end - limit)
            page = await part(start, end - start)
            is_moved = page.total != first.total  # the rows stand elsewhere by now
            return structs.replace(
                page, rows=page.rows[::-1], limit=limit, next_url=None, is_blank=page.is_blank or is_moved
            )

        return self._pager(fetch, operation=call.operation)

    async def _albums(self, *, operation: str) -> Pager[wire.Album]:
        call = Call(operation=operation, route="/user/me/albums")
        return self._counted(call, into=wire.Listing[wire.Album], names=_NAMES)

    async def _artists(self, *, operation: str) -> Pager[wire.Artist]:
        call = Call(operation=operation, route="/user/me/artists")
        return self._counted(call, into=wire.Listing[wire.Artist], names=_NAMES)

    async def _to_playlist(self, raw: wire.Playlist) -> Playlist | None:
        """Return one of the listed playlists; the account's loved tracks among them are the collection."""
        own_id = await self._own_id()
        is_own = raw.creator is not None and raw.creator.id == own_id
        return None if raw.is_loved_track and is_own else convert.to_playlist(raw, user_id=own_id)

    def _description_of(self, raw: wire.Playlist) -> str:
        return raw.title or ""  # lists tell no more; see `create_playlist`

    async def _to_items(self, rows: Sequence[wire.Track]) -> tuple[SourceItem, ...]:
        # Until 2023 rows had no ISRC; where one lacks it, the track itself is asked.
        told = [row if row.isrc or row.id <= 0 else await self._told(row) for row in rows]
        return tuple(map(convert.to_item, told))


def _change(operation: str, method: str, playlist_id: PlaylistId, track_ids: Sequence[TrackId]) -> Call:
    path, query = {"playlist_id": playlist_id}, {"songs": ",".join(track_ids)}
    return Call(operation=operation, method=method, route=_TRACKS, path=path, query=query)


def _favor(method: str, collection: Collection, ids: Sequence[TrackId]) -> Call:
    """Name one by `album_id`, several by `album_ids`; only additions take several.

    Source: bbye98/minim src/minim/api/deezer/_api/users.py, read 2026-11-28.
    """
    kind, operation = _KINDS[collection], "add_tracks" if method == "POST" else "remove_tracks"
    query = {f"{kind}_id{'s' if len(ids) > 1 else ''}": ",".join(ids)}
    return Call(operation=operation, method=method, route=f"/user/me/{kind}s", query=query)


def _oauth(settings: Settings) -> OAuthApp:
    return OAuthApp(
        client_id=settings.deezer_app_id,
        client_secret=settings.deezer_app_secret,
        authorize_url=settings.deezer_accounts_url.rstrip("/") + "/oauth/auth.php",
        base_url=settings.deezer_accounts_url,
        token_route="/oauth/access_token.php",  # noqa: S106 - an address, no secret
        scopes=("basic_access", "offline_access", "manage_library", "delete_library"),
        names={"client_id": "app_id", "client_secret": "secret", "scope": "perms"},
        scope_joint=",",
        has_pkce=False,
        proves_by_form=True,
        swaps_by_query=True,
        token_extras={"output": "json"},
        reword=convert.reworded_token,
    )


DECLARATION = Declaration(
    label="Deezer",
    profile=PlatformProfile(
        platform=Platform.DEEZER,
        scope="ip",
        counted_by="deezer_ip_name",
        pools={REQUESTS: Pool(limit=50, window_s=5.0), SIGN_IN: Pool(limit=50, window_s=5.0)},
        prices=SIGN_IN_PRICES,
        concurrency=4,
        backoff_s=5.0,
        source="github.com/miraclx/freyr-js issue 32",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.APPEND_AND_READ_BACK,
        has_fielded_search=True,
        has_albums=True,
        collections={
            # One call dates all its tracks alike, to the second.
            Collection.LIKED: Keeping(url=f"{_OWN_PAGES}loved", add_batch=1, remove_batch=1, apart_s=1.0),
            Collection.ALBUMS: Keeping(
                url=f"{_OWN_PAGES}albums", add_batch=_BATCH, remove_batch=1, is_dated=False
            ),
            Collection.ARTISTS: Keeping(
                url=f"{_OWN_PAGES}artists", add_batch=_BATCH, remove_batch=1, is_dated=False
            ),
        },
        isrc_batch=1,
        add_batch=_BATCH,
        remove_batch=_BATCH,
        read_page=_PAGE,
        playlist_limit=2000,
        keeps_repeats=False,
        # Nobody has measured it; a few seconds cost little, a blind repetition is refused.
        visibility_delay_s=5.0,
        reads_lag=False,
        beside={"create_playlist": ("describe_playlist",), "read_album": ("read_album_head",)},
        beside_first=("get_playlist",),  # whether it has its name
    ),
    sign_in=SignInTerms(
        life_months=None,  # with `offline_access` a token has no end
        revoke_url="https://www.deezer.com/account/apps",
        revoke_place="your Deezer account settings, under 'My linked apps'",
        source="github.com/browniebroke/deezer-python src/deezer/auth.py",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=True,
        source="zaosoula/deezer-public-api test/fixtures: playlists and tracks, read without a key",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=(),
    required_to_connect=("deezer_app_id", "deezer_app_secret"),
    connect_note=" Deezer has given out no new app keys since 2024. Public playlists need none.",
    build=DeezerAdapter,
    sign=lambda _, __: query_signer("access_token"),
    refusals=_REFUSALS,
    oauth=_oauth,
    reword=convert.reworded,
)

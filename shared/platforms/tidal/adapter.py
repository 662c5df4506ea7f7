"""TIDAL: which call does what, in the official API v2.

Source: TIDAL's OpenAPI file 1.10.104 and what others observed, read 2026-11-22. Pages have 20 rows.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from msgspec import structs

from shared.errors import PlatformDenied, PlatformRejected, PlatformUnavailable
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
from shared.platforms.answers import Refusal, lacking_scope
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TargetRow, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of, head_of
from shared.platforms.declaration import Declaration
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp
from shared.platforms.paged import Listing, WebAdapter
from shared.platforms.paging import CursorPager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, Price, PublicReads, SignInTerms
from shared.platforms.tidal import convert, wire
from shared.platforms.values import by_isrc, in_batches
from shared.settings import Settings

_MOST_VALUES = 20  # of one filter; observed, not in the OpenAPI file
_MOST_ITEMS = 50  # of one write
_ITEMS = "/playlists/{id}/relationships/items"
_KEPT_SCOPES = ("collection.read", "collection.write")
_KINDS = {Collection.LIKED: "tracks", Collection.ALBUMS: "albums", Collection.ARTISTS: "artists"}

_REFUSALS = (
    Refusal(
        status=409,
        word="idempotent_request_in_progress",
        kind=PlatformUnavailable,  # what the write does is not known yet
        message="{label} is still at work on this; it will be looked at again.",
    ),
    Refusal(
        status=409,
        word="too_many_items_in_collection",
        kind=PlatformDenied,
        message="This collection is full at {label}: remove something from it there, then go on.",
    ),
    lacking_scope(),
)


class TidalAdapter(WebAdapter[wire.Row, wire.Row]):
    """One TIDAL account."""

    platform = Platform.TIDAL
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_album = staticmethod(convert.to_album)
    _to_artist = staticmethod(convert.to_artist)

    async def account(self) -> Account:
        return convert.to_account(await self._single("account", "/users/me", {}))

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        collection = collection_of(playlist_id)
        if collection is None:
            return await self._head(playlist_id)
        raw = await self._single("get_playlist", _route_of(collection), {})  # lists do not tell their lengths
        keeping = self.capabilities.collections[collection]
        return head_of(collection, keeping, track_count=raw.attributes.number_of_items)

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        raw = await self._single("get_playlist", "/playlists/{id}", {"include": "owners"}, id=playlist_id)
        if not self._session.is_personal:
            return convert.to_playlist(raw, is_own=False)
        account = await self.account()
        is_own = any(one.id == account.id for one in convert.identifiers(raw, "owners"))
        return convert.to_playlist(raw, owner=account.label if is_own else None, is_own=is_own)

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        # One ISRC brings all its tracks, several bring one for each.
        tracks = await self._tracks("find_by_isrc", {"filter[isrc]": ",".join(isrcs)})
        return by_isrc(tracks, isrcs=isrcs)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        found = {}
        for batch in in_batches(list(dict.fromkeys(ids)), size=_MOST_VALUES):
            tracks = await self._tracks("read_tracks", {"filter[id]": ",".join(batch)})
            found.update({track.id: track for track in tracks})
        return found

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        include = "tracks.artists,tracks.albums"
        return convert.to_tracks(await self._found("search", query.plain, "tracks", include=include))

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        rows = await self._found("search_albums", f"{name} {artist}", "albums", include="albums.artists")
        return tuple(filter(None, map(convert.to_album, rows)))

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        rows = await self._found("search_artists", name, "artists", include="artists")
        return tuple(filter(None, map(convert.to_artist, rows)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        query: dict[str, str | int] = {"include": "items.artists", **self._country()}
        pager = self._pager_of("read_album", "/albums/{id}/relationships/items", query, id=album.id)
        tracks = [convert.to_album_track(row, album=album) async for row in pager.rows()]
        return tuple(filter(None, tracks))

    async def _found(self, operation: str, text: str, kind: str, *, include: str) -> list[wire.Row]:
        text = " ".join(text.split())[:256].strip()
        if not text:
            return []
        asked = {"filter[query]": text, "include": include, **self._country()}
        # A collection of one resource, to which what was found is related.
        rows = (await self._pager_of(operation, "/searchResults", asked).page(None)).rows
        return [(raw, shelf) for one, shelf in rows for raw in convert.related(one, kind, shelf=shelf)]

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        attributes = {"name": name, "description": description, "accessType": "UNLISTED"}
        made = {"type": "playlists", "attributes": attributes}
        call = _write("create_playlist", "POST", "/playlists", data=made, key=key)
        answer = await self._http.write(call, session=self._session, gate=gate, into=wire.Single)
        return convert.to_playlist(answer.data)

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del position  # rows can be put before one that is named, not at a number
        rows = [{"type": "tracks", "id": track_id} for track_id in track_ids]
        call = _write("add_tracks", "POST", _ITEMS, data=rows, key=key, id=playlist_id)
        answer = await self._http.write(call, session=self._session, gate=gate, into=wire.Added)
        added = convert.added_of(answer, asked=track_ids)
        if added is None:
            message = "TIDAL told of fewer tracks than it was given; it is read back what has arrived."
            raise self._http.error(PlatformUnavailable, message, operation=call.operation)
        return added

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        # Rows are removed by the ids of their occurrences, which only a reading tells.
        doomed = [
            {"type": row.type, "id": row.id, "meta": {"itemId": row.meta["itemId"]}}
            async for row, _ in (await self._rows(playlist_id, operation="read_target")).rows()
            if row.type == "tracks" and row.id in track_ids and row.meta and row.meta.get("itemId")
        ]
        for batch in in_batches(doomed, size=_MOST_ITEMS):
            call = _write("remove_tracks", "DELETE", _ITEMS, data=batch, id=playlist_id)
            await self._send(call, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        call = _write("delete_playlist", "DELETE", "/playlists/{id}", id=playlist_id)
        await self._delete(call, gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> Added:
        # Rows of one date have no order, and their pages leave some out, as others saw (read 2026-11-28).
        rows = convert.dated_rows(ids, kind=_KINDS[collection], since=self._http.now())
        call = _write("add_tracks", "POST", f"{_route_of(collection)}/relationships/items", data=rows)
        try:
            answer = await self._http.write(call, session=self._session, gate=gate, into=wire.Added)
        except PlatformRejected as error:
            # One that stands there already refuses them all; alone it is as it should be.
            if error.status != HTTPStatus.CONFLICT or len(ids) > 1:
                raise
            return ADDED
        return convert.kept_of(answer, asked=ids)

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        rows = [{"type": _KINDS[collection], "id": own_id} for own_id in ids]
        call = _write("remove_tracks", "DELETE", f"{_route_of(collection)}/relationships/items", data=rows)
        await (self._delete if len(ids) == 1 else self._send)(call, gate=gate)

    def _country(self) -> dict[str, str | int]:
        return {"countryCode": self._session.market.upper()} if self._session.market else {}

    async def _single(
        self, operation: str, route: str, query: dict[str, str | int], **path: str
    ) -> wire.Resource:
        call = Call(operation=operation, route=route, path=path, query=query)
        return (await self._read(call, into=wire.Single)).data

    async def _tracks(self, operation: str, which: dict[str, str | int]) -> tuple[Track, ...]:
        query = {**which, "include": "artists,albums", **self._country()}
        return convert.to_tracks((await self._pager_of(operation, "/tracks", query).page(None)).rows)

    async def _playlists(self) -> CursorPager[wire.Row]:
        return self._pager_of("list_playlists", "/playlists", {"filter[owners.id]": "me"})

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> CursorPager[wire.Row]:
        if collection_of(playlist_id) is Collection.LIKED:
            return self._kept(Collection.LIKED, operation, include="items.artists,items.albums")
        query: dict[str, str | int] = {}
        if operation == "read_items":
            query["include"] = "items.artists,items.albums"
        if not self._session.is_personal:  # nobody's calls do not tell where they come from
            query |= self._country()
        return self._pager_of(operation, _ITEMS, query, id=playlist_id)

    async def _albums(self, *, operation: str) -> CursorPager[wire.Row]:
        return self._kept(Collection.ALBUMS, operation, include="items.artists")

    async def _artists(self, *, operation: str) -> CursorPager[wire.Row]:
        return self._kept(Collection.ARTISTS, operation, include="items")

    def _kept(self, collection: Collection, operation: str, *, include: str) -> CursorPager[wire.Row]:
        along: dict[str, str | int] = {"include": include} if operation == "read_items" else {}
        route = f"{_route_of(collection)}/relationships/items"
        return self._pager_of(operation, route, {"sort": "-addedAt", **along})

    async def _listing(self, playlist_id: PlaylistId, *, operation: str) -> Listing[Any]:
        # Nothing comes along with the rows of a target, which their own ids tell.
        listing = await super()._listing(playlist_id, operation=operation)
        return structs.replace(listing, to_row=self._to_target_row)

    def _pager_of(
        self, operation: str, route: str, query: dict[str, str | int], **path: str
    ) -> CursorPager[wire.Row]:
        call = Call(operation=operation, route=route, path=path, query=query)
        return self._linked(call, into=wire.Collection, at=lambda token: {"page[cursor]": token})

    async def _to_playlist(self, raw: wire.Row) -> Playlist:
        return convert.to_playlist(raw[0])

    def _description_of(self, raw: wire.Row) -> str:
        return raw[0].attributes.description or ""

    async def _to_items(self, rows: Sequence[wire.Row]) -> tuple[SourceItem, ...]:
        return tuple(convert.to_item(row, shelf=shelf) for row, shelf in rows)

    def _to_target_row(self, raw: wire.Row) -> TargetRow:
        return TargetRow(track_id=TrackId(raw[0].id))


def _route_of(collection: Collection) -> str:
    return f"/userCollection{_KINDS[collection].capitalize()}/me"


def _write(name: str, method: str, route: str, *, data: object = None, key: str = "", **path: str) -> Call:
    return Call(
        operation=name,
        method=method,
        route=route,
        path=path,
        body=None if data is None else {"data": data},
        media_type="application/vnd.api+json",
        headers={"Idempotency-Key": key} if key else {},
    )


def _oauth(settings: Settings) -> OAuthApp:
    return OAuthApp(
        client_id=settings.tidal_client_id,
        client_secret=settings.tidal_client_secret,
        authorize_url=settings.tidal_login_url.rstrip("/") + "/authorize",
        base_url=settings.tidal_auth_url,
        token_route="/v1/oauth2/token",  # noqa: S106 - an address, no secret
        scopes=("user.read", "playlists.read", "playlists.write", *_KEPT_SCOPES, "search.read"),
    )


DECLARATION = Declaration(
    label="TIDAL",
    profile=PlatformProfile(
        platform=Platform.TIDAL,
        scope="app",
        counted_by="tidal_client_id",
        pools={
            # Tokens of a bucket: 10 at once, one more each second (headers seen in 2025-02).
            REQUESTS: Pool(limit=60, window_s=60.0, burst=10),
            SIGN_IN: Pool(limit=30, window_s=60.0),
        },
        # An album with four related kinds cost 5 tokens; so each kind is taken to cost one more.
        prices={
            "get_playlist": Price(cost=2),
            "read_items": Price(cost=4),
            "find_by_isrc": Price(cost=3),
            "read_tracks": Price(cost=3),
            "search": Price(cost=4),
            "search_albums": Price(cost=3),
            "search_artists": Price(cost=2),
            "read_album": Price(cost=3),
            **SIGN_IN_PRICES,
        },
        concurrency=4,
        backoff_s=5.0,
        source="github.com/kellnerd/harmony pull request 84",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.IDEMPOTENCY_KEY,
        proves_adds=True,
        has_albums=True,
        collections={
            collection: Keeping(
                url=f"https://tidal.com/my-collection/{kind}",
                add_batch=_MOST_ITEMS,
                remove_batch=_MOST_ITEMS,
                apart_s=_MOST_ITEMS / 1000,  # the rows of a batch are dated a millisecond apart
                scope=_KEPT_SCOPES[0],
            )
            for collection, kind in _KINDS.items()
        },
        isrc_batch=_MOST_VALUES,
        add_batch=_MOST_ITEMS,
        remove_batch=_MOST_ITEMS,
        read_page=20,
        playlist_limit=None,
        # "Your own subsequent reads reflect the change"; a write whose answer was lost may still be at work.
        visibility_delay_s=2.0,
        reads_lag=False,
        key_life_s=3000.0,  # of an hour, less what a send may wait for its turn
        beside={"get_playlist": ("account",)},  # whose it is, is told by the id of the account alone
    ),
    sign_in=SignInTerms(
        life_months=None,
        revoke_url="https://account.tidal.com/",
        revoke_place="your account page at TIDAL",
        source="TIDAL's OpenAPI file 1.10.104, which tells no end",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=True,
        required=("tidal_client_id", "tidal_client_secret"),
        has_app_tokens=True,
        source="TIDAL's OpenAPI file 1.10.104: client credentials read the catalog and public playlists",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=("tidal_client_id",),
    build=TidalAdapter,
    refusals=_REFUSALS,
    oauth=_oauth,
)

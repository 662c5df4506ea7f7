"""SoundCloud's official API: which call does what.

Source: SoundCloud's OpenAPI file of 2026-07-19, developers.soundcloud.com/docs/api and the issues of
github.com/soundcloud/api, read 2026-11-22. There is no call that adds a track to a playlist or takes one
out: every change sends the whole list, and what is not in it is lost.
"""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from shared.errors import PlatformDenied, PlatformNotFound, PlatformRejected
from shared.models import Account, Artist, Platform, Playlist, PlaylistId, Track, TrackId
from shared.platforms.absent import WithoutAlbums, WithoutIsrcs
from shared.platforms.answers import Refusal
from shared.platforms.base import ADDED, Added, Capabilities, Gate, Page, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp, signer
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import CursorPager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.soundcloud import convert, wire
from shared.platforms.values import in_batches
from shared.settings import Settings

_PAGE = 50
_LONGEST_LIST = 500
_ALL = "playable,preview,blocked"  # without it blocked tracks are left out, and a PUT would delete them
_LINKED = {"linked_partitioning": "true"}
_PLAYLIST = "/playlists/{playlist_id}"
_TRACKS = wire.Collection[wire.Track]
_KEPT = {
    Collection.LIKED: ("POST", "/likes/tracks/{urn}"),
    Collection.ARTISTS: ("PUT", "/me/followings/{urn}"),
}

_REFUSALS = (
    Refusal(
        status=422,
        kind=PlatformRejected,
        message="SoundCloud does not take one of these tracks into a playlist.",
        operation="add_tracks",
    ),
    Refusal(
        status=422,
        kind=PlatformRejected,
        # The number: github.com/soundcloud/api, issue 479, read 2026-11-28.
        message="SoundCloud does not let the account follow this one; it follows 2,000 at most.",
        operation="save",
    ),
    Refusal(status=404, kind=PlatformRejected, message="SoundCloud no longer has it.", operation="save"),
)


class SoundCloudAdapter(WithoutIsrcs, WithoutAlbums, WebAdapter[wire.Playlist | None, wire.Track | None]):
    """One SoundCloud account. Ids are URNs; `get_playlist` and `read_tracks` take share addresses too."""

    platform = Platform.SOUNDCLOUD
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_item = staticmethod(convert.to_item)
    _to_target_row = staticmethod(convert.to_target_row)
    _to_artist = staticmethod(convert.to_artist)
    _user: wire.User | None = None

    async def account(self) -> Account:
        return convert.to_account(await self._me())

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        urn = await self._resolved(playlist_id, kind="playlists")
        head = await self._raw_head(PlaylistId(urn), operation="get_playlist")
        return convert.to_playlist(head, user=await self._own())

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        """Read one page. Tracks that SoundCloud counts and never shows stand for themselves at the end."""
        if collection_of(playlist_id) is not None:
            return await super().read_items(playlist_id, cursor=cursor)
        page = await (await self._rows(playlist_id, operation="read_items")).page(cursor)
        items = await self._to_items(page.rows)
        if page.next_cursor is not None:
            return Page(items=items, next_cursor=page.next_cursor, total=None)
        hidden_count = await self._hidden_count(playlist_id, shown_count=page.passed_count)
        hidden = (convert.to_item(None),) * hidden_count
        return Page(items=items + hidden, next_cursor=None, total=None)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        found: dict[TrackId, Track] = {}
        urns = [track_id for track_id in dict.fromkeys(ids) if convert.address_of(track_id) is None]
        for batch in in_batches(urns, size=_PAGE):
            pager = self._catalog("read_tracks", {"urns": ",".join(batch), "limit": _PAGE})
            async for raw in pager.rows():
                track = convert.to_track(raw) if raw else None
                if track is not None and track.is_playable is None and track.id in batch:
                    found[track.id] = track
        for address in dict.fromkeys(ids):
            if convert.address_of(address) is not None and (track := await self._track_at(address)):
                found[address] = track
        return found

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = query.plain.strip()
        if not text:
            return ()
        page = await self._catalog("search", {"q": text[:200], "limit": 20}).page(None)
        return tuple(filter(None, (convert.to_track(raw) for raw in page.rows if raw)))

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        """Search users; one who has uploaded nothing is no artist, but may bear the name of one."""
        query: dict[str, str | int] = {"q": name.strip()[:200], "limit": 20, **_LINKED}
        users = await self._users("search_artists", "/users", query).page(None)
        return tuple(
            filter(None, (convert.to_artist(one) for one in users.rows if one and one.track_count != 0))
        )

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # SoundCloud knows no such keys
        body = {"playlist": {"title": name, "description": description, "sharing": "private"}}
        call = Call(operation="create_playlist", method="POST", route="/playlists", body=body)
        raw = await self._http.write(call, session=self._session, gate=gate, into=wire.Playlist)
        return convert.to_playlist(raw, user=raw.user or wire.User())

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        """Insert tracks at a position, by a new list of all: those that others have added stay.

        Raises PlatformRejected where the list is shorter than that, so that nothing is lost which does not
        show yet, and PlatformDenied where tracks are counted that do not show at all.
        """
        del key
        whole = await self._whole(playlist_id, operation="add_tracks")
        if position > len(whole):
            message = f"The playlist shows {len(whole)} tracks, {position} were expected."
            raise self._http.error(PlatformRejected, message, operation="add_tracks")
        new = [*whole[:position], *track_ids, *whole[position:]]
        await self._replace(playlist_id, new, operation="add_tracks", gate=gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        whole = await self._whole(playlist_id, operation="remove_tracks")
        left = [track_id for track_id in whole if track_id not in track_ids]
        if len(left) < len(whole):
            await self._replace(playlist_id, left, operation="remove_tracks", gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        path = {"playlist_id": playlist_id}
        call = Call(operation="delete_playlist", method="DELETE", route=_PLAYLIST, path=path)
        await self._delete(call, gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        method, route = _KEPT[collection]
        call = Call(operation="save", method=method, route=route, path={"urn": ids[0]})
        await self._send(call, gate=gate)

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        _, route = _KEPT[collection]
        call = Call(operation="remove_tracks", method="DELETE", route=route, path={"urn": ids[0]})
        await self._delete(call, gate=gate)

    async def _me(self) -> wire.User:
        self._user = await self._read(Call(operation="account", route="/me"), into=wire.User)
        return self._user

    async def _own(self) -> wire.User:
        return self._user or await self._me()

    async def _raw_head(self, playlist_id: PlaylistId, *, operation: str) -> wire.Playlist:
        path, query = {"playlist_id": playlist_id}, {"show_tracks": "false"}
        call = Call(operation=operation, route=_PLAYLIST, path=path, query=query)
        return await self._read(call, into=wire.Playlist)

    async def _hidden_count(self, playlist_id: PlaylistId, *, shown_count: int) -> int:
        """Return how many more tracks SoundCloud counts than it has shown."""
        head = await self._raw_head(playlist_id, operation="count_tracks")
        return max(0, (head.track_count or 0) - shown_count)

    async def _whole(self, playlist_id: PlaylistId, *, operation: str) -> list[TrackId]:
        """Read all tracks, the count after them. Raises PlatformDenied where a new list would lose some."""
        view = await self.read_target(playlist_id, offset=0)
        ids = [row.track_id for row in view.rows if row.track_id]
        hidden_count = await self._hidden_count(playlist_id, shown_count=len(ids))
        if hidden_count:
            message = (
                f"SoundCloud counts {hidden_count} tracks in this playlist that it does not show. A change "
                "would delete them for good: choose another playlist, or a new one."
            )
            raise self._http.error(PlatformDenied, message, operation=operation)
        return ids

    async def _replace(
        self, playlist_id: PlaylistId, track_ids: Sequence[TrackId], *, operation: str, gate: Gate
    ) -> None:
        if len(track_ids) > _LONGEST_LIST:
            message = f"A SoundCloud playlist holds at most {_LONGEST_LIST} tracks."
            raise self._http.error(PlatformRejected, message, operation=operation)
        path = {"playlist_id": playlist_id}
        body = {"playlist": {"tracks": [{"urn": track_id} for track_id in track_ids]}}
        call = Call(operation=operation, method="PUT", route=_PLAYLIST, path=path, body=body)
        await self._send(call, gate=gate)

    async def _resolved(self, own_id: str, *, kind: str) -> str:
        """Return the URN that an id is or stands for. Raises PlatformNotFound."""
        address = convert.address_of(own_id)
        if address is None:
            return own_id
        call = Call(operation="resolve", route="/resolve", query={"url": address})
        urn = convert.urn_in((await self._read(call, into=wire.Found)).location, kind=kind)
        if urn is None:
            message = "This SoundCloud address names something else."
            raise self._http.error(PlatformNotFound, message, operation="resolve")
        return urn

    async def _track_at(self, address: TrackId) -> Track | None:
        try:
            urn = TrackId(await self._resolved(address, kind="tracks"))
        except PlatformNotFound:
            return None
        return (await self.read_tracks([urn])).get(urn)

    async def _playlists(self) -> CursorPager[wire.Playlist | None]:
        query = {"show_tracks": "false", **_LINKED}
        call = Call(operation="list_playlists", route="/me/playlists", query={"limit": _PAGE, **query})
        return self._linked(call, into=wire.Collection[wire.Playlist], at=_query_of)

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> CursorPager[wire.Track | None]:
        query = {"access": _ALL, **_LINKED}
        call = Call(operation=operation, route="/me/likes/tracks", query={"limit": _PAGE, **query})
        if collection_of(playlist_id) is None:
            path = {"playlist_id": playlist_id}
            call = Call(operation=operation, route=f"{_PLAYLIST}/tracks", path=path, query=query)
        return self._linked(call, into=_TRACKS, at=_query_of)

    async def _artists(self, *, operation: str) -> CursorPager[wire.User | None]:
        return self._users(operation, "/me/followings", {"limit": _PAGE})  # linked without being asked to

    def _users(
        self, operation: str, route: str, query: dict[str, str | int]
    ) -> CursorPager[wire.User | None]:
        call = Call(operation=operation, route=route, query=query)
        return self._linked(call, into=wire.Collection[wire.User], at=_query_of)

    def _catalog(self, operation: str, query: dict[str, str | int]) -> CursorPager[wire.Track | None]:
        call = Call(operation=operation, route="/tracks", query={"access": _ALL, **query, **_LINKED})
        return self._linked(call, into=_TRACKS, at=_query_of)

    async def _to_playlist(self, raw: wire.Playlist | None) -> Playlist | None:
        return convert.to_playlist(raw, user=await self._own()) if raw else None

    def _description_of(self, raw: wire.Playlist | None) -> str:
        return (raw.description if raw else None) or ""


def _query_of(token: str) -> dict[str, str]:
    """Return what leads to the next page: of the platform's link its query alone is used."""
    return dict(parse_qsl(token))


def _oauth(settings: Settings) -> OAuthApp:
    return OAuthApp(
        client_id=settings.soundcloud_client_id,
        client_secret=settings.soundcloud_client_secret,
        proves_by_form=True,
        authorize_url=settings.soundcloud_sign_in_url.rstrip("/") + "/authorize",
        base_url=settings.soundcloud_sign_in_url,
        token_route="/oauth/token",  # noqa: S106 - an address, no secret
        scopes=(),  # there are none
    )


DECLARATION = Declaration(
    label="SoundCloud",
    profile=PlatformProfile(
        platform=Platform.SOUNDCLOUD,
        scope="app",
        counted_by="soundcloud_client_id",
        pools={
            # No limit is published for what we ask; users tell of 429 after bursts.
            REQUESTS: Pool(limit=150, window_s=30.0),
            SIGN_IN: Pool(limit=30, window_s=30.0),
        },
        prices=SIGN_IN_PRICES,
        concurrency=4,
        backoff_s=10.0,
        source="developers.soundcloud.com/docs/api/rate-limits",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.REPLACE_WHOLE_LIST,
        isrc_batch=0,
        add_batch=_LONGEST_LIST,
        remove_batch=_LONGEST_LIST,
        # No albums: they are playlists that may be liked like any, and the search for playlists finds both
        # (SoundCloud's OpenAPI file of 2026-07-19).
        collections={
            Collection.LIKED: Keeping(url=f"{convert.SITE}/you/likes", add_batch=1, remove_batch=1),
            # In which order they come is not told.
            Collection.ARTISTS: Keeping(
                url=f"{convert.SITE}/you/following", add_batch=1, remove_batch=1, is_dated=False
            ),
        },
        beside={"add_tracks": ("read_target", "count_tracks")},  # of a list that has one page yet
        read_page=_PAGE,
        playlist_limit=_LONGEST_LIST,
        visibility_delay_s=5.0,
        reads_lag=True,
        beside_list=("count_tracks",),
    ),
    sign_in=SignInTerms(
        life_months=None,
        revoke_url="https://soundcloud.com/settings",
        revoke_place="your SoundCloud settings, under 'Connected applications'",
        source="help.soundcloud.com, How to Revoke Access and Secure Your SoundCloud Account",
        read_on="2026-11-28",
    ),
    public=PublicReads(
        is_possible=False,
        reason="SoundCloud playlists are read by an account's own permission only: connect your SoundCloud "
        "account, any one that sees the playlist.",
        source="developers.soundcloud.com/docs/api/guide: few tokens of an app's own are given, all of a day",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=("soundcloud_client_id", "soundcloud_client_secret"),
    build=SoundCloudAdapter,
    refusals=_REFUSALS,
    sign=lambda _, __: signer("OAuth"),
    oauth=_oauth,
    reword=convert.reword,
)

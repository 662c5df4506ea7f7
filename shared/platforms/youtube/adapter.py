"""YouTube: which call does what.

Source: developers.google.com/youtube/v3/docs, its revisions until June 2026 and what others observed, read
2026-11-22. A search is one of 100 a day; a write costs 50 of 10,000 units, a read of up to 50 things one.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec import UNSET

from shared.errors import PlatformDenied, PlatformNotFound, PlatformRejected, ReconnectRequired
from shared.models import Account, Album, Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.absent import WithoutIsrcs
from shared.platforms.answers import ABSENT, Refusal, foreign_cursor, meaning_429
from shared.platforms.base import ADDED, Added, Capabilities, Gate, Session, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.declaration import Declaration
from shared.platforms.gathering import Gathering
from shared.platforms.http import PlatformHttp
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp, or_key
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import CursorPager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, Price, PublicReads, SignInTerms
from shared.platforms.values import in_batches
from shared.platforms.youtube import convert, wire
from shared.settings import Settings

T = TypeVar("T")

SEARCHES = "searches"
_THINGS = wire.Listing[wire.Thing]
_PAGE = 50
_FOUND = 25  # more cost the same, but the fiftieth is never the one
_WHOLE = "snippet,contentDetails"
_WRITE = Price(cost=50)
_LOOKED_AT = 4  # of the results of a search
_GATHERED_S = 10.0  # so long at most the videos of a search wait for those of others, to be read together
_BESIDE = dict.fromkeys(("read_items", "search", "read_album"), ("read_videos",))
_NO_CHANNEL = "This Google account has no channel yet: open {label} once and make one."
_NO_ADDRESS = "{label} takes likes once the account's mail address is confirmed: do that at Google first."

_REFUSALS = (
    foreign_cursor(400, word="invalidpagetoken"),
    *(
        Refusal(status=status, word=word, kind=kind, message=message)
        for status, word, kind, message in (
            (400, "failedprecondition", PlatformRejected, "{label} does not take it: it is private or gone."),
            (404, "videonotfound", PlatformRejected, "{label} no longer has this video."),
            (403, "videoratingdisabled", PlatformRejected, "Its owner lets nobody like this video."),
            (400, "emailnotverified", PlatformDenied, _NO_ADDRESS),
            (403, "maximumnumberofvideos", PlatformRejected, "This {label} playlist is full."),
            (403, "insufficientperm", ReconnectRequired, "{label} was allowed too little: connect it again."),
            (403, "accessnotconfigured", PlatformDenied, "{label} is not enabled in this server's project."),
            (401, "youtubesignuprequired", PlatformDenied, _NO_CHANNEL),
        )
    ),
)


class YouTubeAdapter(WithoutIsrcs, WebAdapter[wire.Thing, wire.Thing]):
    """One Google account's YouTube channel."""

    platform = Platform.YOUTUBE
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_target_row = staticmethod(convert.to_target_row)

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        super().__init__(http, session=session, capabilities=capabilities)
        self._details = Gathering(self._videos_of, most=_PAGE, wait_s=_GATHERED_S)

    async def account(self) -> Account:
        found = await self._list("account", "/channels", {"part": "snippet", "mine": "true"}, into=_THINGS)
        if not found:
            raise self._http.error(PlatformDenied, _NO_CHANNEL, operation="account")
        return convert.to_account(found[0])

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        query = {"part": _WHOLE, "id": playlist_id}
        found = await self._list("get_playlist", "/playlists", query, into=_THINGS)
        if not found:
            raise self._http.error(PlatformNotFound, ABSENT, operation="get_playlist")
        own_id = (await self.account()).id if self._session.is_personal else ""
        return convert.to_playlist(found[0], channel_id=own_id)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        return convert.to_tracks(await self._videos(ids), market=self._session.market)

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = " ".join(query.plain.split())
        if not text:
            return ()
        with self._details.coming():
            found = await self._search(text, "search", type="video", videoCategoryId="10")
            # A search tells neither how long a video is nor where it is played; a look-up takes fifty ids.
            nearest = convert.nearest(found, text=text, most=_LOOKED_AT)
            details = [self._details.put(one.id.video_id) for one in nearest]
        videos = filter(None, await asyncio.gather(*details))
        return tuple(convert.to_tracks(videos, market=self._session.market).values())

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        text = " ".join(f"{name} {artist}".split())
        found = await self._search(text, "search_albums", type="playlist")
        return tuple(filter(None, map(convert.to_album, found)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        pager = await self._rows(PlaylistId(album.id), operation="read_album")
        videos = await self._videos([convert.video_id_of(row) async for row in pager.rows()])
        return tuple(convert.to_tracks(videos, market=self._session.market).values())

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # YouTube knows no such keys
        snippet = {"title": convert.to_title(name), "description": description}
        query, body = {"part": "snippet,status"}, {"snippet": snippet, "status": {"privacyStatus": "private"}}
        call = Call(operation="create_playlist", method="POST", route="/playlists", query=query, body=body)
        raw = await self._http.write(call, session=self._session, gate=gate, into=wire.Thing)
        return convert.to_playlist(raw)

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        # A position is refused in playlists that are not sorted by hand; without one it is an append.
        del position, key
        (video_id,) = track_ids
        resource = {"kind": "youtube#video", "videoId": video_id}
        query, body = {"part": "snippet"}, {"snippet": {"playlistId": playlist_id, "resourceId": resource}}
        call = Call(operation="add_tracks", method="POST", route="/playlistItems", query=query, body=body)
        await self._send(call, gate=gate)
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        for track_id in track_ids:
            asked = {"part": "snippet", "playlistId": playlist_id, "videoId": track_id}
            pager = self._listed("find_rows", "/playlistItems", asked)
            for row in [row async for row in pager.rows()]:
                query = {"id": row.id}
                call = Call(operation="remove_tracks", method="DELETE", route="/playlistItems", query=query)
                await self._delete(call, gate=gate)

    async def _save(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        del collection
        await self._rate("like", ids, operation="add_tracks", gate=gate)

    async def _unsave(self, collection: Collection, ids: Sequence[TrackId], *, gate: Gate) -> None:
        del collection
        await self._rate("none", ids, operation="remove_tracks", gate=gate)

    async def _rate(self, rating: str, ids: Sequence[TrackId], *, operation: str, gate: Gate) -> None:
        (video_id,) = ids
        query = {"id": video_id, "rating": rating}
        call = Call(operation=operation, method="POST", route="/videos/rate", query=query)
        await self._send(call, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        query = {"id": playlist_id}
        call = Call(operation="delete_playlist", method="DELETE", route="/playlists", query=query)
        await self._delete(call, gate=gate)

    async def _search(self, text: str, operation: str, **kind: str) -> list[wire.Found]:
        query = {"part": "snippet", "q": text, "maxResults": str(_FOUND), **kind}
        return await self._list(operation, "/search", query, into=wire.Listing[wire.Found])

    async def _videos(self, ids: Iterable[str]) -> list[wire.Thing]:
        """Read videos, in order, each once; one that is gone is left out."""
        asked = list(filter(None, dict.fromkeys(ids)))
        found: dict[str, wire.Thing] = {}
        for batch in in_batches(asked, size=_PAGE):
            query = {"part": _WHOLE, "id": ",".join(batch)}
            found |= {raw.id: raw for raw in await self._list("read_videos", "/videos", query, into=_THINGS)}
        return [found[own_id] for own_id in asked if own_id in found]

    async def _videos_of(self, asked: Sequence[str]) -> list[wire.Thing | None]:
        """Read videos of several searches together."""
        found = {raw.id: raw for raw in await self._videos(asked)}
        return [found.get(own_id) for own_id in asked]

    async def _list(
        self, operation: str, route: str, query: dict[str, str], *, into: type[wire.Listing[T]]
    ) -> list[T]:
        items = (await self._read(Call(operation=operation, route=route, query=query), into=into)).items
        if items is UNSET:
            raise self._http.blank(operation)
        return items

    async def _playlists(self) -> CursorPager[wire.Thing]:
        return self._listed("list_playlists", "/playlists", {"part": _WHOLE, "mine": "true"})

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> CursorPager[wire.Thing]:
        own_id = playlist_id if collection_of(playlist_id) is None else convert.LIKED
        return self._listed(operation, "/playlistItems", {"part": "snippet", "playlistId": own_id})

    def _listed(self, operation: str, route: str, query: dict[str, str]) -> CursorPager[wire.Thing]:
        call = Call(operation=operation, route=route, query={**query, "maxResults": _PAGE})
        return self._linked(call, into=_THINGS, at=lambda token: {"pageToken": token})

    async def _to_playlist(self, raw: wire.Thing) -> Playlist:
        return convert.to_playlist(raw)

    def _description_of(self, raw: wire.Thing) -> str:
        return raw.snippet.description

    async def _to_items(self, rows: Sequence[wire.Thing]) -> tuple[SourceItem, ...]:
        videos = {video.id: video for video in await self._videos(map(convert.video_id_of, rows))}
        return tuple(convert.to_item(row, videos=videos) for row in rows)


def _oauth(settings: Settings) -> OAuthApp:
    return OAuthApp(
        client_id=settings.youtube_client_id,
        client_secret=settings.youtube_client_secret,
        authorize_url=settings.youtube_auth_url.rstrip("/") + "/o/oauth2/v2/auth",
        base_url=settings.youtube_token_url,
        token_route="/token",  # noqa: S106 - an address, no secret
        scopes=("https://www.googleapis.com/auth/youtube",),
        # A refresh token is given for these only, and to who has agreed before only if asked again.
        extras={"access_type": "offline", "prompt": "consent"},
    )


DECLARATION = Declaration(
    label="YouTube",
    profile=PlatformProfile(
        platform=Platform.YOUTUBE,
        scope="project",
        counted_by="youtube_client_id",
        pools={
            REQUESTS: Pool(limit=10_000, window_s=86_400.0, day_zone="America/Los_Angeles"),
            SEARCHES: Pool(limit=100, window_s=86_400.0, day_zone="America/Los_Angeles"),
            SIGN_IN: Pool(limit=75, window_s=30.0),
        },
        prices={
            **dict.fromkeys(("search", "search_albums"), Price(pool=SEARCHES)),
            **dict.fromkeys(("create_playlist", "add_tracks", "remove_tracks", "delete_playlist"), _WRITE),
            **SIGN_IN_PRICES,
        },
        concurrency=4,
        backoff_s=5.0,
        # 403 quotaExceeded of the common pool, 429 with these words of a method's own; neither names an end.
        quota_word="quotaExceeded|dailyLimitExceeded|[Pp]er day",
        source="developers.google.com/youtube/v3/determine_quota_cost, revision history of 2026-06-01",
        read_on="2026-11-22",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.APPEND_AND_READ_BACK,
        has_albums=True,
        # No albums and no artists: the Data API has none. Subscriptions are channels, of whatever kind.
        collections={
            Collection.LIKED: Keeping(
                url=f"https://www.youtube.com/playlist?list={convert.LIKED}",
                add_batch=1,
                remove_batch=1,
                apart_s=1.0,
            )
        },
        isrc_batch=0,
        search_parallel=_PAGE // 2,  # of which some wait for the videos of others
        add_batch=1,
        remove_batch=1,
        read_page=_PAGE,
        playlist_limit=5000,
        # Nobody has measured it; reads cost little here.
        visibility_delay_s=5.0,
        reads_lag=True,
        beside=_BESIDE,
    ),
    sign_in=SignInTerms(
        # Of a published app; one whose consent screen is in "Testing" loses its sign-ins after seven days.
        life_months=None,
        revoke_url="https://myaccount.google.com/connections",
        revoke_place="your Google account, under 'Third-party apps & services'",
        source="developers.google.com/youtube/v3/guides/auth/server-side-web-apps",
        read_on="2026-11-22",
    ),
    public=PublicReads(
        is_possible=True,
        required=("youtube_api_key",),
        beside=_BESIDE,
        source="developers.google.com/youtube/v3/getting-started: an API key for what is public",
        read_on="2026-11-22",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=("youtube_client_id", "youtube_client_secret"),
    sign=lambda settings, _: or_key("key", settings.youtube_api_key),
    build=YouTubeAdapter,
    refusals=_REFUSALS,
    oauth=_oauth,
    reword=meaning_429(403, rb'"(quotaExceeded|dailyLimitExceeded|(userR|r)ateLimitExceeded)"'),
)

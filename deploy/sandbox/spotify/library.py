"""Spotify's account: profile, saved tracks, followed artists, and the library calls by uri."""

import re

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import FollowChanged, LibraryChanged
from deploy.sandbox.clock import iso
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import spotify_id
from deploy.sandbox.kept import Kind, shown
from deploy.sandbox.recordings import digest
from deploy.sandbox.spotify.access import account, anybody
from deploy.sandbox.spotify.objects import Shapes
from deploy.sandbox.spotify.paging import asked_page, paging

LIBRARY_URI = re.compile(
    r"spotify:(track|album|episode|show|audiobook|playlist):([0-9A-Za-z]{22})|spotify:(user):([^:,]+)"
)
LARGEST_LIBRARY_BATCH = 40
LARGEST_TRACKS_BATCH = 50
MODIFY_SCOPES = ("user-library-modify", "playlist-modify-public", "playlist-modify-private")


class Library:
    """GET /me and everything below it but playlists."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._is_extended = desk.options.regime == "extended"

    def _shapes(self, request: web.Request) -> Shapes:
        return Shapes(origin=str(request.url.origin()), options=self._desk.options)

    async def me(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request)
        shape = {
            **self._shapes(request).user(caller.user),
            "account_id": spotify_id(f"account:{caller.user}"),
            "display_name": caller.user,
            "images": [],
        }
        if self._is_extended:
            shape["followers"] = {"href": None, "total": digest(caller.user) % 100}
            if "user-read-private" in caller.scopes:
                explicit = {"filter_enabled": False, "filter_locked": False}
                shape |= {"country": "US", "product": "premium", "explicit_content": explicit}
            if "user-read-email" in caller.scopes:
                shape["email"] = f"{caller.user}@example.org"
        return json_answer(shape)

    async def get_user(self, request: web.Request) -> web.Response:
        anybody(self._desk, request)
        name = request.match_info["user_id"]
        shape = self._shapes(request).user(name)
        return json_answer(
            {**shape, "display_name": name, "images": [], "followers": {"href": None, "total": 0}}
        )

    async def list_tracks(self, request: web.Request) -> web.Response:
        """Saved tracks, newest first."""
        caller = account(self._desk, request, "user-library-read")
        page = asked_page(request, largest=50, default=20)
        shapes = self._shapes(request)
        rows = shown(self._desk, user=caller.user, kind=Kind.TRACK)
        market, recordings = request.query.get("market"), self._desk.catalog.by_id
        told = [
            {"added_at": iso(at_s), "track": shapes.track(recordings[own_id], market=market)}
            for own_id, at_s in page.of(rows)
        ]
        address = shapes.href("me/tracks")
        return json_answer(paging(told, page=page, total=len(rows), address=address, extra={}))

    async def list_albums(self, request: web.Request) -> web.Response:
        """Saved albums, newest first."""
        caller = account(self._desk, request, "user-library-read")
        page = asked_page(request, largest=50, default=20)
        shapes, albums = self._shapes(request), self._desk.catalog.albums.by_id
        rows = shown(self._desk, user=caller.user, kind=Kind.ALBUM)
        told = []
        for own_id, at_s in page.of(rows):
            tracks = albums[own_id].tracks
            told.append({"added_at": iso(at_s), "album": shapes.album(tracks[0], total_tracks=len(tracks))})
        address = shapes.href("me/albums")
        return json_answer(paging(told, page=page, total=len(rows), address=address, extra={}))

    async def list_following(self, request: web.Request) -> web.Response:
        """Followed artists in the order of their ids, by a cursor that is the last one's id."""
        caller = account(self._desk, request, "user-follow-read")
        if request.query.get("type") != "artist":
            raise Refused(400, "Invalid type")
        page = asked_page(request, largest=50, default=20)
        shapes, artists = self._shapes(request), self._desk.catalog.artists.by_id
        ids = sorted(own_id for own_id, _ in shown(self._desk, user=caller.user, kind=Kind.ARTIST))
        behind = [own_id for own_id in ids if own_id > request.query.get("after", "")]
        told, has_more = behind[: page.limit], len(behind) > page.limit
        address = shapes.href(f"me/following?type=artist&limit={page.limit}")
        shape = {
            "href": address,
            "limit": page.limit,
            "next": f"{address}&after={told[-1]}" if has_more else None,
            "cursors": {"after": told[-1] if has_more else None, "before": None},
            "total": len(ids),
            "items": [shapes.full_artist(artists[own_id].name) for own_id in told],
        }
        return json_answer({"artists": shape})

    async def save(self, request: web.Request) -> web.Response:
        return self._change(request, is_saved=True)

    async def remove(self, request: web.Request) -> web.Response:
        return self._change(request, is_saved=False)

    def _change(self, request: web.Request, *, is_saved: bool) -> web.Response:
        """Save or remove up to 40 uris; for a playlist this is to follow or to unfollow it."""
        caller = account(self._desk, request, *MODIFY_SCOPES)
        uris = _library_uris(request)
        for uri in uris:
            if uri.startswith("spotify:playlist:") and uri[17:] not in self._desk.store.playlists:
                raise Refused(404, "Resource not found")
        for uri in uris:
            if uri.startswith("spotify:playlist:"):
                change = FollowChanged(playlist_id=uri[17:], user=caller.user, follows=is_saved)
                self._desk.store.record(change)
        self._record(caller.user, [u for u in uris if "playlist" not in u], is_saved=is_saved)
        return web.Response()

    def _record(self, user: str, uris: list[str], *, is_saved: bool) -> None:
        at_s = self._desk.clock.now_s()
        # Whatever order they came in, they have one date; their ids decide.
        names = tuple(sorted(uris))
        self._desk.store.record(LibraryChanged(user=user, names=names, is_saved=is_saved, at_s=at_s))

    async def contains(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, "user-library-read")
        saved = self._desk.store.saved.get(caller.user, {})
        playlists = self._desk.store.playlists
        answers = []
        for uri in _library_uris(request):
            playlist = playlists.get(uri[17:]) if uri.startswith("spotify:playlist:") else None
            answers.append(uri in saved or bool(playlist and caller.user in playlist.followers))
        return json_answer(answers)

    async def save_tracks(self, request: web.Request) -> web.Response:
        await self._change_tracks(request, is_saved=True)
        return web.Response()

    async def remove_tracks(self, request: web.Request) -> web.Response:
        await self._change_tracks(request, is_saved=False)
        return web.Response()

    async def _change_tracks(self, request: web.Request, *, is_saved: bool) -> None:
        """The old calls of extended apps: up to 50 ids in the query or the body."""
        caller = account(self._desk, request, "user-library-modify")
        ids = (await json_body(request)).get("ids") or request.query.get("ids", "").split(",")
        uris = [f"spotify:track:{own_id}" for own_id in ids if own_id]
        if not uris or len(uris) > LARGEST_TRACKS_BATCH:
            raise Refused(400, "Too many ids requested" if uris else "Missing parameter ids")
        if not all(LIBRARY_URI.fullmatch(uri) for uri in uris):
            raise Refused(400, "Invalid base62 id")
        self._record(caller.user, uris, is_saved=is_saved)

    async def follow(self, request: web.Request) -> web.Response:
        return self._follow(request, follows=True)

    async def unfollow(self, request: web.Request) -> web.Response:
        return self._follow(request, follows=False)

    def _follow(self, request: web.Request, *, follows: bool) -> web.Response:
        caller = account(self._desk, request, "playlist-modify-public", "playlist-modify-private")
        playlist_id = request.match_info["id"]
        if playlist_id not in self._desk.store.playlists:
            raise Refused(404, "Resource not found")
        self._desk.store.record(FollowChanged(playlist_id=playlist_id, user=caller.user, follows=follows))
        return web.Response()


def _library_uris(request: web.Request) -> list[str]:
    uris = [uri for uri in request.query.get("uris", "").split(",") if uri]
    if not uris or len(uris) > LARGEST_LIBRARY_BATCH:
        raise Refused(400, "Too many uris requested" if uris else "Missing parameter uris")
    for uri in uris:
        if not LIBRARY_URI.fullmatch(uri):
            raise Refused(400, f"Invalid uri: {uri}")
    return uris

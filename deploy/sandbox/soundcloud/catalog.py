"""SoundCloud's tracks: searched, looked up and liked; and its resolver of addresses."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, change, shown
from deploy.sandbox.recordings import Recording
from deploy.sandbox.soundcloud import objects
from deploy.sandbox.soundcloud.access import account, anybody
from deploy.sandbox.soundcloud.paging import linked
from deploy.sandbox.soundcloud.playlists import Playlists, asked_levels

LARGEST_SEARCH = 1000


class Tracks:
    """Every track of the catalog is playable; only rows of playlists may be blocked."""

    def __init__(self, desk: Desk, *, playlists: Playlists) -> None:
        self._desk = desk
        self._playlists = playlists

    async def me(self, request: web.Request) -> web.Response:
        user = account(self._desk, request)
        own = [p for p in self._desk.store.playlists.values() if p.owner == user and p.followers]
        return json_answer(
            {
                **objects.user(user),
                "locale": "en",
                "online": False,
                "playlist_count": sum(playlist.is_public for playlist in own),
                "private_playlists_count": sum(not playlist.is_public for playlist in own),
                "likes_count": len(shown(self._desk, user=user, kind=Kind.TRACK)),
                "quota": {"unlimited_upload_quota": False, "upload_seconds_used": 0},
            }
        )

    async def search(self, request: web.Request) -> web.Response:
        """Search by words, or look up the tracks of some URNs; unknown ones are left out."""
        anybody(self._desk, request)
        levels = asked_levels(request)
        rows = [one for one in self._found(request) if objects.access_of(one) in levels]
        return linked(request, rows[:LARGEST_SEARCH], shape=objects.track)

    def _found(self, request: web.Request) -> Sequence[Recording]:
        catalog = self._desk.catalog
        if "urns" in request.query:
            missing = self._missing(request)
            urns = dict.fromkeys(request.query["urns"].split(","))
            return [catalog.by_id[urn] for urn in urns if urn in catalog.by_id and urn not in missing]
        if self._desk.fault("no_results", request):
            return ()
        return [catalog.recordings[position] for position in catalog.index.ranked(request.query.get("q", ""))]

    async def get(self, request: web.Request) -> web.Response:
        anybody(self._desk, request)
        return json_answer(objects.track(self._known(request)))

    def _known(self, request: web.Request) -> Recording:
        own_id = request.match_info["urn"]
        urn = f"soundcloud:tracks:{own_id}" if own_id.isdecimal() else own_id
        recording = self._desk.catalog.by_id.get(urn)
        if recording is None or urn in self._missing(request):
            raise Refused(404, "404 - Not Found")
        return recording

    def _missing(self, request: web.Request) -> frozenset[str]:
        fault = self._desk.fault("dead_ids", request)
        return frozenset(fault.ids) if fault else frozenset()

    async def list_likes(self, request: web.Request) -> web.Response:
        """Liked tracks, newest first; unlike in playlists the blocked ones are shown unless left out."""
        user = account(self._desk, request)
        levels = asked_levels(request, default="playable,preview,blocked")
        liked = shown(self._desk, user=user, kind=Kind.TRACK)
        rows = [self._desk.catalog.by_id[urn] for urn, _ in liked]
        rows = [one for one in rows if objects.access_of(one) in levels]
        return linked(request, rows, shape=objects.track)

    async def like(self, request: web.Request) -> web.Response:
        return self._change(request, is_saved=True)

    async def unlike(self, request: web.Request) -> web.Response:
        return self._change(request, is_saved=False)

    def _change(self, request: web.Request, *, is_saved: bool) -> web.Response:
        user = account(self._desk, request)
        urn = self._known(request).ids["soundcloud"]
        change(self._desk, request, user=user, kind=Kind.TRACK, ids=[urn], is_saved=is_saved)
        return json_answer({"status": "200 - OK"})

    async def resolve(self, request: web.Request) -> web.Response:
        """Say by a redirect what stands under an address of the site; the caller's token may be anybody's."""
        anybody(self._desk, request)
        path = urlsplit(request.query.get("url", "")).path.strip("/")
        location = self._location(path)
        if location is None:
            raise Refused(404, "404 - Not Found")
        body: dict[str, Any] = {"status": "302 - Found", "location": location}
        return json_answer(body, status=302, headers={"Location": location})

    def _location(self, path: str) -> str | None:
        if (playlist := self._playlists.named(path)) is not None:
            return f"{objects.API}/playlists/{playlist.id}"
        urn = f"soundcloud:tracks:{path.rpartition('-')[2]}"
        recording = self._desk.catalog.by_id.get(urn)
        if recording is None or objects.track(recording)["permalink_url"] != f"{objects.SITE}/{path}":
            return None
        return f"{objects.API}/tracks/{urn}"

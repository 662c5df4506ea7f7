"""SoundCloud's users: searched, followed and no longer followed. Each artist of the world is one."""

from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.artists import Artist
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, change, kept, shown
from deploy.sandbox.recordings import digest
from deploy.sandbox.soundcloud import objects
from deploy.sandbox.soundcloud.access import account, anybody
from deploy.sandbox.soundcloud.paging import linked

MOST_FOLLOWED = 2000


class Users:
    """GET /users, and what is under /me/followings."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: web.Request) -> web.Response:
        anybody(self._desk, request)
        is_in_vain = self._desk.fault("no_results", request) is not None
        found = [] if is_in_vain else self._desk.catalog.artists.found(request.query.get("q", ""))
        return linked(request, found, shape=_shape)

    async def list_followed(self, request: web.Request) -> web.Response:
        """Whom the account follows, always by linked pages."""
        user = account(self._desk, request)
        artists = self._desk.catalog.artists.by_id
        rows = [artists[urn] for urn, _ in shown(self._desk, user=user, kind=Kind.ARTIST)]
        return linked(request, rows, shape=_shape, can_be_bare=False)

    async def follow(self, request: web.Request) -> web.Response:
        """Follow a user: 201 with the user, or 200 where nothing is new."""
        user, artist = self._asked(request)
        followed = self._followed(user)
        if artist.id in followed:
            return json_answer({"status": "200 - OK"})
        if len(followed) >= MOST_FOLLOWED:
            raise Refused(422, f"You can follow at most {MOST_FOLLOWED} users.")
        change(self._desk, request, user=user, kind=Kind.ARTIST, ids=[artist.id], is_saved=True)
        return json_answer(_shape(artist), status=201)

    async def unfollow(self, request: web.Request) -> web.Response:
        user, artist = self._asked(request)
        if artist.id not in self._followed(user):
            raise Refused(404, "404 - Not Found")
        change(self._desk, request, user=user, kind=Kind.ARTIST, ids=[artist.id], is_saved=False)
        return json_answer({"status": "200 - OK"})

    def _asked(self, request: web.Request) -> tuple[str, Artist]:
        """Return who calls, and the user of the path. Raises Refused(401, 404)."""
        user = account(self._desk, request)
        own_id = request.match_info["urn"]
        urn = f"soundcloud:users:{own_id}" if own_id.isdecimal() else own_id
        artist = self._desk.catalog.artists.by_id.get(urn)
        if artist is None:
            raise Refused(404, "404 - Not Found")
        return user, artist

    def _followed(self, user: str) -> set[str]:
        rows = kept(self._desk.store, self._desk.catalog, user=user, kind=Kind.ARTIST)
        return {urn for urn, _ in rows}


def _shape(artist: Artist) -> dict[str, Any]:
    return {**objects.user(artist.name), "track_count": 1 + digest(artist.name) % 99}

"""What the contract suite has to know of a platform beyond what its adapter declares."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import aiohttp
import msgspec
from yarl import URL

from deploy.sandbox.options import Options
from shared.errors import CrossplayError, PlatformDenied
from shared.models import NotTransferable, Platform, PlaylistId, TrackId
from shared.platforms.oauth import new_verifier
from shared.platforms.registry import Platforms
from tests.fakes.session import FakeSession

REDIRECT_URI = "http://127.0.0.1:9/connect/platform/callback"

Connect: TypeAlias = Callable[[Platforms, Platform, URL], Awaitable[FakeSession]]


async def by_oauth(platforms: Platforms, platform: Platform, url: URL) -> FakeSession:
    """Connect as a user does whose browser is led through the sign-in."""
    oauth = platforms.oauth(platform)
    assert oauth is not None
    verifier = new_verifier()
    page = oauth.authorize_url(state="state", verifier=verifier, redirect_uri=REDIRECT_URI)
    async with aiohttp.ClientSession() as client, client.get(page, allow_redirects=False) as response:
        code = URL(response.headers["Location"]).query["code"]
    tokens = await oauth.exchange(code=code, verifier=verifier, redirect_uri=REDIRECT_URI)
    return FakeSession(tokens, market="DE", refresh=oauth.refresh)


class Flavor(msgspec.Struct, frozen=True, kw_only=True):
    """One platform, in one of its regimes.

    options: of its sandbox. settings: how Crossplay is told where that sandbox is. connect: signs an account
    in. absent_playlist, absent_track: ids of the right form that nothing has. local_row: what a playlist row
    of the user's own file becomes, None for a track without an ISRC. odd_kind: a row that is no music, as
    world files name it; odd_reasons: what it may become, none where it is a track all the same. look_up: the
    sandbox's operations of an ISRC look-up and of a text search. add, remove: those of a playlist's tracks;
    delete: its operation that deletes a playlist. forbidden: what a bare 403 means. revoked: the kind of
    token whose end a refresh cures, or asks for a new connection. has_account_id: the platform names its
    accounts. has_offsets: pages of playlists are asked for by offset and limit; offset_name: its word for it.
    has_short_albums: albums are found without a date, their tracks without guests. tells_length: each page of
    a playlist says how long the whole is. has_http: it is reached over a network, and has a sandbox.
    cannot_remove: what it says where nothing can be removed.
    """

    options: Options
    settings: Callable[[URL], Mapping[str, Any]]
    absent_playlist: PlaylistId
    absent_track: TrackId
    connect: Connect = by_oauth
    local_row: NotTransferable | None = None
    odd_kind: str = "video"
    odd_reasons: frozenset[NotTransferable] = frozenset({NotTransferable.EPISODE, NotTransferable.VIDEO})
    look_up: tuple[str, str] = ("search", "search")
    add: str = "add_items"
    remove: str = "remove_items"
    delete: str = "delete_playlist"
    forbidden: type[CrossplayError] = PlatformDenied
    revoked: str = "access"
    can_refresh: bool = True
    has_account_id: bool = True
    has_offsets: bool = False
    offset_name: str = "offset"
    has_short_albums: bool = False
    tells_length: bool = True
    has_http: bool = True
    cannot_remove: str = ""

    @property
    def platform(self) -> Platform:
        return Platform(self.options.platform)

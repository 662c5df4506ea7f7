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

    Where it stands
        options: of its sandbox. settings: how Crossplay is told where that sandbox is. connect: signs an
        account in. has_http: it is reached over a network, and has a sandbox.
    Ids
        absent_playlist, absent_track: of the right form, but nothing has them. public_id: of a playlist of
        the account, the id under which everybody finds it.
    Rows
        local_row: what a playlist row of the user's own file becomes, None for a track without an ISRC.
        odd_kind: a row that is no music, as world files name it; odd_reasons: what it may become, none where
        it is a track all the same. has_isrcs: tracks name their ISRCs. has_track_pages: a track has an
        address. has_short_albums: albums are found without a date, their tracks without guests.
        has_bare_albums: they are found with neither date nor length, and their tracks have no numbers.
    The sandbox's operations
        look_up: of an ISRC look-up and of a text search. add, remove: of a playlist's tracks. delete: of a
        playlist. head: reads one without its items. created_status: the answer to who creates one.
    Lists
        lists_at_once: they come whole; cuts_pages: those of a playlist's tracks do. has_offsets: pages of
        playlists are asked for by offset and limit; offset_name: its word for it. tells_length: each page of
        a playlist says how long the whole is.
    Accounts
        forbidden: what a bare 403 means. revoked: the kind of token whose end a refresh cures, or asks for a
        new connection; can_refresh: which of the two. has_account_id: it names its accounts. has_market:
        accounts name a market that is no country.
    Searches and writes
        has_copy: look-ups are answered from a copy of the library, which the first one makes.
        finds_plain_text: a search can do without fields. names_left_out: an addition is answered with what it
        left out. cannot_remove: what it says where nothing can be removed.
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
    head: str = "get_playlist"
    has_copy: bool = False
    lists_at_once: bool = False
    has_track_pages: bool = True
    has_market: bool = False
    has_offsets: bool = False
    public_id: Callable[[PlaylistId], PlaylistId] = lambda own_id: own_id
    offset_name: str = "offset"
    has_isrcs: bool = True
    cuts_pages: bool = False
    finds_plain_text: bool = True
    has_short_albums: bool = False
    has_bare_albums: bool = False
    tells_length: bool = True
    has_http: bool = True
    names_left_out: bool = False
    cannot_remove: str = ""
    created_status: str = "201"

    @property
    def platform(self) -> Platform:
        return Platform(self.options.platform)

"""Platforms whose accounts, playlists and moods a test decides; they serve the gateway's port."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

import msgspec

from shared.db.pool import Pool as StorePool
from shared.db.shelf import PostgresShelf
from shared.errors import ConnectFailed, PlatformNotConfigured, PlatformNotFound, ReconnectRequired
from shared.models import (
    Account,
    Album,
    Artist,
    Isrc,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    TokenSet,
    Track,
    TrackId,
)
from shared.platforms.base import (
    Added,
    Capabilities,
    Gate,
    Page,
    PlaylistPage,
    Session,
    TargetPage,
    TargetView,
    TextQuery,
    WriteClass,
)
from shared.platforms.files.adapter import DECLARATION as FILES
from shared.platforms.files.adapter import FilesAdapter
from shared.platforms.forms import ConnectForm, FieldKind, FormField, SignInInput, server_address
from shared.platforms.oauth import Verifier, challenge_of
from shared.platforms.profile import PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.public import PublicSession
from shared.platforms.shelf import Shelf
from tests.fakes.pools import profile_of

PAGE_COUNT = 3


class FakeAccount:
    """One platform with one account. error: raised by every call; on_call, before_call: see it first."""

    def __init__(self, platform: Platform, account: Account) -> None:
        self.platform = platform
        self.account = account
        self.playlists: list[Playlist] = []
        self.tracks: dict[TrackId, Track] = {}
        self.items: dict[str, list[SourceItem]] = {}
        self.tells_length = True
        self.error: Exception | None = None
        self.on_call: Callable[[str], None] | None = None
        self.before_call: Callable[[], Awaitable[None]] | None = None
        self.accepted_tokens: set[str] | None = None
        self.public_markets: list[str] = []
        self.calls: list[str] = []

    def add(self, playlist_id: str, name: str, **facts: object) -> Playlist:
        playlist = Playlist(id=PlaylistId(playlist_id), name=name, **facts)  # type: ignore[arg-type]  # by name
        self.playlists.append(playlist)
        return playlist

    def fill(self, playlist_id: str, *, isrc_count: int, other_count: int = 0, odd_count: int = 0) -> None:
        """Put rows into a playlist that a plan may read: tracks with and without ISRC, and what is none."""
        named = [
            Track(
                platform=self.platform, id=TrackId(f"t{n}"), title=f"Lantern {n}", isrc=Isrc(f"XXAAA26{n:05}")
            )
            for n in range(isrc_count)
        ]
        others = [
            Track(platform=self.platform, id=TrackId(f"u{n}"), title=f"Unnamed {n}")
            for n in range(other_count)
        ]
        odd = [SourceItem(not_transferable=NotTransferable.EPISODE, title="Talk")] * odd_count
        self.items[playlist_id] = [*(SourceItem(track=one) for one in (*named, *others)), *odd]

    def know(self, track_id: str, title: str) -> Track:
        """Put a track into the catalog."""
        track = Track(platform=self.platform, id=TrackId(track_id), title=title, artists=("The Paper Boats",))
        self.tracks[track.id] = track
        return track


class FakeAdapter:
    """Reads the account, and of a playlist what a plan needs; writing is the workers' business."""

    def __init__(self, world: FakeAccount, *, session: Session, capabilities: Capabilities) -> None:
        self.platform = world.platform
        self.capabilities = capabilities
        self._world = world
        self._session = session

    async def account(self) -> Account:
        await self._call("account")
        return self._world.account

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        await self._call("list_playlists")
        first = int(cursor or 0)
        following = first + PAGE_COUNT
        rows = self._world.playlists
        return PlaylistPage(
            playlists=tuple(rows[first:following]),
            next_cursor=str(following) if following < len(rows) else None,
        )

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        await self._call("get_playlist")
        shown = self._world.playlists
        if not self._session.is_personal:
            self._world.public_markets.append(self._session.market)
            shown = [playlist for playlist in shown if playlist.id.startswith("id-public")]
        for playlist in shown:
            if playlist.id == playlist_id:
                return playlist
        raise PlatformNotFound("unknown", platform=self.platform, operation="get_playlist", status=404)

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return playlist_id_of(self.platform, text)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        await self._call("read_tracks")
        return {track_id: self._world.tracks[track_id] for track_id in ids if track_id in self._world.tracks}

    def track_id_of(self, text: str) -> TrackId | None:
        prefix = f"https://{self.platform}.example/track/"
        if text.startswith(prefix):
            return TrackId(text.removeprefix(prefix))
        return TrackId(text) if text.startswith("t-") else None

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        await self._call("read_items")
        rows = self._world.items.get(playlist_id, [])
        first = int(cursor or 0)
        following = first + self.capabilities.read_page
        return Page(
            items=tuple(rows[first:following]),
            next_cursor=str(following) if following < len(rows) else None,
            total=len(rows) if self._world.tells_length else None,
        )

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        raise AssertionError("the gateway moves no music")

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        raise AssertionError("the gateway moves no music")

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        raise AssertionError("the gateway moves no music")

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        raise AssertionError("the gateway moves no music")

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        raise AssertionError("the gateway moves no music")

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        raise AssertionError("the gateway moves no music")

    async def find_playlist(self, marker: str) -> Playlist | None:
        raise AssertionError("the gateway moves no music")

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        raise AssertionError("the gateway moves no music")

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        raise AssertionError("the gateway moves no music")

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        raise AssertionError("the gateway moves no music")

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        raise AssertionError("the gateway moves no music")

    def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        raise AssertionError("the gateway moves no music")

    async def _call(self, operation: str) -> None:
        self._world.calls.append(operation)
        if self._world.on_call:
            self._world.on_call(operation)
        if self._world.before_call:
            await self._world.before_call()
        if self._world.error:
            raise self._world.error
        tokens = await self._session.tokens()
        accepted = self._world.accepted_tokens
        if accepted is not None and tokens is not None and tokens.access_token not in accepted:
            await self._session.refresh(rejected=tokens)


def playlist_id_of(platform: Platform, text: str) -> PlaylistId | None:
    prefix = f"https://{platform}.example/playlist/"
    if text.startswith(prefix):
        return PlaylistId(text.removeprefix(prefix))
    return PlaylistId(text) if text.startswith("id-") else None


class FakeSignIn:
    """An OAuth server whose codes a test hands out: each works once, with the verifier it was asked with."""

    def __init__(self) -> None:
        self.scopes = ("read", "write")
        self.sign_in_url = "https://accounts.example/authorize"
        self.granted_scopes: tuple[str, ...] = self.scopes
        self.codes: set[str] = set()
        self.verifiers: dict[str, str] = {}
        self.error: Exception | None = None
        self.refreshes: list[TokenSet] = []

    def authorize_url(self, *, state: str, verifier: Verifier, redirect_uri: str) -> str:
        self.verifiers[redirect_uri] = challenge_of(verifier)
        query = {
            "state": state,
            "redirect_uri": redirect_uri,
            "code_challenge": challenge_of(verifier),
        }
        return f"https://accounts.example/authorize?{urlencode(query)}"

    async def exchange(self, *, code: str, verifier: Verifier, redirect_uri: str) -> TokenSet:
        if self.error:
            raise self.error
        if code not in self.codes or self.verifiers.get(redirect_uri) != challenge_of(verifier):
            raise ConnectFailed("The sign-in is not accepted any more: start to connect again.")
        self.codes.remove(code)
        return TokenSet(
            access_token=f"access-{code}",
            refresh_token=f"refresh-{code}",
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            scopes=self.granted_scopes,
        )

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        self.refreshes.append(tokens)
        if self.error:
            raise self.error
        raise ReconnectRequired("The platform wants the user.")


class FakeScript:
    """A sign-in by a script that nobody serves."""

    script_url = "https://scripts.example/sign-in.js"
    sources = ("https://scripts.example",)

    def page_token(self, *, origin: str) -> str:
        return f"page-token-for-{origin}"


def _read(values: Mapping[str, str]) -> SignInInput:
    return SignInInput(
        tokens=TokenSet(access_token=values["password"]),
        server=server_address(values["address"], name="address"),
    )


FORM = ConnectForm(
    fields=(
        FormField(name="address", label="Address", kind=FieldKind.ADDRESS, help="Where you listen."),
        FormField(name="user", label="User", kind=FieldKind.TEXT, is_required=False),
        FormField(name="password", label="Password", kind=FieldKind.SECRET),
    ),
    read=_read,
)
"""What a server of a user's own asks for."""


class FakePlatforms:
    """Spotify signs in by redirect, Apple Music with a browser's token, as the real ones do.

    forms: platforms without a redirect that are connected by a form, for a change. servers: which servers
    sessions have named, one after the other. Files are no fake: `on` lets them stand in the test's database.
    """

    def __init__(self) -> None:
        self.accounts = {
            Platform.SPOTIFY: FakeAccount(
                Platform.SPOTIFY, Account(id="acc-1", label="Mira Holt", market="DE")
            ),
            Platform.APPLE_MUSIC: FakeAccount(
                Platform.APPLE_MUSIC, Account(id=None, label="Apple Music (de)", market="de")
            ),
        }
        self.shelf: Shelf | None = None
        self.sign_in = FakeSignIn()
        self.unconfigured: set[Platform] = set()
        self.without_key: set[Platform] = set()
        self.playlist_limit: int | None = 100
        self.forms: dict[Platform, ConnectForm] = {}
        self.servers: list[str] = []

    def on(self, pool: StorePool) -> Self:
        self.shelf = PostgresShelf(pool)
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def is_configured(self, platform: Platform) -> bool:
        return platform not in self.unconfigured

    def label(self, platform: Platform) -> str:
        return "Files" if platform is Platform.FILE else platform.replace("_", " ").title()

    def sign_in_terms(self, platform: Platform) -> SignInTerms:
        return SignInTerms(
            life_months=6,
            revoke_url=f"https://{platform}.example/apps",
            revoke_place="the page of your apps",
            source="invented",
            read_on="2026-11-22",
        )

    def capabilities(self, platform: Platform) -> Capabilities:
        if platform is Platform.FILE:
            return FILES.capabilities
        return Capabilities(
            write_class=WriteClass.APPEND_AND_READ_BACK,
            isrc_batch=25,
            add_batch=100,
            read_page=50,
            playlist_limit=self.playlist_limit,
            visibility_delay_s=0.0,
            reads_lag=False,
            remove_batch=100 if platform is Platform.SPOTIFY else 0,
        )

    def profile(self, platform: Platform) -> PlatformProfile:
        profile = profile_of(Pool(limit=75, window_s=30.0))
        return msgspec.structs.replace(profile, platform=platform)

    def limit_key(self, platform: Platform) -> str:
        return f"app:{platform}"

    def is_kept_here(self, platform: Platform) -> bool:
        return platform is Platform.FILE

    def adapter(self, platform: Platform, *, session: Session) -> FakeAdapter | FilesAdapter:
        self._require(platform)
        if platform is Platform.FILE and self.shelf is not None:
            return FilesAdapter(self.shelf, session=session, capabilities=self.capabilities(platform))
        self.servers.append(session.server)
        return FakeAdapter(self.accounts[platform], session=session, capabilities=self.capabilities(platform))

    def platform_of(self, link: str) -> Platform | None:
        links = (one for one in Platform if link.startswith(f"https://{one}.example/playlist/"))
        return next(links, None)

    def playlist_id_of(self, platform: Platform, text: str) -> PlaylistId | None:
        return playlist_id_of(platform, text)

    def public_reads(self, platform: Platform) -> PublicReads:
        is_possible = platform is not Platform.SPOTIFY
        reason = "" if is_possible else "Spotify shows an app only its users' own playlists."
        return PublicReads(is_possible=is_possible, reason=reason, source="invented", read_on="2026-11-22")

    def why_no_links(self, platform: Platform) -> str | None:
        return self.public_reads(platform).reason or None

    def public_adapter(self, platform: Platform, *, market: str) -> FakeAdapter:
        if platform in self.without_key:
            raise PlatformNotConfigured(f"Set CROSSPLAY_{platform.upper()}_API_KEY.")
        self._require(platform)
        session = PublicSession(platform, market=market)
        return FakeAdapter(self.accounts[platform], session=session, capabilities=self.capabilities(platform))

    def oauth(self, platform: Platform) -> FakeSignIn | None:
        self._require(platform)
        return self.sign_in if platform is Platform.SPOTIFY else None

    def browser_sign_in(self, platform: Platform) -> FakeScript | None:
        self._require(platform)
        return FakeScript() if platform is Platform.APPLE_MUSIC else None

    def connect_form(self, platform: Platform) -> ConnectForm | None:
        self._require(platform)
        return self.forms.get(platform)

    def _require(self, platform: Platform) -> None:
        if platform in self.unconfigured:
            raise PlatformNotConfigured(f"Set CROSSPLAY_{platform.upper()}_CLIENT_ID.")

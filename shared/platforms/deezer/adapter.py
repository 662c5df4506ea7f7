"""Deezer: which call does what. What is public needs no account; accounts need an app of the old days.

Source: calls and answers recorded by others (browniebroke/deezer-python, zaosoula/deezer-public-api), and
what they wrote about them, read 2026-11-22. Refusals come with status 200, see convert.reworded.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from msgspec import UNSET, structs

from shared.clock import Clock
from shared.errors import (
    AccountError,
    PlatformDenied,
    PlatformError,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
)
from shared.models import Account, Album, Isrc, Platform, Playlist, PlaylistId, TokenSet, Track, TrackId
from shared.platforms.answers import Refusal
from shared.platforms.base import (
    ADDED,
    REQUESTS,
    Added,
    Capabilities,
    Gate,
    Page,
    PlatformProfile,
    PlaylistPage,
    Pool,
    PublicReads,
    Session,
    SignInTerms,
    TargetPage,
    TargetView,
    TextQuery,
    WriteClass,
)
from shared.platforms.declaration import Declaration
from shared.platforms.deezer import convert, wire
from shared.platforms.http import NO_PROOF, Call, PlatformHttp, Proof, Sign
from shared.platforms.oauth import SIGN_IN, SIGN_IN_PRICES, OAuthApp
from shared.platforms.paging import Pager, RawPage
from shared.settings import Settings

T = TypeVar("T")

_PAGE = 100
_SEARCH_PAGE = 25

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
    Refusal(status=413, kind=PlatformRejected, message="The Deezer playlist is full."),
)


class DeezerAdapter:
    """One Deezer account, or nobody's: then what is public is read."""

    platform = Platform.DEEZER

    def __init__(self, http: PlatformHttp, *, session: Session, capabilities: Capabilities) -> None:
        self._http = http
        self._session = session
        self._user_id: int | None = None
        self.capabilities = capabilities

    async def account(self) -> Account:
        return convert.to_account(await self._me())

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        page = await self._playlists().page(cursor)
        user_id = await self._own_id()
        return PlaylistPage(
            playlists=tuple(convert.to_playlist(raw, user_id=user_id) for raw in page.rows),
            next_cursor=page.next_cursor,
        )

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        return convert.to_playlist(await self._head(playlist_id), user_id=await self._own_id())

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        page = await self._rows(playlist_id, operation="read_items").page(cursor)
        # Until 2023 rows had no ISRC; where one lacks it, the track itself is asked.
        rows = [row if row.isrc or row.id <= 0 else await self._told(row) for row in page.rows]
        return Page(items=tuple(map(convert.to_item, rows)), next_cursor=page.next_cursor, total=page.total)

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        # One by one, and one track for each.
        found = {}
        for isrc in isrcs:
            raw = await self._track(f"isrc:{isrc}", operation="find_by_isrc")
            found[isrc] = convert.to_candidates([raw]) if raw else ()
        return found

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        found = {}
        for track_id in dict.fromkeys(ids):
            raw = await self._track(track_id, operation="read_tracks")
            for track in convert.to_playable([raw]) if raw else ():
                # What is played in its place here is named by the asked id, as playlists name it.
                found[track_id] = structs.replace(track, id=track_id)
        return found

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = _plain(query.plain)
        if query.title and query.artist:
            text = f'artist:"{_plain(query.artist)}" track:"{_plain(query.title)}"'
        if not text:
            return ()
        return convert.to_candidates(await self._search(text, kind="track", into=wire.Listing[wire.Track]))

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        text = f'artist:"{_plain(artist)}" album:"{_plain(name)}"'
        rows = await self._search(text, kind="album", into=wire.Listing[wire.Album])
        return tuple(filter(None, map(convert.to_album, rows)))

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        path = {"album_id": album.id}
        # A search does not tell an album's date, nor do its rows.
        call = Call(operation="read_album_head", route="/album/{album_id}", path=path)
        head = await self._http.read(call, session=self._session, into=wire.Album)
        call = Call(operation="read_album", route="/album/{album_id}/tracks", path=path)
        pager = self._pager(call, into=wire.Listing[wire.Track])
        return convert.to_album_tracks([row async for row in pager.rows()], album=head)

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        """Create with the description in the title, then move it to its place: no call does both.

        So one whose answer is lost can be found by its marker at either step, at worst under a long title.
        """
        del key  # Deezer knows no such keys
        call = Call(
            operation="create_playlist",
            method="POST",
            route="/user/me/playlists",
            query={"title": f"{description}: {name}"},
        )
        made = await self._http.write(call, session=self._session, gate=gate, into=wire.Created)
        call = Call(
            operation="describe_playlist",
            method="POST",
            route="/playlist/{playlist_id}",
            path={"playlist_id": str(made.id)},
            query={"title": name, "description": description, "public": "false"},
        )
        try:
            await self._write(call, gate=gate)
        except (PlatformError, AccountError) as error:
            raise self._unclear(call.operation) from error  # a refusal would say that nothing was made
        raw = wire.Playlist(id=made.id, title=name, description=description, nb_tracks=0)
        return structs.replace(convert.to_playlist(raw, user_id=None), writable=True)

    async def find_playlist(self, marker: str) -> Playlist | None:
        rows = [raw async for raw in self._playlists().rows()]
        for raw in rows:
            if marker in (raw.title or ""):
                return convert.to_playlist(raw, user_id=await self._own_id())
        for raw in rows:  # lists do not tell descriptions
            head = await self._head(PlaylistId(str(raw.id))) if raw.description is UNSET else raw
            if marker in (head.description or ""):
                return convert.to_playlist(head, user_id=await self._own_id())
        return None

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del position, key  # Deezer can only append
        call = Call(
            operation="add_tracks",
            method="POST",
            route="/playlist/{playlist_id}/tracks",
            path={"playlist_id": playlist_id},
            query={"songs": ",".join(track_ids)},
        )
        await self._write(call, gate=gate)
        return ADDED

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        call = Call(
            operation="remove_tracks",
            method="DELETE",
            route="/playlist/{playlist_id}/tracks",
            path={"playlist_id": playlist_id},
            query={"songs": ",".join(track_ids)},
        )
        await self._write(call, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        call = Call(
            operation="delete_playlist",
            method="DELETE",
            route="/playlist/{playlist_id}",
            path={"playlist_id": playlist_id},
        )
        try:
            await self._write(call, gate=gate)
        except PlatformNotFound:
            return  # it is gone already

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        rows, total = await self._rows(playlist_id, operation="read_target").rest(offset=offset)
        return TargetView(rows=tuple(map(convert.to_target_row, rows)), total=total)

    async def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        async for page in self._rows(playlist_id, operation="read_target").pages(offset=offset):
            yield TargetPage(rows=tuple(map(convert.to_target_row, page.rows)), total=page.total)

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return convert.playlist_id_of(text)

    def track_id_of(self, text: str) -> TrackId | None:
        return convert.track_id_of(text)

    async def _me(self) -> wire.User:
        call = Call(operation="account", route="/user/me")
        return await self._http.read(call, session=self._session, into=wire.User)

    async def _own_id(self) -> int | None:
        if self._user_id is None and self._session.is_personal:
            self._user_id = (await self._me()).id
        return self._user_id

    async def _head(self, playlist_id: PlaylistId) -> wire.Playlist:
        call = Call(
            operation="get_playlist", route="/playlist/{playlist_id}", path={"playlist_id": playlist_id}
        )
        return await self._http.read(call, session=self._session, into=wire.Playlist)

    async def _track(self, name: str, *, operation: str) -> wire.Track | None:
        call = Call(
            operation=operation,
            route="/track/{track_id}",
            path={"track_id": name},
            nothing=("no data", b"null"),
        )
        return await self._http.read(call, session=self._session, into=wire.Track | None)  # type: ignore[arg-type]  # a union is no type to mypy

    async def _told(self, row: wire.Track) -> wire.Track:
        raw = await self._track(str(row.id), operation="read_catalog")
        return structs.replace(row, isrc=raw.isrc) if raw else row

    async def _search(self, text: str, *, kind: str, into: type[wire.Listing[T]]) -> list[T]:
        operation = "search" if kind == "track" else "search_albums"
        call = Call(operation=operation, route=f"/search/{kind}", query={"q": text, "limit": _SEARCH_PAGE})
        answer = await self._http.read(call, session=self._session, into=into)
        if answer.data is UNSET:
            raise self._unclear(operation)
        return answer.data

    async def _write(self, call: Call, *, gate: Gate) -> None:
        """Send once. Deezer says `true` for what it did."""
        is_done = await self._http.write(call, session=self._session, gate=gate, into=bool)
        if not is_done:
            raise self._unclear(call.operation)

    def _unclear(self, operation: str) -> PlatformUnavailable:
        return PlatformUnavailable(
            "Deezer answered without saying anything.", platform=self.platform, operation=operation
        )

    def _playlists(self) -> Pager[wire.Playlist]:
        call = Call(operation="list_playlists", route="/user/me/playlists")
        return self._pager(call, into=wire.Listing[wire.Playlist])

    def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Track]:
        path = {"playlist_id": playlist_id}
        call = Call(operation=operation, route="/playlist/{playlist_id}/tracks", path=path)
        return self._pager(call, into=wire.Listing[wire.Track])

    def _pager(self, call: Call, *, into: type[wire.Listing[T]]) -> Pager[T]:
        async def fetch(offset: int, limit: int) -> RawPage[T]:
            page = structs.replace(call, query={"index": offset, "limit": limit})
            raw = await self._http.read(page, session=self._session, into=into)
            return RawPage.of(raw.data, limit=limit, total=raw.total, next_url=raw.next)

        return Pager(fetch, page_sizes=(_PAGE,), platform=self.platform, operation=call.operation)


def _plain(text: str) -> str:
    """Take the characters of the search syntax out."""
    return " ".join(text.replace('"', " ").replace(":", " ").split())[:100]


def _signer(_: Settings, __: Clock) -> Sign:
    def sign(tokens: TokenSet | None) -> Proof:
        return Proof(query={"access_token": tokens.access_token}) if tokens else NO_PROOF

    return sign


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
        isrc_batch=1,
        add_batch=50,
        remove_batch=50,
        read_page=_PAGE,
        playlist_limit=2000,
        keeps_repeats=False,
        # Nobody has measured it; a few seconds cost little, a blind repetition is refused.
        visibility_delay_s=5.0,
        reads_lag=False,
        beside={"create_playlist": ("describe_playlist",), "read_album": ("read_album_head",)},
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
    sign=_signer,
    refusals=_REFUSALS,
    oauth=_oauth,
    reword=convert.reworded,
)

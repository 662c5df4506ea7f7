"""The port that every platform adapter implements, and what an adapter declares about itself."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

import msgspec

from shared.models import (
    Account,
    Album,
    Artist,
    Isrc,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    TokenSet,
    Track,
    TrackId,
)
from shared.platforms.collections import Collection, Keeping, collection_of
from shared.platforms.profile import Price


class WriteClass(StrEnum):
    """How a platform's way to add tracks behaves when an answer is lost; the engine knows these only."""

    POSITIONED_INSERT = "positioned_insert"
    APPEND_AND_READ_BACK = "append_and_read_back"
    IDEMPOTENCY_KEY = "idempotency_key"
    REPLACE_WHOLE_LIST = "replace_whole_list"

    @property
    def has_places(self) -> bool:
        """Whether tracks can be put at any position, not only at the end."""
        return self in (WriteClass.POSITIONED_INSERT, WriteClass.REPLACE_WHOLE_LIST)


class BrowserSignIn(Protocol):
    """A sign-in that a platform's own script does on a page of ours, and which ends with a token there.

    script_url: what the page loads. sources: what the script loads, frames and talks to, as a Content
    Security Policy names it.
    """

    @property
    def script_url(self) -> str: ...

    @property
    def sources(self) -> tuple[str, ...]: ...

    def page_token(self, *, origin: str) -> str:
        """Return what lets a page of this origin use the script; everybody may see it."""
        ...


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter can do, with the limits it keeps.

    isrc_batch: ISRCs of one look-up call, 0 where nothing is found by them. add_batch: tracks of one add
    call. playlist_limit: tracks of one playlist, None where none is known. visibility_delay_s: how long an
    accepted write may stay unseen. reads_lag: two equal reads are needed before "not there" is believed.
    search_parallel: look-ups that one job may have under way at once. has_fielded_search: a query's title
    and artist are told apart. has_albums: albums can be searched for and read. remove_batch: tracks of one
    removal, 0 where nothing can be removed. keeps_repeats: a track may stand twice in a playlist. can_write:
    playlists can be made and added to. key_life_s: how long after it was declared a write may be sent again
    under its key, which the platform then does not do twice; what it remembers, less the time that a send
    may wait for its turn. 0 where it knows no keys. beside: further calls that a call of an operation brings
    with it each time, by the names of both, so that a forecast counts them; prices are found by the same
    names. beside_list: the calls that the reading of a whole source brings with it once; beside_first: those
    of the first addition to an empty playlist. search_batch: text searches that the adapter gathers into one
    request. collections: what an account keeps beside playlists;
    they are listed first, and read like any of them. keeps_order: tracks stay where they were put.
    takes_any_track: there is no catalog, every track is taken as it is; the adapter is an Adopter then.
    proves_adds: answers to additions name what was added, see Added.is_proved.
    """

    write_class: WriteClass
    isrc_batch: int
    add_batch: int
    read_page: int
    playlist_limit: int | None
    visibility_delay_s: float
    reads_lag: bool
    search_parallel: int = 4
    has_fielded_search: bool = False
    has_albums: bool = False
    remove_batch: int = 0
    keeps_repeats: bool = True
    can_write: bool = True
    key_life_s: float = 0.0
    takes_any_track: bool = False
    proves_adds: bool = False
    collections: Mapping[Collection, Keeping] = {}
    keeps_order: bool = True
    apart_s: float = 0.0
    beside: Mapping[str, tuple[str, ...]] = {}
    beside_list: tuple[str, ...] = ()
    beside_first: tuple[str, ...] = ()
    search_batch: int = 1

    @property
    def can_remove(self) -> bool:
        return self.remove_batch > 0

    def of_target(self, playlist_id: str | None) -> "Capabilities":
        """Return the same for this target: a collection holds each track once, the last one as the newest."""
        collection = collection_of(playlist_id)
        if collection is None:
            return self
        keeping = self.collections[collection]
        return msgspec.structs.replace(
            self,
            write_class=WriteClass.APPEND_AND_READ_BACK,
            add_batch=keeping.add_batch,
            remove_batch=keeping.remove_batch,
            playlist_limit=None,
            keeps_repeats=False,
            keeps_order=keeping.is_dated,
            apart_s=keeping.apart_s,
            key_life_s=0.0,
            proves_adds=False,
            beside={},
            beside_first=(),
        )


class TextQuery(Protocol):
    """What a text search asks for: one plain string, and both fields where a fielded search is wanted."""

    @property
    def title(self) -> str | None: ...

    @property
    def artist(self) -> str | None: ...

    @property
    def plain(self) -> str: ...


class Budget(Protocol):
    """What all workers together may ask of a platform, seen by one of them; it has the profile's pools."""

    async def acquire(self, price: Price) -> None:
        """Wait until a request of this price may leave. Raises RateLimited where the wait is a long one."""

    async def cool_down(self, retry_after_s: float, *, pool: str) -> None:
        """Stop every worker's requests that draw on this pool for so long: the platform said 429."""

    async def use_up(self, *, pool: str) -> float:
        """Stop them until the pool's quota is renewed: the platform said that it is used up.

        Returns the seconds until then.
        """


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Items of a source playlist. next_cursor is None on the last page; total where the platform tells."""

    items: tuple[SourceItem, ...]
    next_cursor: str | None
    total: int | None


class PlaylistPage(msgspec.Struct, frozen=True, kw_only=True):
    """Playlists of an account. next_cursor is None on the last page."""

    playlists: tuple[Playlist, ...]
    next_cursor: str | None


class TargetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One position of a target playlist.

    track_id is None where the platform does not name the track. title: as the platform shows it, alone.
    """

    track_id: TrackId | None
    title: str = ""


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """A target playlist from an offset to its end. total: its whole length, offset included."""

    rows: tuple[TargetRow, ...]
    total: int


class TargetPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a target playlist. total: its whole length, None where the platform does not tell."""

    rows: tuple[TargetRow, ...]
    total: int | None


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform says of tracks that it was to add; most say nothing but that it is done.

    left_out: which of them it has not taken, by their index. is_proved: it has named what it added, and that
    is what was asked for, in this order, but for those.
    """

    left_out: tuple[int, ...] = ()
    is_proved: bool = False


ADDED = Added()
"""It is done, and nothing is said beside."""

Gate = Callable[[], None]
"""Called inside the request body, right before its bytes leave. Raises LeaseLost to stop the send."""


class Session(Protocol):
    """In whose name an adapter speaks, a connection's or nobody's: fresh tokens and the catalog's market."""

    @property
    def is_personal(self) -> bool:
        """Whether it is a user's; else it sees what everybody may see, and can write nothing."""
        ...

    @property
    def market(self) -> str: ...

    @property
    def server(self) -> str:
        """The base address of the user's own server; "" where the platform has one for all."""
        ...

    async def tokens(self) -> TokenSet | None:
        """Return tokens that are valid now, None where nobody's calls need none.

        Raises ReconnectRequired, PlatformUnavailable.
        """

    async def refresh(self, *, rejected: TokenSet) -> TokenSet:
        """Replace tokens that the platform has just refused. Raises as `tokens` does."""


def is_personal(session: Session | None) -> bool:
    """Say whether a call speaks in a user's name."""
    return session is not None and session.is_personal


class Adapter(Protocol):
    """One connection's view of one platform.

    Every method raises PlatformUnavailable, RateLimited, ReconnectRequired, PlatformDenied,
    PlatformNotFound, PlatformRejected or PlatformAnswerInvalid, and nothing else of its own but
    ValidationFailed for a cursor that no page gave.
    Reads repeat themselves a few times; the writes (`create_playlist`, `add_tracks`, `remove_tracks`,
    `delete_playlist`) are sent once.
    """

    @property
    def platform(self) -> Platform: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def account(self) -> Account:
        """Say whose connection this is; answers only if the tokens really work."""

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        """List the account's playlists, one page. cursor: the page before's next_cursor."""

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        """Read one playlist's head, without its items."""

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        """Read one page of a source playlist, in order; every row counts, odd ones too."""

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        """Look up 1..capabilities.isrc_batch ISRCs; each asked one is a key, () where nothing is known.

        What the market does not play is left out, or better comes with is_playable False, as in `search`:
        then an item that is nothing else is told to be out of the region, and not to be missing.
        Never asked where isrc_batch is 0.
        """

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        """Read catalog tracks by their ids; one that this connection's market does not have is left out."""

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        """Search the catalog by text; the platform's own order, at most a page."""

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        """Search the catalog for albums of an artist; the platform's own order, at most a page.

        Asked only where capabilities.has_albums, as `read_album` is.
        """

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        """Read all tracks of an album that can be played in this market, in its order.

        They may lack their ISRCs. Raises PlatformNotFound where the album is gone.
        """

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        """Search the catalog for artists; the platform's own order, at most a page.

        Asked only where capabilities.collections has artists.
        """

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        """Create an empty playlist. description comes back in `find_playlist`.

        key: names this write, at most 64 ASCII letters and digits. Where the platform knows such keys, the
        same write with the same key is done once, and its first answer given again (what it still is doing
        is PlatformUnavailable); elsewhere it is not looked at, and nothing is idempotent.
        """

    async def find_playlist(self, marker: str) -> Playlist | None:
        """Find an own playlist whose description holds the marker. May miss one that is very new."""

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        """Add 1..capabilities.add_batch tracks in the given order at position, the playlist's length.

        Platforms that can only append ignore position. key: as in `create_playlist`. After
        PlatformUnavailable the tracks may stand there or not: read back before sending again.
        """

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        """Remove 1..capabilities.remove_batch tracks wherever they stand in a playlist, every copy of each.

        Idempotent: one that does not stand there is no error. After PlatformUnavailable the call may have
        happened. Raises PlatformRejected where the platform cannot remove, see capabilities.can_remove.
        """

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        """Delete an own playlist from the account. Idempotent. Raises as `remove_tracks` does."""

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        """Read a target playlist from offset to its end, to be held as a whole."""

    def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        """Read the same page by page: a playlist may have more rows than anybody wants to hold.

        It may change between two pages; the total then does too, as a rule.
        """

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        """Return the playlist id in an id, URI or share URL of this platform; None if it is none."""

    def track_id_of(self, text: str) -> TrackId | None:
        """Return the catalog track id in an id, URI or share URL; None if it is none."""


@runtime_checkable
class Adopter(Protocol):
    """What an adapter does besides where capabilities.takes_any_track."""

    async def adopt(self, tracks: Sequence[Track]) -> tuple[Track, ...]:
        """Make tracks of anywhere into tracks of this platform, in order, which can be added from now on.

        Idempotent: the same words make the same track. Raises PlatformUnavailable.
        """

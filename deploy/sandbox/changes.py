"""What can change in a sandbox account: the values that are kept and the changes that are journaled."""

import msgspec


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One position of a playlist.

    kind: track | local | episode | removed | unplayable | video. track_id: the platform's id of the
    recording, None where there is none behind the item. The words are kept for items without one. uid: names
    this one occurrence on platforms that do so.
    """

    kind: str = "track"
    track_id: str | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration_ms: int | None = None
    added_at_s: float = 0
    visible_at_s: float = 0
    uid: str = ""


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A secret that the sandbox gave out. kind: access | refresh | user."""

    value: str
    kind: str
    user: str | None
    issued_at_s: float
    ends_at_s: float
    authorized_at_s: float = 0
    client_id: str = ""
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Token(kind={self.kind!r}, user={self.user!r})"


class PlaylistCreated(msgspec.Struct, frozen=True, kw_only=True, tag="playlist_created.v1"):
    playlist_id: str
    owner: str
    name: str
    description: str = ""
    is_public: bool = True
    is_collaborative: bool = False
    created_at_s: float = 0
    visible_at_s: float = 0


class PlaylistDeleted(msgspec.Struct, frozen=True, kw_only=True, tag="playlist_deleted.v1"):
    playlist_id: str


class DetailsChanged(msgspec.Struct, frozen=True, kw_only=True, tag="details_changed.v1"):
    """New details of a playlist; None leaves one as it is."""

    playlist_id: str
    name: str | None = None
    description: str | None = None
    is_public: bool | None = None
    is_collaborative: bool | None = None
    has_cover: bool | None = None


class ItemsInserted(msgspec.Struct, frozen=True, kw_only=True, tag="items_inserted.v1"):
    playlist_id: str
    position: int
    items: tuple[Item, ...]


class ItemsReplaced(msgspec.Struct, frozen=True, kw_only=True, tag="items_replaced.v1"):
    playlist_id: str
    items: tuple[Item, ...]


class FollowChanged(msgspec.Struct, frozen=True, kw_only=True, tag="follow_changed.v1"):
    playlist_id: str
    user: str
    follows: bool


class LibraryChanged(msgspec.Struct, frozen=True, kw_only=True, tag="library_changed.v1"):
    """Objects saved to or removed from a user's library, named by URI (Spotify) or id (Apple Music)."""

    user: str
    names: tuple[str, ...]
    is_saved: bool
    at_s: float


class TokenIssued(msgspec.Struct, frozen=True, kw_only=True, tag="token_issued.v1"):
    token: Token


class TokenRevoked(msgspec.Struct, frozen=True, kw_only=True, tag="token_revoked.v1"):
    value: str

    def __repr__(self) -> str:
        return "TokenRevoked()"


class ClockAdvanced(msgspec.Struct, frozen=True, kw_only=True, tag="clock_advanced.v1"):
    seconds: float


Change = (
    PlaylistCreated
    | PlaylistDeleted
    | DetailsChanged
    | ItemsInserted
    | ItemsReplaced
    | FollowChanged
    | LibraryChanged
    | TokenIssued
    | TokenRevoked
    | ClockAdvanced
)

"""What can be set when a sandbox is started."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

Regime = Literal["dev", "extended"]
ItemKeys = Literal["both", "new", "old"]
RefreshTokens = Literal["keep", "empty", "rotate"]
Repeats = Literal["keep", "skip"]


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `request_count` requests in any `window_s` seconds."""

    request_count: Annotated[int, msgspec.Meta(ge=1)]
    window_s: Annotated[float, msgspec.Meta(gt=0)]


class TokenBucket(msgspec.Struct, frozen=True, kw_only=True):
    """At most `capacity` tokens at once, `per_s` more each second."""

    capacity: Annotated[int, msgspec.Meta(ge=1)]
    per_s: Annotated[float, msgspec.Meta(gt=0)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The knobs of one simulated platform; deploy/sandbox/README.md explains each."""

    platform: str
    user: str = "sandbox"
    state_dir: Path | None = None
    latency_ms: int = 0
    write_hold_ms: int = 5
    rate_limit: RateLimit | None = None
    auto_approve: bool = True
    control_networks: tuple[str, ...] = ()  # whose callers may use the control routes, beside the loopback
    # Spotify only, but clients and redirect addresses
    regime: Regime = "dev"
    item_keys: ItemKeys = "both"
    # Spotify and YouTube
    clients: dict[str, str] = {}  # client id -> secret ("" accepts any); empty accepts every client
    redirect_uris: tuple[str, ...] = ()  # empty accepts every allowed form
    # Spotify only
    refresh_tokens: RefreshTokens = "keep"
    # YouTube only
    daily_units: Annotated[int, msgspec.Meta(ge=0)] = 10_000
    daily_searches: Annotated[int, msgspec.Meta(ge=0)] = 100
    # Apple Music only
    developer_public_key: str | None = None  # PEM
    storefront: str = "us"
    playlist_songs: bool = True  # the user's setting: songs of own playlists are in the library, too
    # Deezer only
    has_row_isrcs: bool = True  # rows of playlists and searches say their ISRC, as they do since 2024 or so
    # TIDAL only
    country: str = "US"  # of the account
    repeats: Repeats = "keep"  # what becomes of a track that a playlist has already
    token_bucket: TokenBucket | None = None
    # Subsonic only
    password: str = "sandbox"  # noqa: S105 - of an account that does not exist
    form_post: bool = True
    api_keys: bool = True
    open_subsonic: bool = True  # else a server from before it, which knows neither

"""The settings of each platform, one group each: keys of the app, addresses, and what may be overridden."""

from typing import Annotated

import msgspec

from shared.secret import NO_SECRET, Secret

Positive = Annotated[float, msgspec.Meta(gt=0)]


class PlatformSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Fields are named <platform>_<what>. Each platform has an api_url and a visibility_s.

    And requests_per_s; or, for each of its pools that count days, <pool>_per_day.
    """

    spotify_client_id: str = ""
    spotify_client_secret: Secret = NO_SECRET
    spotify_api_url: str = "https://api.spotify.com/v1"
    spotify_accounts_url: str = "https://accounts.spotify.com"
    spotify_requests_per_s: Positive | None = None
    spotify_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    apple_music_team_id: str = ""
    apple_music_key_id: str = ""
    apple_music_private_key: Secret = NO_SECRET
    apple_music_api_url: str = "https://api.music.apple.com/v1"
    apple_music_musickit_url: str = "https://js-cdn.music.apple.com/musickit/v3/musickit.js"
    apple_music_requests_per_s: Positive | None = None
    apple_music_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    youtube_client_id: str = ""
    youtube_client_secret: Secret = NO_SECRET
    youtube_api_url: str = "https://www.googleapis.com/youtube/v3"
    youtube_auth_url: str = "https://accounts.google.com"
    youtube_token_url: str = "https://oauth2.googleapis.com"  # noqa: S105 - an address, no secret
    youtube_requests_per_day: Positive | None = None
    youtube_searches_per_day: Positive | None = None
    youtube_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None


GROUPS: dict[str, str] = {
    "spotify_client_id": "Spotify",
    "apple_music_team_id": "Apple Music",
    "youtube_client_id": "YouTube",
}
"""Titles by the first field of each group."""

DESCRIPTIONS: dict[str, str] = {
    "spotify_client_id": "Client id of your Spotify app.",
    "spotify_client_secret": "Its secret; empty: PKCE alone.",
    "spotify_api_url": "Base address of the Spotify Web API.",
    "spotify_accounts_url": "Base address of Spotify's sign-in.",
    "spotify_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "spotify_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "apple_music_team_id": "Apple developer team id.",
    "apple_music_key_id": "Id of the MusicKit key.",
    "apple_music_private_key": "The MusicKit key: PEM text, or the path of the .p8 file.",
    "apple_music_api_url": "Base address of the Apple Music API.",
    "apple_music_musickit_url": "The script by which users sign in to Apple Music on a page of the gateway.",
    "apple_music_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "apple_music_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "youtube_client_id": "Client id of your Google Cloud project's OAuth client.",
    "youtube_client_secret": "Its secret; Google wants it beside PKCE.",
    "youtube_api_url": "Base address of the YouTube Data API.",
    "youtube_auth_url": "Base address of Google's sign-in.",
    "youtube_token_url": "Base address of Google's tokens.",
    "youtube_requests_per_day": "Quota units of a Pacific day that the project has, but for searches; empty: "
    "the profile's.",
    "youtube_searches_per_day": "Searches of a Pacific day that the project has; empty: the profile's.",
    "youtube_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
}

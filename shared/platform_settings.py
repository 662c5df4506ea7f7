"""The settings of each platform, one group each: keys of the app, addresses, and what may be overridden."""

from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import msgspec

from shared.installed import SETTINGS, PluginFault, installed, load
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
    youtube_api_key: Secret = NO_SECRET
    youtube_api_url: str = "https://www.googleapis.com/youtube/v3"
    youtube_auth_url: str = "https://accounts.google.com"
    youtube_token_url: str = "https://oauth2.googleapis.com"  # noqa: S105 - an address, no secret
    youtube_requests_per_day: Positive | None = None
    youtube_searches_per_day: Positive | None = None
    youtube_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    deezer_app_id: str = ""
    deezer_app_secret: Secret = NO_SECRET
    deezer_ip_name: str = "default"
    deezer_api_url: str = "https://api.deezer.com"
    deezer_accounts_url: str = "https://connect.deezer.com"
    deezer_requests_per_s: Positive | None = None
    deezer_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    listenbrainz_ip_name: str = "default"
    listenbrainz_api_url: str = "https://api.listenbrainz.org/1"
    listenbrainz_requests_per_s: Positive | None = None
    listenbrainz_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    tidal_client_id: str = ""
    tidal_client_secret: Secret = NO_SECRET
    tidal_api_url: str = "https://openapi.tidal.com/v2"
    tidal_auth_url: str = "https://auth.tidal.com"
    tidal_login_url: str = "https://login.tidal.com"
    tidal_requests_per_s: Positive | None = None
    tidal_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    soundcloud_client_id: str = ""
    soundcloud_client_secret: Secret = NO_SECRET
    soundcloud_api_url: str = "https://api.soundcloud.com"
    soundcloud_sign_in_url: str = "https://secure.soundcloud.com"
    soundcloud_requests_per_s: Positive | None = None
    soundcloud_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    subsonic_allowed_networks: str = ""
    subsonic_requests_per_s: Positive | None = None
    subsonic_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None


GROUPS: dict[str, str] = {
    "spotify_client_id": "Spotify",
    "apple_music_team_id": "Apple Music",
    "youtube_client_id": "YouTube",
    "deezer_app_id": "Deezer",
    "listenbrainz_ip_name": "ListenBrainz",
    "tidal_client_id": "TIDAL",
    "soundcloud_client_id": "SoundCloud",
    "subsonic_allowed_networks": "Subsonic",
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
    "youtube_api_key": "API key of the same project, for public playlists of who has no account connected.",
    "youtube_api_url": "Base address of the YouTube Data API.",
    "youtube_auth_url": "Base address of Google's sign-in.",
    "youtube_token_url": "Base address of Google's tokens.",
    "youtube_requests_per_day": "Quota units of a Pacific day that the project has, but for searches; empty: "
    "the profile's.",
    "youtube_searches_per_day": "Searches of a Pacific day that the project has; empty: the profile's.",
    "youtube_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "deezer_app_id": "Id of a Deezer app, to connect accounts; what is public can be read without one.",
    "deezer_app_secret": "Its secret key.",
    "deezer_ip_name": "Names the public address of these workers: those of one name share its limit.",
    "deezer_api_url": "Base address of the Deezer API.",
    "deezer_accounts_url": "Base address of Deezer's sign-in.",
    "deezer_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "deezer_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "listenbrainz_ip_name": "Names the public address of these workers: those of one name share its limit.",
    "listenbrainz_api_url": "Base address of the ListenBrainz API.",
    "listenbrainz_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "listenbrainz_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "tidal_client_id": "Client id of your TIDAL app.",
    "tidal_client_secret": "Its secret; empty: PKCE alone.",
    "tidal_api_url": "Base address of the TIDAL API.",
    "tidal_auth_url": "Base address of TIDAL's token server.",
    "tidal_login_url": "Base address of TIDAL's sign-in page.",
    "tidal_requests_per_s": "Tokens of TIDAL's bucket that fill up each second, for all workers together; "
    "empty: the profile's.",
    "tidal_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "soundcloud_client_id": "Client id of your SoundCloud app.",
    "soundcloud_client_secret": "Its secret, without which SoundCloud gives no tokens.",
    "soundcloud_api_url": "Base address of the SoundCloud API.",
    "soundcloud_sign_in_url": "Base address of SoundCloud's sign-in.",
    "soundcloud_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "soundcloud_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "subsonic_allowed_networks": "Networks of your own in which users' servers may be, as CIDRs by comma; "
    "http will do there. Empty: public https addresses only.",
    "subsonic_requests_per_s": "Limit of all workers together at each server, 98.5 % are used; empty: the "
    "profile's.",
    "subsonic_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
}


def _add(name: str, brought: object) -> list[tuple[str, Any, Any]]:
    """Take the settings of another package's platform in; return their fields. Raises PluginFault."""
    if not (isinstance(brought, type) and issubclass(brought, msgspec.Struct)):
        raise PluginFault(f"The entry point `{name}` of {SETTINGS} must lead to a Struct.")
    fields = []
    hints = get_type_hints(brought, include_extras=True)
    for field in msgspec.structs.fields(brought):
        if not field.name.startswith(f"{name}_") or field.required:
            raise PluginFault(f"{field.name} must begin with `{name}_` and have a default ({SETTINGS}).")
        metas = [one for one in get_args(hints[field.name])[1:] if isinstance(one, msgspec.Meta)]
        DESCRIPTIONS[field.name] = next((one.description for one in metas if one.description), field.name)
        fields.append((field.name, hints[field.name], field.default))
    if fields:
        GROUPS[fields[0][0]] = name.replace("_", " ").title()
    return fields


if not TYPE_CHECKING:  # what other packages bring stands beside our own fields, and is read as they are
    PlatformSettings = msgspec.defstruct(
        "PlatformSettings",
        [field for name, point in installed(SETTINGS).items() for field in _add(name, load(point))],
        bases=(PlatformSettings,),
        module=__name__,
        frozen=True,
        kw_only=True,
    )

"""MusicKit on the Web: the script with which Apple signs a user in, on a page of ours.

Source: developer.apple.com/documentation/musickitjs, read 2026-11-22.
"""

from urllib.parse import urlsplit

from shared.clock import Clock
from shared.platforms.apple_music.developer_token import DeveloperToken
from shared.settings import Settings, private_key_pem

_APPLE = ("https://*.music.apple.com", "https://music.apple.com", "https://*.apple.com")


class MusicKit:
    """Implements the BrowserSignIn port."""

    def __init__(self, *, script_url: str, token: DeveloperToken) -> None:
        self.script_url = script_url
        self._token = token

    @property
    def sources(self) -> tuple[str, ...]:
        parts = urlsplit(self.script_url)
        if parts.hostname and parts.hostname.endswith(".apple.com"):
            return _APPLE
        return (f"{parts.scheme}://{parts.netloc}",)  # a stand-in is all on one server

    def page_token(self, *, origin: str) -> str:
        return self._token.for_page(origin=origin)


def developer_token(settings: Settings, clock: Clock) -> DeveloperToken:
    """Raises SettingsError for a useless key."""
    return DeveloperToken(
        team_id=settings.apple_music_team_id,
        key_id=settings.apple_music_key_id,
        pem=private_key_pem(settings),
        clock=clock,
    )


def musickit(settings: Settings, clock: Clock) -> MusicKit:
    return MusicKit(script_url=settings.apple_music_musickit_url, token=developer_token(settings, clock))

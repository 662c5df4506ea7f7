"""ListenBrainz, which knows recordings of MusicBrainz and finds them by artist and title alone."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from deploy.sandbox.options import Options
from shared.models import Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.registry import Platforms
from tests.contract.flavor import Flavor
from tests.fakes.session import FakeSession


def settings(url: URL) -> Mapping[str, Any]:
    return {"listenbrainz_api_url": str(url / "1")}


async def connect(platforms: Platforms, platform: Platform, url: URL) -> FakeSession:
    """Fill the form in with a token, as its user copies it from the settings."""
    async with aiohttp.ClientSession() as client, client.post(url / "_sandbox/user-tokens") as response:
        token = (await response.json())["music_user_token"]
    form = platforms.connect_form(platform)
    assert form is not None
    filled = form.fill({"token": f" {token} "})
    assert filled.tokens == TokenSet(access_token=token)
    return FakeSession(filled.tokens)


FLAVORS = {
    "listenbrainz": Flavor(
        options=Options(platform="listenbrainz"),
        settings=settings,
        absent_playlist=PlaylistId("99999999-9999-4999-8999-999999999999"),
        absent_track=TrackId("99999999-9999-4999-8999-999999999999"),
        connect=connect,
        # A recording that MusicBrainz has lost keeps its words, and stands in playlists like any other.
        odd_kind="local",
        odd_reasons=frozenset(),
        revoked="user",
        can_refresh=False,
        cuts_pages=True,
        finds_plain_text=False,
    )
}

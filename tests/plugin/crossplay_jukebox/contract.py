"""What the contract suite has to know of the jukebox."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from crossplay_jukebox import sandbox  # noqa: F401 - it makes itself known
from deploy.sandbox.options import Options
from shared.models import NotTransferable, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.registry import Platforms
from tests.contract.flavor import Flavor
from tests.fakes.session import FakeSession


def settings(url: URL) -> Mapping[str, Any]:
    return {"jukebox_api_url": str(url / "api")}


async def connect(_: Platforms, __: Platform, url: URL) -> FakeSession:
    async with aiohttp.ClientSession() as client, client.post(url / "_sandbox/user-tokens") as response:
        token = (await response.json())["music_user_token"]
    return FakeSession(TokenSet(access_token=token))


FLAVORS = {
    "jukebox": Flavor(
        options=Options(platform="jukebox"),
        settings=settings,
        absent_playlist=PlaylistId("list-0000000000"),
        absent_track=TrackId("song-0000000000"),
        connect=connect,
        local_row=NotTransferable.LOCAL_FILE,
        revoked="user",
        can_refresh=False,
        has_offsets=True,
    )
}

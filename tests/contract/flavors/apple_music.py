"""Apple Music, whose users sign in on a page and whose apps sign their calls."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from yarl import URL

from deploy.sandbox.options import Options
from shared.errors import ReconnectRequired
from shared.models import Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.registry import Platforms
from shared.secret import Secret
from tests.contract.flavor import Flavor
from tests.fakes.session import FakeSession

DEVELOPER_KEY = generate_private_key(SECP256R1())


def settings(url: URL) -> Mapping[str, Any]:
    pem = DEVELOPER_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "apple_music_team_id": "TEAM000001",
        "apple_music_key_id": "KEY0000001",
        "apple_music_private_key": Secret(pem.decode()),
        "apple_music_api_url": str(url / "v1"),
    }


async def connect(_: Platforms, __: Platform, url: URL) -> FakeSession:
    async with aiohttp.ClientSession() as client, client.post(url / "_sandbox/user-tokens") as response:
        token = (await response.json())["music_user_token"]
    return FakeSession(TokenSet(access_token=token), market="de")


FLAVORS = {
    "apple_music": Flavor(
        options=Options(
            platform="apple_music",
            storefront="de",
            playlist_songs=False,  # the library has what a test puts there, and nothing else
            developer_public_key=DEVELOPER_KEY.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
        ),
        settings=settings,
        absent_playlist=PlaylistId("p.NowhereNowhere1"),
        absent_track=TrackId("999999999"),
        connect=connect,
        look_up=("lookup_isrc", "search"),
        # The user's token is dead where it says 403, and cannot be refreshed.
        forbidden=ReconnectRequired,
        revoked="user",
        can_refresh=False,
        has_account_id=False,
        has_offsets=True,
        public_id=lambda own_id: PlaylistId(f"pl.u-{own_id.removeprefix('p.')}"),
        cannot_remove="Music app",
    )
}

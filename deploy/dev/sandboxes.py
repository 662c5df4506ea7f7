"""How each simulated platform is used: what Crossplay is told of it, and how its account is connected."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.cli.loopback import visit

FIRST = ("spotify", "apple_music")
"""The two that every system on one machine has; the others are named where they are wanted."""

TEAM_ID, KEY_ID = "SANDBOX001", "SANDBOXKEY"


class Post(Protocol):
    """Sends JSON to a path of the gateway, or to another address, and returns the JSON of a success."""

    def __call__(self, path: str, body: Mapping[str, Any]) -> Awaitable[dict[str, Any]]: ...


Tell: TypeAlias = Callable[[str, str], Mapping[str, str]]
"""Returns settings without their prefix: (address of the sandbox, PEM of the Apple developer's key)."""


class SandboxUse(msgspec.Struct, frozen=True, kw_only=True):
    """tell: see Tell. connect: makes the connection as a user of this sandbox does, given its address.

    revocable: the kinds of tokens that the sandbox can revoke, "" for all at once. pace: the settings of its
    budget by what follows the platform's name. arguments: for the sandbox itself.
    """

    tell: Tell
    connect: Callable[[Post, str, str], Awaitable[None]]
    revocable: tuple[str, ...] = ("access", "")
    pace: Mapping[str, str] = msgspec.field(default_factory=lambda: {"REQUESTS_PER_S": "200"})
    arguments: tuple[str, ...] = ()


async def by_redirect(post: Post, platform: str, _: str) -> None:
    """Pass the consent page, which asks nobody, and hand its answer in. Raises CommandStopped."""
    started = await post(f"/connect/{platform}", {"hand_in": True})
    address = await visit(started["authorize_url"])
    await post(f"/connect/sessions/{started['id']}/answer", {"address": address})


async def by_user_token(post: Post, platform: str, sandbox_url: str) -> None:
    """Take a user token, which the sandbox makes for its own host alone."""
    issued = await post(f"{sandbox_url}/_sandbox/user-tokens", {})
    await post(f"/connect/{platform}", {"music_user_token": issued["music_user_token"]})


def _spotify(url: str, _: str) -> Mapping[str, str]:
    return {
        "SPOTIFY_CLIENT_ID": "crossplay-sandbox",
        "SPOTIFY_CLIENT_SECRET": "",
        "SPOTIFY_API_URL": f"{url}/v1",
        "SPOTIFY_ACCOUNTS_URL": url,
    }


def _apple_music(url: str, private_key: str) -> Mapping[str, str]:
    return {
        "APPLE_MUSIC_TEAM_ID": TEAM_ID,
        "APPLE_MUSIC_KEY_ID": KEY_ID,
        "APPLE_MUSIC_PRIVATE_KEY": private_key,
        "APPLE_MUSIC_API_URL": f"{url}/v1",
        "APPLE_MUSIC_MUSICKIT_URL": f"{url}/musickit/v3/musickit.js",
    }


def _deezer(url: str, _: str) -> Mapping[str, str]:
    return {
        "DEEZER_APP_ID": "100000",
        "DEEZER_APP_SECRET": "crossplay-sandbox",
        "DEEZER_API_URL": url,
        "DEEZER_ACCOUNTS_URL": url,
    }


def _youtube(url: str, _: str) -> Mapping[str, str]:
    return {
        "YOUTUBE_CLIENT_ID": "1-crossplay.apps.googleusercontent.com",
        "YOUTUBE_CLIENT_SECRET": "crossplay-sandbox",
        "YOUTUBE_API_URL": f"{url}/youtube/v3",
        "YOUTUBE_AUTH_URL": url,
        "YOUTUBE_TOKEN_URL": url,
    }


_MANY = "1000000"

USES: Mapping[str, SandboxUse] = {
    "spotify": SandboxUse(tell=_spotify, connect=by_redirect),
    "apple_music": SandboxUse(tell=_apple_music, connect=by_user_token, revocable=("user",)),
    "deezer": SandboxUse(tell=_deezer, connect=by_redirect),
    "youtube": SandboxUse(
        tell=_youtube,
        connect=by_redirect,
        pace={"REQUESTS_PER_DAY": _MANY, "SEARCHES_PER_DAY": _MANY},
        arguments=("--daily-units", _MANY, "--daily-searches", _MANY),
    ),
}


def defaults(platforms: Iterable[str] = USES) -> dict[str, str]:
    """Return what suits sandboxes: nobody has to be spared, and a crash is got over in seconds."""
    paces = {
        f"{platform.upper()}_{name}": value
        for platform in platforms
        for name, value in USES[platform].pace.items()
    }
    delays = {f"{platform.upper()}_VISIBILITY_S": "0.5" for platform in platforms}
    return {**paces, **delays, "LEASE_S": "8", "SEND_TIMEOUT_S": "3", "SWEEP_S": "0.5"}


def settings(urls: Mapping[str, str], *, apple_private_key: str) -> dict[str, str]:
    """Return settings by name, without their prefix. urls: of each sandbox, by platform."""
    return {
        name: value
        for platform, url in urls.items()
        for name, value in USES[platform].tell(url, apple_private_key).items()
    }


def new_apple_key() -> str:
    """Make a developer's private key as PEM text; a sandbox accepts any."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode()

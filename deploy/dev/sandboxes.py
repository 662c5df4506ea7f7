"""How each simulated platform is used: what Crossplay is told of it, and how its account is connected."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.cli.loopback import visit

FIRST = ("spotify", "apple_music")
"""The two that every system on one machine has; the others are named where they are wanted."""


class Post(Protocol):
    """Sends JSON to a path of the gateway, or to another address, and returns the JSON of a success."""

    def __call__(self, path: str, body: Mapping[str, Any]) -> Awaitable[dict[str, Any]]: ...


Connect: TypeAlias = Callable[[Post, str, str], Awaitable[None]]
"""Makes the connection as a user of a sandbox does: (post, platform, address of the sandbox)."""


class SandboxUse(msgspec.Struct, frozen=True, kw_only=True):
    """settings: what Crossplay is told, without the prefix of its variables; {url} is the sandbox's address,
    {apple_key} the PEM of a developer's key. arguments: of the sandbox itself. revocable: the kinds of tokens
    that it can revoke, "" for all at once. pace: settings that let it be used up, by what follows its name.
    """

    settings: Mapping[str, str]
    connect: Connect
    arguments: tuple[str, ...] = ()
    revocable: tuple[str, ...] = ("access", "")
    pace: Mapping[str, str] = msgspec.field(default_factory=lambda: {"REQUESTS_PER_S": "200"})


async def by_redirect(post: Post, platform: str, _: str) -> None:
    """Pass the consent page, which asks nobody, and hand its answer in. Raises CommandStopped."""
    started = await post(f"/connect/{platform}", {"hand_in": True})
    address = await visit(started["authorize_url"])
    await post(f"/connect/sessions/{started['id']}/answer", {"address": address})


async def by_user_token(post: Post, platform: str, sandbox_url: str) -> None:
    """Take a user token, which the sandbox makes for its own host alone."""
    issued = await post(f"{sandbox_url}/_sandbox/user-tokens", {})
    await post(f"/connect/{platform}", {"music_user_token": issued["music_user_token"]})


def by_form(fields: Mapping[str, str]) -> Connect:
    """Fill the form in; {token} is one that the sandbox makes, also as a password: a revoked one stays so."""

    async def connect(post: Post, platform: str, sandbox_url: str) -> None:
        issued = await post(f"{sandbox_url}/_sandbox/user-tokens", {})
        marks = {"{url}": sandbox_url, "{token}": issued["music_user_token"]}
        form = {name: _filled(value, marks) for name, value in fields.items()}
        await post(f"/connect/{platform}", {"form": form})

    return connect


_MANY = "1000000"

USES: Mapping[str, SandboxUse] = {
    "spotify": SandboxUse(
        settings={
            "SPOTIFY_CLIENT_ID": "crossplay-sandbox",
            "SPOTIFY_CLIENT_SECRET": "",
            "SPOTIFY_API_URL": "{url}/v1",
            "SPOTIFY_ACCOUNTS_URL": "{url}",
        },
        connect=by_redirect,
    ),
    "apple_music": SandboxUse(
        settings={
            "APPLE_MUSIC_TEAM_ID": "SANDBOX001",
            "APPLE_MUSIC_KEY_ID": "SANDBOXKEY",
            "APPLE_MUSIC_PRIVATE_KEY": "{apple_key}",
            "APPLE_MUSIC_API_URL": "{url}/v1",
            "APPLE_MUSIC_MUSICKIT_URL": "{url}/musickit/v3/musickit.js",
        },
        connect=by_user_token,
        revocable=("user",),
    ),
    "tidal": SandboxUse(
        settings={
            "TIDAL_CLIENT_ID": "crossplay-sandbox",
            "TIDAL_API_URL": "{url}/v2",
            "TIDAL_AUTH_URL": "{url}",
            "TIDAL_LOGIN_URL": "{url}",
        },
        connect=by_redirect,
    ),
    "soundcloud": SandboxUse(
        settings={
            "SOUNDCLOUD_CLIENT_ID": "crossplay-sandbox",
            "SOUNDCLOUD_CLIENT_SECRET": "sandbox",
            "SOUNDCLOUD_API_URL": "{url}",
            "SOUNDCLOUD_SIGN_IN_URL": "{url}",
        },
        connect=by_redirect,
    ),
    "deezer": SandboxUse(
        settings={
            "DEEZER_APP_ID": "123456",
            "DEEZER_APP_SECRET": "sandbox",
            "DEEZER_API_URL": "{url}",
            "DEEZER_ACCOUNTS_URL": "{url}",
        },
        connect=by_redirect,
    ),
    "subsonic": SandboxUse(
        settings={"SUBSONIC_ALLOWED_NETWORKS": "127.0.0.0/8"},
        connect=by_form({"address": "{url}", "user": "sandbox", "password": "{token}"}),
        revocable=("user",),
    ),
    "listenbrainz": SandboxUse(
        settings={"LISTENBRAINZ_API_URL": "{url}/1"},
        connect=by_form({"token": "{token}"}),
        revocable=("user",),
    ),
    "youtube": SandboxUse(
        settings={
            "YOUTUBE_CLIENT_ID": "1-crossplay.apps.googleusercontent.com",
            "YOUTUBE_CLIENT_SECRET": "sandbox",
            "YOUTUBE_API_URL": "{url}/youtube/v3",
            "YOUTUBE_AUTH_URL": "{url}",
            "YOUTUBE_TOKEN_URL": "{url}",
        },
        connect=by_redirect,
        arguments=("--daily-units", _MANY, "--daily-searches", _MANY),
        pace={"REQUESTS_PER_DAY": _MANY, "SEARCHES_PER_DAY": _MANY},
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
        for name, value in told(platform, url, apple_private_key=apple_private_key).items()
    }


def told(platform: str, url: str, *, apple_private_key: str) -> dict[str, str]:
    """Return what is told of one sandbox at this address."""
    marks = {"{url}": url, "{apple_key}": apple_private_key}
    return {name: _filled(value, marks) for name, value in USES[platform].settings.items()}


def _filled(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def new_apple_key() -> str:
    """Make a developer's private key as PEM text; a sandbox accepts any."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode()

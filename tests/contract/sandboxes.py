"""One platform as the contract suite meets it: its sandbox on a socket, and our adapter in front of it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from yarl import URL

from deploy.sandbox.options import Options
from deploy.sandbox.server import build_app
from deploy.sandbox.world import World
from shared.models import Platform, PlaylistId, TokenSet
from shared.platforms.base import Adapter, Capabilities
from shared.platforms.oauth import new_verifier
from shared.platforms.registry import Platforms
from shared.settings import Secret, Settings
from tests.fakes.budget import FakeBudget, FakeBudgets
from tests.fakes.session import FakeSession

REDIRECT_URI = "http://127.0.0.1:9/connect/spotify/callback"
DEVELOPER_KEY = generate_private_key(SECP256R1())
OPTIONS = {
    "spotify": Options(platform="spotify", regime="dev", item_keys="new"),
    "spotify-extended": Options(platform="spotify", regime="extended", item_keys="old"),
    "apple_music": Options(
        platform="apple_music",
        storefront="de",
        developer_public_key=DEVELOPER_KEY.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ),
}


def flavors(is_fit: Callable[[Capabilities], bool]) -> list[str]:
    """Name the flavors whose platform can do something: tests of it run on those, and are not skipped."""
    platforms = Platforms(Settings(), budgets=FakeBudgets())
    return [
        flavor
        for flavor, options in sorted(OPTIONS.items())
        if is_fit(platforms.capabilities(Platform(options.platform)))
    ]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a test of the suite has at hand."""

    platform: Platform
    platforms: Platforms
    adapter: Adapter
    session: FakeSession
    url: URL
    budgets: FakeBudgets

    @property
    def capabilities(self) -> Capabilities:
        return self.adapter.capabilities

    @property
    def budget(self) -> FakeBudget:
        (budget,) = self.budgets.by_key.values()
        return budget

    async def order(self, method: str, path: str, body: Any = None) -> Any:
        """Give an order to the sandbox, behind the platform's back."""
        async with (
            aiohttp.ClientSession() as client,
            client.request(method, self.url / "_sandbox" / path, json=body) as response,
        ):
            assert response.ok, await response.text()
            return await response.json() if response.content_type == "application/json" else None

    async def fault(self, kind: str, **fields: Any) -> None:
        await self.order("POST", "faults", {"kind": kind, **fields})

    async def calls(self, operation: str) -> list[dict[str, Any]]:
        """Every call of an operation that reached the platform."""
        async with (
            aiohttp.ClientSession() as client,
            client.get(self.url / "_sandbox/requests", params={"calls": "1"}) as response,
        ):
            summary = await response.json()
        return [call for call in summary["calls"] if call["operation"] == operation]

    async def truth(self, playlist_id: PlaylistId) -> list[str]:
        """The track ids that really stand in a playlist, visible or not."""
        playlist = await self.order("GET", f"playlists/{playlist_id}")
        return [track["id"] for track in playlist["tracks"]]

    async def playlist_named(self, name: str) -> PlaylistId:
        for playlist in await self.order("GET", "playlists"):
            if playlist["name"] == name:
                return PlaylistId(playlist["id"])
        raise LookupError(name)


@asynccontextmanager
async def staged(world: World, options: Options, *, timeout_s: float = 10.0) -> AsyncIterator[Stage]:
    """Start the sandbox, open the platforms, connect the account as a user would."""
    budgets = FakeBudgets()
    async with TestServer(build_app(world, options=options)) as server:
        settings = settings_for(options.platform, server.make_url("/"), timeout_s=timeout_s)
        async with Platforms(settings, budgets=budgets) as platforms:
            platform = Platform(options.platform)
            session = await _connect(platforms, platform, server.make_url("/"))
            yield Stage(
                platform=platform,
                platforms=platforms,
                adapter=platforms.adapter(platform, session=session),
                session=session,
                url=server.make_url("/"),
                budgets=budgets,
            )


def settings_for(platform: str, url: URL, *, timeout_s: float) -> Settings:
    if platform == "spotify":
        return Settings(
            read_timeout_s=timeout_s,
            send_timeout_s=timeout_s,
            spotify_client_id="fictional-client",
            spotify_api_url=str(url / "v1"),
            spotify_accounts_url=str(url),
        )
    pem = DEVELOPER_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Settings(
        read_timeout_s=timeout_s,
        send_timeout_s=timeout_s,
        apple_music_team_id="TEAM000001",
        apple_music_key_id="KEY0000001",
        apple_music_private_key=Secret(pem.decode()),
        apple_music_api_url=str(url / "v1"),
    )


async def _connect(platforms: Platforms, platform: Platform, url: URL) -> FakeSession:
    oauth = platforms.oauth(platform)
    if oauth is None:
        async with aiohttp.ClientSession() as client, client.post(url / "_sandbox/user-tokens") as response:
            token = (await response.json())["music_user_token"]
        return FakeSession(TokenSet(access_token=token), market="de")
    verifier = new_verifier()
    page = oauth.authorize_url(state="state", verifier=verifier, redirect_uri=REDIRECT_URI)
    async with aiohttp.ClientSession() as client, client.get(page, allow_redirects=False) as response:
        code = URL(response.headers["Location"]).query["code"]
    tokens = await oauth.exchange(code=code, verifier=verifier, redirect_uri=REDIRECT_URI)
    return FakeSession(tokens, market="DE", refresh=oauth.refresh)


def write_world(directory: Path, platform: str, *, page: int) -> list[Path]:
    """Write a catalog and the account's playlists: empty, one page with odd rows, three pages, and many."""
    catalog = directory / "catalog.jsonl"
    lines = [*map(line, range(2 * page + 40)), *map(album_line, range(album_length(page)))]
    catalog.write_text("\n".join(map(json.dumps, lines)))
    odd_rows = [
        line(0),
        {"title": "Demo Tape", "artists": ["The Attic"], "kind": "local", "duration_ms": 61_000},
        line(1),
        {"title": "Talk Talk Talk", "kind": "episode" if platform == "spotify" else "video"},
        line(0),
    ]
    lists = {
        "Empty Shelf": [],
        "Odd Rows": odd_rows,
        # The first track stands again on the second and the last page.
        "Long Way": [line(n if n % (page + 5) else 0) for n in range(2 * page + 30)],
        **{f"List {number:03}": [] for number in range(2 * page + 3)},
    }
    return [catalog, *(_write_list(directory, platform, name, rows) for name, rows in lists.items())]


def line(number: int) -> dict[str, Any]:
    """A catalog line; the ISRC and the title follow from its number."""
    return {
        "title": f"Harbour Light {number}",
        "artists": [f"Quiet Engine {number % 7}"],
        "album": "Tides",
        "duration_ms": 180_000 + number * 500,
        "isrc": f"QZXX1{number:07}",
    }


def album_length(page: int) -> int:
    """How many tracks the long album has: more than any platform shows at once."""
    return 2 * page + 7


def album_line(number: int) -> dict[str, Any]:
    """A track of the long album."""
    return {
        "title": f"Verse {number}",
        "artists": ["Night Ferry", f"Guest {number}"],
        "album": "The Long Player",
        "duration_ms": 90_000 + number * 500,
        "isrc": f"QZXX2{number:07}",
        "release_date": "2019-05-06",
        "disc_number": 1 + number // 60,
        "track_number": 1 + number % 60,
    }


def _write_list(directory: Path, platform: str, name: str, rows: list[dict[str, Any]]) -> Path:
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"source_platform": platform, "playlist_name": name, "tracks": rows}))
    return path

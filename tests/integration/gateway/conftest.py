"""A gateway on a real socket with real Postgres and Redis, in front of fake platforms."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDictProxy

from gateway.app import build_app
from shared.db import api_keys, users
from shared.db.pool import Pool, open_pool
from shared.models import Platform, UserId
from shared.scopes import USER_SCOPES, Scope
from shared.secret import Secret
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms

KEY_RING = "k1:" + base64.b64encode(bytes(range(32))).decode()
PUBLIC_URL = "https://crossplay.example"

Json: TypeAlias = dict[str, Any]


class Caller:
    """Somebody with an API key, in front of one gateway."""

    def __init__(self, client: "TestClient[Any, Any]", *, key: str, user_id: UserId) -> None:
        self.client = client
        self.key = key
        self.user_id = user_id

    async def __call__(self, method: str, path: str, **options: Any) -> "Reply":
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        async with self.client.request(
            method, path, headers=headers, allow_redirects=False, **options
        ) as response:
            content = await response.read()
            is_json = "json" in response.content_type
            return Reply(
                status=response.status,
                headers=response.headers,
                kind=response.content_type,
                json=msgspec.json.decode(content) if content and is_json else {},
                text=content.decode(),
            )

    async def connect_apple_music(self) -> str:
        reply = await self("POST", "/connect/apple_music", json={"music_user_token": "user-token"})
        assert reply.status == 201, reply.text
        return str(reply.json["connection"]["id"])


class Reply(msgspec.Struct, kw_only=True):
    status: int
    headers: CIMultiDictProxy[str]
    kind: str
    json: Any
    text: str

    def problem(self) -> tuple[int, str]:
        """Return status and slug of a problem whose document is complete."""
        assert self.kind == "application/problem+json", self.text
        assert self.json["type"] == f"/problems/{self.json['code']}"
        assert self.json["status"] == self.status
        assert self.json["request_id"] == self.headers["X-Request-Id"]
        assert self.json["title"]
        assert self.json["detail"]
        assert self.json["help"]
        return self.status, self.json["code"]

    def pointers(self) -> list[str]:
        return [fault["pointer"] for fault in self.json["errors"]]


@pytest.fixture
def platforms() -> FakePlatforms:
    return FakePlatforms()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        database_url=Secret(database_url),
        redis_url=Secret(redis_url),
        secret_keys=Secret(KEY_RING),
        public_url=PUBLIC_URL,
        trace_url="https://traces.example/{trace_id}",
    )


@pytest_asyncio.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with await open_pool(settings.database_url, size=4) as opened:
        yield opened


Serve: TypeAlias = Callable[[Settings], Awaitable["TestClient[Any, Any]"]]


@pytest_asyncio.fixture
async def serve(platforms: FakePlatforms) -> AsyncIterator[Serve]:
    """Start a gateway with these settings; it stops with the test."""
    clients: list[TestClient[Any, Any]] = []

    async def start(settings: Settings) -> "TestClient[Any, Any]":
        app = build_app(settings, open_platforms=lambda *parts: platforms.on(parts[-1]))
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest_asyncio.fixture
async def client(serve: Serve, settings: Settings) -> "TestClient[Any, Any]":
    return await serve(settings)


async def new_caller(
    client: "TestClient[Any, Any]", pool: Pool, *, name: str, scopes: Iterable[Scope] = USER_SCOPES
) -> Caller:
    user_id = await users.ensure(pool, name=name)
    key = await api_keys.create(pool, user_id, scopes=scopes)
    return Caller(client, key=key.secret.reveal(), user_id=user_id)


@pytest_asyncio.fixture
async def call(client: "TestClient[Any, Any]", pool: Pool) -> Caller:
    return await new_caller(client, pool, name="mira")


@pytest_asyncio.fixture
async def stranger(client: "TestClient[Any, Any]", pool: Pool) -> Caller:
    return await new_caller(client, pool, name="somebody else")


@pytest_asyncio.fixture
async def connected(call: Caller, platforms: FakePlatforms) -> Caller:
    """A caller with an account at both platforms and three playlists at Spotify."""
    await sign_in(call, platforms, code="first")
    await call.connect_apple_music()
    spotify = platforms.accounts[Platform.SPOTIFY]
    spotify.add("id-road", "Road Trip", url="https://spotify.example/playlist/id-road", track_count=12)
    spotify.add("id-calm", "Calm Evenings", track_count=3)
    spotify.add("id-chart", "Chart of Others", readable=False, writable=False)
    return call


async def sign_in(call: Caller, platforms: FakePlatforms, *, code: str) -> Reply:
    """Connect Spotify by handing its answer in; return the session."""
    started = await call("POST", "/connect/spotify", json={"hand_in": True})
    assert started.status == 201, started.text
    platforms.sign_in.codes.add(code)
    address = f"{started.json['redirect_uri']}?code={code}&state={state_of(started.json['authorize_url'])}"
    return await call("POST", f"{started.headers['Location']}/answer", json={"address": address})


def state_of(authorize_url: str) -> str:
    return parse_qs(urlsplit(authorize_url).query)["state"][0]


def transfer_body(**changes: Any) -> Json:
    return {
        "source": {"platform": "spotify", "playlist": "id-road"},
        "target": {"platform": "apple_music"},
        **changes,
    }

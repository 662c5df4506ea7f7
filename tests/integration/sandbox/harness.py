"""A fictional world and callers for the sandbox tests."""

import base64
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import msgspec
from aiohttp import (
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ServerDisconnectedError,
)
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.sandbox.options import Options
from deploy.sandbox.server import build_app
from deploy.sandbox.world import World

REDIRECT = "http://127.0.0.1:9876/callback"
VERIFIER = "v" * 43
SCOPES = (
    "playlist-read-private playlist-modify-public playlist-modify-private "
    "user-library-read user-library-modify user-follow-read user-read-private ugc-image-upload"
)
DEVELOPER_KEY = ec.generate_private_key(ec.SECP256R1())

Json = dict[str, Any]
Starter = Callable[..., Awaitable["Caller"]]


def track(number: int, **other: Any) -> Json:
    """Return the numbered track of a band that does not exist."""
    return {
        "title": f"Paper Lantern No {number}",
        "artists": ["The Quiet Harbour"],
        "album": "Tides of Tin",
        "duration_ms": 180_000 + number * 1000,
        "isrc": f"QZABC26{number:05d}",
        "explicit": False,
        "release_date": "2021-03-04",
        "track_number": number,
        "disc_number": 1,
        **other,
    }


def playlist(name: str, tracks: Iterable[Json], **other: Any) -> Json:
    return {"source_platform": "spotify", "playlist_name": name, "tracks": list(tracks), **other}


def world_of(folder: Path, *, catalog: Iterable[Json] = (), playlists: Iterable[Json] = ()) -> World:
    """Write world files and load them, as the command does."""
    lines = folder / "catalog.jsonl"
    lines.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in catalog))
    paths = [lines]
    for number, content in enumerate(playlists):
        path = folder / f"list-{number}.json"
        path.write_bytes(msgspec.json.encode(content))
        paths.append(path)
    return World.load(paths)


@dataclass(kw_only=True)
class Caller:
    """One running sandbox and somebody who calls it."""

    session: ClientSession
    url: str
    headers: dict[str, str]

    async def send(self, method: str, path: str, **other: Any) -> ClientResponse:
        headers = other.pop("headers", self.headers)
        return await self.session.request(method, f"{self.url}{path}", headers=headers, **other)

    async def json(self, method: str, path: str, *, status: int = 200, **other: Any) -> Any:
        async with await self.send(method, path, **other) as answer:
            body = await answer.read()
            assert answer.status == status, body
        return msgspec.json.decode(body) if body else None

    async def fault(self, **fault: Any) -> None:
        await self.json("POST", "/_sandbox/faults", status=201, json=fault)

    async def advance(self, seconds: float) -> None:
        await self.json("POST", "/_sandbox/clock", json={"advance_s": seconds})

    async def truth(self, playlist_id: str) -> list[Json]:
        told: Json = await self.json("GET", f"/_sandbox/playlists/{playlist_id}")
        rows: list[Json] = told["tracks"]
        return rows

    async def playlist_id(self, name: str) -> str:
        rows = await self.json("GET", "/_sandbox/playlists")
        return next(str(row["id"]) for row in rows if row["name"] == name)

    async def log_in(self, *, scope: str = SCOPES, token_route: str = "/api/token", **query: str) -> Json:
        """Go through the PKCE flow, use the access token from now on, and return the answer."""
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        asked = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": "s1",
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            **query,
        }
        async with await self.send("GET", "/authorize", params=asked, allow_redirects=False) as answer:
            back = parse_qs(urlsplit(answer.headers["Location"]).query)
        form = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": REDIRECT,
            "client_id": "app",
            "code_verifier": VERIFIER,
        }
        tokens: Json = await self.json("POST", token_route, data=form, headers={})
        self.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return tokens

    async def refresh(self, refresh_token: str, *, status: int = 200) -> Json:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "app"}
        answer: Json = await self.json("POST", "/api/token", status=status, data=form, headers={})
        return answer

    async def use_apple_tokens(self) -> None:
        issued = await self.json("POST", "/_sandbox/user-tokens", status=201)
        self.headers = {
            "Authorization": f"Bearer {developer_token()}",
            "Music-User-Token": issued["music_user_token"],
        }


class ConnectionCut(Exception):
    """The server closed the connection without an answer."""


async def send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from repeating a cut GET, PUT or DELETE: what is no client error is not repeated."""
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as error:
        raise ConnectionCut from error


def developer_token(**claims: Any) -> str:
    now_s = int(time.time())
    content = {"iss": "TEAM123456", "iat": now_s, "exp": now_s + 3600, **claims}
    return jwt.encode(content, DEVELOPER_KEY, algorithm="ES256", headers={"kid": "KEY1234567"})


async def start(world: World, *, session: ClientSession, options: Options) -> tuple[TestServer, Caller]:
    server = TestServer(build_app(world, options=options))
    await server.start_server()
    return server, Caller(session=session, url=str(server.make_url("")).rstrip("/"), headers={})

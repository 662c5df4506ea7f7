"""A process that calls a platform in a connection's name; as a program, several that obey over a socket.

Each says its process id first. `call` answers with the number of the access token or with the error's name;
`stall` does the same, but says `stalled` and stops for ever when it has become the one who refreshes, before
anything is sent.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from shared.cipher import Cipher
from shared.clock import Clock
from shared.db.pool import Pool, open_pool
from shared.errors import CrossplayError
from shared.models import ConnectionId, TokenSet
from shared.platforms.call import Call
from shared.platforms.http import Endpoint, PlatformHttp
from shared.platforms.oauth import TOKEN_REFUSALS, OAuthApp, OAuthClient, bearer
from shared.platforms.profile import Pool as RequestPool
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.streams import open_redis
from shared.tokens import LEASE_S, Refresher, Sessions
from tests.fakes.budget import FakeBudget
from tests.fakes.pools import profile_of

KEY_RING = Secret("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


class Me(msgspec.Struct):
    number: int


class Client:
    """Calls the platform at a URL, with what a process of ours has of its own."""

    def __init__(self, sessions: Sessions, *, http: PlatformHttp) -> None:
        self.sessions = sessions
        self._http = http

    async def call(self, connection_id: ConnectionId) -> int:
        """Return the number of the access token that the platform has accepted."""
        session = await self.sessions.open(connection_id)
        call = Call(operation="account", route="/me")
        return (await self._http.read(call, session=session, into=Me)).number


class Stalling:
    """Refreshes, or stops where a process would be killed that has not sent its request yet."""

    def __init__(self, refresher: Refresher, *, on_stall: Callable[[], None]) -> None:
        self._refresher = refresher
        self._on_stall = on_stall
        self.is_stalling = False

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        if self.is_stalling:
            self._on_stall()
            await asyncio.Event().wait()
        return await self._refresher.refresh(tokens)


@asynccontextmanager
async def open_oauth(url: str, *, timeout_s: float = 10.0) -> AsyncIterator[OAuthClient]:
    app = OAuthApp(
        client_id="app",
        base_url=url,
        authorize_url=f"{url}/authorize",
        token_route="/api/token",
        scopes=("read",),
    )
    async with PlatformHttp(_endpoint(url, timeout_s=timeout_s), budget=FakeBudget()) as http:
        yield OAuthClient(http, app=app)


@asynccontextmanager
async def open_client(
    url: str,
    *,
    pool: Pool,
    redis_url: str,
    refresher: Refresher,
    lease_s: float = LEASE_S,
    clock: Clock | None = None,
) -> AsyncIterator[Client]:
    async with (
        open_redis(Secret(redis_url)) as redis,
        PlatformHttp(_endpoint(url, is_api=True), budget=FakeBudget()) as http,
    ):
        sessions = Sessions(
            pool=pool,
            redis=redis,
            cipher=Cipher(parse_key_ring(KEY_RING)),
            refresher_of=lambda _: refresher,
            lease_s=lease_s,
            clock=clock,
        )
        yield Client(sessions, http=http)
        await sessions.close()


def _endpoint(url: str, *, timeout_s: float = 10.0, is_api: bool = False) -> Endpoint:
    return Endpoint(
        label="Spotify",
        profile=profile_of(RequestPool(limit=100, window_s=1.0)),
        base_url=url,
        read_timeout_s=timeout_s,
        send_timeout_s=timeout_s,
        sign=bearer,
        can_refresh=is_api,
        refusals=() if is_api else TOKEN_REFUSALS,
    )


async def obey(connection_id: ConnectionId, *, url: str, socket_path: str, lease_s: float) -> None:
    """Do what is said on the socket, until it is closed."""
    reader, writer = await asyncio.open_unix_connection(socket_path)

    def say(text: str) -> None:
        writer.write(f"{text}\n".encode())

    async with (
        await open_pool(Secret(os.environ["TEST_DATABASE_URL"]), size=1) as pool,
        open_oauth(url) as oauth,
    ):
        refresher = Stalling(oauth, on_stall=lambda: say("stalled"))
        async with open_client(
            url, pool=pool, redis_url=os.environ["TEST_REDIS_URL"], refresher=refresher, lease_s=lease_s
        ) as client:
            say(str(os.getpid()))
            while line := (await reader.readline()).decode().strip():
                refresher.is_stalling = line == "stall"
                try:
                    say(str(await client.call(connection_id)))
                except CrossplayError as error:
                    say(type(error).__name__)
    writer.close()


def main(count: int, connection_id: ConnectionId, *, url: str, socket_path: str, lease_s: float) -> None:
    """Become so many processes, each of them after all modules are there: starting them is cheap then."""
    for _ in range(count):
        if os.fork() == 0:
            asyncio.run(obey(connection_id, url=url, socket_path=socket_path, lease_s=lease_s))
            os._exit(0)
    for _ in range(count):
        os.wait()


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        ConnectionId(sys.argv[2]),
        url=sys.argv[3],
        socket_path=sys.argv[4],
        lease_s=float(sys.argv[5]),
    )

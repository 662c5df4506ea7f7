"""A real gateway in front of simulated platforms that ask people, and those who have accounts at it."""

import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page
from yarl import URL

from gateway import keys
from gateway.app import build_app
from shared.db import api_keys, users
from shared.db.pool import Pool, open_pool
from shared.models import Platform
from shared.secret import Secret
from shared.settings import Settings
from tests.browser.chromium import FAR_HOST, FAR_NAME
from tests.browser.servers import sandbox, serving
from tests.contract.sandboxes import FLAVORS
from tests.integration.gateway.conftest import KEY_RING

PLATFORMS = (Platform.SPOTIFY, Platform.APPLE_MUSIC)

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an account and an API key at one gateway. Their name is shown on its pages."""

    name: str
    key: str
    server: URL
    session: ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.request(method, path, headers=headers, **options) as answer:
            return answer.status, await answer.json()

    async def start(self, platform: Platform, *, renews: str | None = None, **body: Any) -> Json:
        """Begin to connect an account; return the session."""
        query = {"connection": renews} if renews else {}
        status, started = await self.ask("POST", f"/connect/{platform}", params=query, json=body)
        assert status == 201, started
        return started

    async def look(self, session: Json) -> Json:
        """Return what became of a session."""
        return (await self.ask("GET", f"/connect/sessions/{session['id']}"))[1]

    async def connections(self) -> list[Json]:
        items: list[Json] = (await self.ask("GET", "/connections"))[1]["items"]
        return items


@dataclass(frozen=True, kw_only=True)
class Crossplay:
    """A gateway at url, which may call itself otherwise, and the platforms behind it."""

    url: URL
    settings: Settings
    pool: Pool
    session: ClientSession
    platforms: dict[Platform, URL]
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def spotify(self) -> URL:
        return self.platforms[Platform.SPOTIFY]

    @property
    def apple_music(self) -> URL:
        return self.platforms[Platform.APPLE_MUSIC]

    async def person(self, name: str) -> Person:
        """Open an account for somebody who was not here before."""
        name = f"{name} {next(self._numbers)}"
        user_id = await users.ensure(self.pool, name=name)
        key = await api_keys.create(self.pool, user_id)
        return Person(name=name, key=key.secret.reveal(), server=self.url, session=self.session)

    async def let_pass_time(self, session: Json) -> None:
        """Make a session too old."""
        late = "UPDATE connect_sessions SET expires_at = now() WHERE id = $1 RETURNING true"
        assert await self.pool.fetchval(late, session["id"])

    @asynccontextmanager
    async def another(self, *, is_far: bool = False, **settings: Any) -> AsyncIterator["Crossplay"]:
        """Run one more gateway on the same stores.

        is_far: as on another machine without TLS. Nothing of it listens at 127.0.0.1, where platforms send
        browsers, and users reach it by a name.
        """
        changed = msgspec.structs.replace(self.settings, **settings)
        async with AsyncExitStack() as stack:
            app = build_app(changed)
            url = await stack.enter_async_context(_serving_far(app) if is_far else serving(app))
            app[keys.ADDRESS].url = f"http://{FAR_NAME if is_far else url.host}:{url.port}"
            session = await stack.enter_async_context(ClientSession(url))
            yield Crossplay(
                url=url,
                settings=changed,
                pool=self.pool,
                session=session,
                platforms=self.platforms,
                _numbers=self._numbers,
            )


@asynccontextmanager
async def crossplay(*, database_url: str, redis_url: str) -> AsyncIterator[Crossplay]:
    """Run a gateway at 127.0.0.1 and both platforms, which ask whoever signs in."""
    settings = Settings(
        database_url=Secret(database_url), redis_url=Secret(redis_url), secret_keys=Secret(KEY_RING)
    )
    async with AsyncExitStack() as stack:
        urls = {}
        for platform in PLATFORMS:
            options = msgspec.structs.replace(FLAVORS[platform].options, auto_approve=False)
            urls[platform] = await stack.enter_async_context(sandbox(options))
            settings = msgspec.structs.replace(settings, **FLAVORS[platform].settings(urls[platform]))
        settings = msgspec.structs.replace(
            settings,
            apple_music_musickit_url=str(urls[Platform.APPLE_MUSIC] / "musickit/v3/musickit.js"),
        )
        pool = await stack.enter_async_context(await open_pool(settings.database_url, size=2))
        session = await stack.enter_async_context(ClientSession())
        stage = Crossplay(url=URL(), settings=settings, pool=pool, session=session, platforms=urls)
        yield await stack.enter_async_context(stage.another())


@asynccontextmanager
async def _serving_far(app: web.Application) -> AsyncIterator[URL]:
    with socket.socket() as near:
        # A port that nobody has at 127.0.0.1 either: users are sent to it on their own machine.
        near.bind(("127.0.0.1", 0))
        server = TestServer(app, host=FAR_HOST, port=near.getsockname()[1])
        await server.start_server()
    try:
        yield server.make_url("/")
    finally:
        await server.close()


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def heading(page: Page, text: str) -> str:
    """Wait for the page with this heading; return all that it says."""
    await page.get_by_role("heading", level=1, name=text, exact=True).wait_for()
    return await page.get_by_role("main").inner_text()


async def refusal(page: Page) -> str:
    """Wait for the page that refuses an answer or a form; return why."""
    return await heading(page, "The account was not connected")


async def agree_at_spotify(page: Page, *, as_user: str) -> None:
    await page.get_by_label("Account").fill(as_user)
    await press(page, "Agree")


async def visited(page: Page) -> list[str]:
    """The addresses in a tab's history, oldest first."""
    cdp = await page.context.new_cdp_session(page)
    entries = (await cdp.send("Page.getNavigationHistory"))["entries"]
    await cdp.detach()
    return [entry["url"] for entry in entries]


def is_of(url: str, origin: URL) -> bool:
    parts = urlsplit(url)
    return (parts.hostname, parts.port) == (origin.host, origin.port)

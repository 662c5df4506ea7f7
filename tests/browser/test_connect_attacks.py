"""Pages of others that want an account connected: they frame, link and send, and get nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

import pytest
from aiohttp import web
from playwright.async_api import Page, Request
from yarl import URL

from shared.models import Platform
from tests.browser.crossplay import Crossplay, heading, press, refusal
from tests.browser.servers import order, serving
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

# Another port of our own host is another origin of the same site: cookies go along with what it sends.
ORIGINS = ("127.0.0.1", "localhost")
WAYS = {Platform.SPOTIFY: "go", Platform.APPLE_MUSIC: "music_user_token", Platform.LISTENBRAINZ: "form.token"}
"""One platform for each way to connect an account, and the field by which its page goes on."""


@asynccontextmanager
async def hostile_page(body: str, *, host: str = "localhost") -> AsyncIterator[str]:
    async def show(_: web.Request) -> web.Response:
        text = f'<!doctype html><title>Nice offer</title><link rel="icon" href="data:,">{body}'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    async with serving(app) as url:
        yield str(url.with_host(host))


def form(address: str, **fields: str) -> str:
    """A form that sends itself."""
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
    script = "<script>document.forms[0].submit()</script>"
    return f'<form method="post" action="{escape(address)}">{inputs}</form>{script}'


async def proof_on(page: Page) -> str:
    return await page.locator("input[name=proof]").first.input_value()


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("platform", WAYS)
async def test_a_form_of_another_origin_connects_nothing(
    stage: Crossplay, visitor: Visitor, platform: Platform, origin: str
) -> None:
    mallory = await stage.person("Mallory")
    session = await mallory.start(platform)
    token = (await order(stage.apple_music, "user-tokens", {}))["music_user_token"]
    await visitor.page.goto(session["page_url"])
    # Even if they had come by what only our own page knows.
    proof = await proof_on(visitor.page)
    choice = {WAYS[platform]: token}

    visitor.watch.expect("console error", "status of 422")
    async with hostile_page(form(session["page_url"], proof=proof, **choice), host=origin) as url:
        await visitor.page.goto(url)
        text = await refusal(visitor.page)

    assert "not sent from its own page" in text
    assert (await mallory.look(session))["status"] == "pending"
    assert await mallory.connections() == []


@pytest.mark.parametrize("platform", WAYS)
async def test_no_page_is_shown_in_a_frame(stage: Crossplay, visitor: Visitor, platform: Platform) -> None:
    mallory = await stage.person("Mallory")
    session = await mallory.start(platform)
    addresses = [session["page_url"], session["page_url"].replace("/page", "/done")]
    frames = "".join(f'<iframe src="{address}"></iframe>' for address in addresses)

    visitor.watch.expect("policy violation", "frame-ancestors")
    # A name of the same site: its frames would have their cookies.
    async with hostile_page(frames, host="127.0.0.1") as url:
        await visitor.page.goto(url)
        texts = [await frame.locator("body").inner_text() for frame in visitor.page.frames[1:]]

    assert len(texts) == len(addresses)
    assert not [text for text in texts if "Crossplay" in text or "Not finished" in text]


async def test_a_link_of_another_origin_only_asks(stage: Crossplay, visitor: Visitor) -> None:
    mallory = await stage.person("Mallory")
    session = await mallory.start(Platform.SPOTIFY)
    left: list[str] = []

    def note(request: Request) -> None:
        if URL(request.url).port == stage.spotify.port:
            left.append(request.url)

    visitor.context.on("request", note)
    async with hostile_page(f'<a href="{session["page_url"]}?go=1&deny=1">Win a prize</a>') as url:
        await visitor.page.goto(url)
        await visitor.page.get_by_role("link").click()
        text = await heading(visitor.page, "Connect Spotify")

    assert mallory.name in text
    assert "if somebody sent you this address" in text
    assert left == []
    assert (await mallory.look(session))["status"] == "pending"


async def test_a_platforms_address_from_somebody_else_ends_nowhere(
    stage: Crossplay, visitor: Visitor
) -> None:
    """Who has begun a sign-in of theirs sends the platform's own page on, past ours."""
    mallory = await stage.person("Mallory")
    session = await mallory.start(Platform.SPOTIFY, hand_in=True)

    visitor.watch.expect("console error", "status of 422")
    async with hostile_page(f'<a href="{escape(session["authorize_url"])}">Win a prize</a>') as url:
        await visitor.page.goto(url)
        await visitor.page.get_by_role("link").click()
        # The redirect goes to the port of whoever hands in; here it is the gateway's.
        await press(visitor.page, "Agree")
        text = await refusal(visitor.page)

    assert "paste it where you have started to connect" in text
    assert (await mallory.look(session))["status"] == "pending"
    assert await mallory.connections() == []

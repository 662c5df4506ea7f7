"""A person signs in at simulated Spotify and lets an app in, or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Page
from yarl import URL

from deploy.sandbox.options import Options
from tests.browser.servers import sandbox, serving
from tests.browser.visitor import Visitor, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ASKS = Options(platform="spotify", auto_approve=False)


@asynccontextmanager
async def spotify_and_app(options: Options) -> AsyncIterator[tuple[URL, URL]]:
    """Run the platform and an app that people come back to. Yields the address to ask at, and the app's."""

    async def back(_: web.Request) -> web.Response:
        text = '<!doctype html><title>Back</title><link rel="icon" href="data:,">'
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/back", back)
    async with sandbox(options) as spotify, serving(app) as own:
        asked = {
            "client_id": "app",
            "client_secret": "s",
            "response_type": "code",
            "redirect_uri": str(own / "back"),
            "scope": "playlist-read-private",
            "state": "s1",
        }
        yield (spotify / "authorize").with_query(asked), own


def told(page: Page, app: URL) -> dict[str, list[str]]:
    """What the platform sent the person back to the app with."""
    assert page.url.startswith(str(app / "back"))
    return parse_qs(urlsplit(page.url).query)


async def name_behind(address: URL, code: str) -> str:
    """Exchange a code and ask whose account it opened."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": address.query["redirect_uri"],
        "client_id": "app",
        "client_secret": "s",
    }
    async with ClientSession(address.origin()) as session:
        async with session.post("/api/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        async with session.get("/v1/me", headers={"Authorization": f"Bearer {token}"}) as answer:
            return str((await answer.json())["id"])


async def agree(page: Page, *, as_user: str | None = None) -> None:
    if as_user:
        await page.get_by_label("Account").fill(as_user)
    await page.get_by_role("button", name="Agree").click()


@pytest.mark.parametrize(("typed", "name"), [(None, "sandbox"), ("Zoë & Co", "Zoë & Co")])
async def test_who_agrees_gets_their_own_account_in(visitor: Visitor, typed: str | None, name: str) -> None:
    async with spotify_and_app(ASKS) as (ask, app):
        await visitor.page.goto(str(ask))
        title, listed = (
            await visitor.page.title(),
            await visitor.page.get_by_role("listitem").all_inner_texts(),
        )
        await agree(visitor.page, as_user=typed)
        back = told(visitor.page, app)

        behind = await name_behind(ask, back["code"][0])

    assert (title, listed) == ("Sandbox Spotify", ["playlist-read-private"])
    assert (back["state"], behind) == (["s1"], name)


async def test_who_cancels_comes_back_without_a_code(visitor: Visitor) -> None:
    async with spotify_and_app(ASKS) as (ask, app):
        await visitor.page.goto(str(ask))
        await visitor.page.get_by_label("Account").fill("")
        await visitor.page.get_by_role("button", name="Cancel").click()

        back = told(visitor.page, app)

    assert back == {"error": ["access_denied"], "state": ["s1"]}


async def test_who_agreed_before_is_asked_again_only_for_more_or_on_demand(visitor: Visitor) -> None:
    async with spotify_and_app(ASKS) as (ask, app):
        await visitor.page.goto(str(ask))
        await agree(visitor.page, as_user="Zoë & Co")
        await name_behind(ask, told(visitor.page, app)["code"][0])

        await visitor.page.goto(str(ask))
        again = await name_behind(ask, told(visitor.page, app)["code"][0])
        names = []
        for more in ({"scope": "playlist-read-private user-library-read"}, {"show_dialog": "true"}):
            await visitor.page.goto(str(ask.update_query(more)))
            names.append(await visitor.page.get_by_label("Account").input_value())

    assert again == "Zoë & Co"
    assert names == ["Zoë & Co", "Zoë & Co"]


async def test_another_browser_knows_nothing_of_it(visitors: Visitors) -> None:
    first, second = await visitors.enter(), await visitors.enter()
    async with spotify_and_app(ASKS) as (ask, app):
        await first.page.goto(str(ask))
        await agree(first.page)
        await name_behind(ask, told(first.page, app)["code"][0])

        await second.page.goto(str(ask))
        shown = await second.page.get_by_label("Account").input_value()

    assert shown == "sandbox"


async def test_with_auto_approval_nobody_is_asked(visitor: Visitor) -> None:
    async with spotify_and_app(Options(platform="spotify")) as (ask, app):
        await visitor.page.goto(str(ask.update_query(show_dialog="true")))

        back = told(visitor.page, app)

    assert set(back) == {"code", "state"}

"""A person connects Spotify: our page, Spotify's sign-in, and back; and everything that goes wrong there."""

import pytest
from aiohttp import ClientSession
from playwright.async_api import Page
from yarl import URL

from deploy.cli.loopback import visit
from shared.models import Platform
from tests.browser.crossplay import (
    Crossplay,
    Json,
    Person,
    agree_at_spotify,
    heading,
    is_of,
    press,
    refusal,
    visited,
)
from tests.browser.servers import order
from tests.browser.visitor import Visitor, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SPOTIFY = Platform.SPOTIFY
REFUSED = "status of 422"


async def leave(page: Page, session: Json) -> None:
    """Open a session's page and go on to the platform."""
    await page.goto(session["page_url"])
    await press(page, "Continue to Spotify")
    await page.get_by_role("button", name="Agree").wait_for()


async def connect(page: Page, person: Person, *, as_user: str) -> Json:
    session = await person.start(SPOTIFY)
    await leave(page, session)
    await agree_at_spotify(page, as_user=as_user)
    await heading(page, "Connected")
    return await person.look(session)


async def answer_behind(page: Page) -> str:
    """Agree on the sign-in that is shown, in no browser; return the address that it would lead to."""
    return await visit(str(URL(page.url).update_query(sandbox_allow="1")))


async def test_who_agrees_is_connected_and_no_code_stays_in_the_browser(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    await order(stage.spotify, "playlists", {"name": "Harbour Songs", "owner": mira.name})
    session = await mira.start(SPOTIFY)

    await visitor.page.goto(session["page_url"])
    invitation = await heading(visitor.page, "Connect Spotify")
    await press(visitor.page, "Continue to Spotify")
    await agree_at_spotify(visitor.page, as_user=mira.name)
    told = await heading(visitor.page, "Connected")
    passed = [url for url in await visited(visitor.page) if is_of(url, stage.url)]
    # One step back is Spotify's own page, two are ours, which has nothing more to ask.
    await visitor.page.go_back()
    await visitor.page.go_back()
    again = await heading(visitor.page, "Connected")

    assert f"the Crossplay account {mira.name} can read your playlists at Spotify" in invitation
    assert told == again
    assert f"Spotify is connected as {mira.name}." in told
    assert passed == [session["page_url"], session["page_url"].replace("/page", "/done")]
    assert (await mira.look(session))["status"] == "connected"
    _, lists = await mira.ask("GET", "/playlists?platform=spotify")
    kept = ["Liked Songs", "Saved Albums", "Followed Artists"]
    assert [one["name"] for one in lists["items"]] == [*kept, "Harbour Songs"]


async def test_who_cancels_at_the_platform_or_on_our_page_has_denied(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    sessions = [await mira.start(SPOTIFY), await mira.start(SPOTIFY)]
    told = []

    await leave(visitor.page, sessions[0])
    await press(visitor.page, "Cancel")
    told.append(await heading(visitor.page, "Spotify: Not connected"))
    passed = [url for url in await visited(visitor.page) if is_of(url, stage.url)]
    await visitor.page.goto(sessions[1]["page_url"])
    await press(visitor.page, "Do not connect")
    told.append(await heading(visitor.page, "Spotify: Not connected"))

    assert all("You did not allow it, and nothing was stored." in text for text in told)
    assert not any("?" in url for url in passed)
    assert [(await mira.look(session))["status"] for session in sessions] == ["denied", "denied"]
    assert await mira.connections() == []


async def test_an_answer_works_once(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(SPOTIFY)
    await leave(visitor.page, session)
    async with visitor.page.expect_request(lambda request: "/callback?" in request.url) as coming:
        await agree_at_spotify(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")
    before = await mira.connections()

    visitor.watch.expect("console error", REFUSED)
    await visitor.page.goto((await coming.value).url)

    assert "has been used already" in await refusal(visitor.page)
    assert (await mira.look(session))["status"] == "connected"
    assert await mira.connections() == before


async def test_an_answer_in_another_browser_is_refused_and_the_first_can_still_finish(
    stage: Crossplay, visitors: Visitors
) -> None:
    mira = await stage.person("Mira")
    first, second = await visitors.enter(), await visitors.enter()
    session = await mira.start(SPOTIFY)
    await leave(first.page, session)
    # The second has a cookie, but of another sign-in.
    await second.page.goto((await mira.start(SPOTIFY))["page_url"])

    second.watch.expect("console error", REFUSED)
    await second.page.goto(await answer_behind(first.page))
    told = await refusal(second.page)
    status = (await mira.look(session))["status"]
    await agree_at_spotify(first.page, as_user=mira.name)
    await heading(first.page, "Connected")

    assert "belongs to another browser" in told
    assert status == "pending"
    assert [one["label"] for one in await mira.connections()] == [mira.name]


async def test_two_tabs_of_one_browser_do_not_disturb_each_other(stage: Crossplay, visitor: Visitor) -> None:
    mira, noor = await stage.person("Mira"), await stage.person("Noor")
    tabs = [visitor.page, await visitor.context.new_page()]

    for tab, person in zip(tabs, (mira, noor), strict=True):
        await leave(tab, await person.start(SPOTIFY))
    for tab, person in zip(tabs, (mira, noor), strict=True):
        await agree_at_spotify(tab, as_user=person.name)
        await heading(tab, "Connected")

    for person in (mira, noor):
        assert [one["label"] for one in await person.connections()] == [person.name]


async def test_the_tab_that_set_out_last_is_the_one_that_counts(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(SPOTIFY)
    first, second = visitor.page, await visitor.context.new_page()
    await leave(first, session)
    await leave(second, session)

    visitor.watch.expect("console error", REFUSED)
    await agree_at_spotify(first, as_user=mira.name)
    told = await refusal(first)
    await agree_at_spotify(second, as_user=mira.name)
    await heading(second, "Connected")

    assert "not started here, or long ago" in told
    assert (await mira.look(session))["status"] == "connected"


@pytest.mark.parametrize("is_away", [False, True], ids=["on our page", "at the platform"])
async def test_who_takes_too_long_is_told_so(stage: Crossplay, visitor: Visitor, *, is_away: bool) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(SPOTIFY)
    visitor.watch.expect("console error", REFUSED)

    if is_away:
        await leave(visitor.page, session)
        await stage.let_pass_time(session)
        await agree_at_spotify(visitor.page, as_user=mira.name)
    else:
        await visitor.page.goto(session["page_url"])
        await stage.let_pass_time(session)
        await press(visitor.page, "Continue to Spotify")
    told = await refusal(visitor.page)
    await visitor.page.goto(session["page_url"])
    again = await heading(visitor.page, "Spotify: Too late")

    assert "start to connect again" in told
    assert "more than ten minutes" in again
    assert (await mira.look(session))["status"] == "expired"


async def test_the_wrong_account_renews_nothing_and_the_right_one_does(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    connection = (await connect(visitor.page, mira, as_user=mira.name))["connection"]
    before = await mira.connections()

    session = await mira.start(SPOTIFY, renews=connection["id"])
    await visitor.page.goto(session["page_url"])
    invitation = await heading(visitor.page, "Connect Spotify")
    await press(visitor.page, "Continue to Spotify")
    await agree_at_spotify(visitor.page, as_user="Somebody else")
    told = await heading(visitor.page, "Spotify: Not connected")
    refused, between = await mira.look(session), await mira.connections()
    right = await mira.start(SPOTIFY, renews=connection["id"])
    await leave(visitor.page, right)
    await agree_at_spotify(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")
    after = await mira.connections()

    assert f"Sign in as {mira.name} again." in invitation
    assert "Somebody else" in told
    assert mira.name in told
    assert (refused["status"], refused["failure_code"]) == ("failed", "account-mismatch")
    assert between == before
    assert [one["id"] for one in after] == [connection["id"]]
    assert after[0]["authorized_at"] > before[0]["authorized_at"]


async def test_another_account_is_one_more_connection(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")

    for account in (mira.name, f"{mira.name} at work"):
        await connect(visitor.page, mira, as_user=account)

    labels = {one["label"] for one in await mira.connections()}
    assert labels == {mira.name, f"{mira.name} at work"}


async def test_a_page_opened_by_the_name_of_this_machine_works_too(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(SPOTIFY)

    await visitor.page.goto(str(URL(session["page_url"]).with_host("localhost")))
    led_to = visitor.page.url
    await press(visitor.page, "Continue to Spotify")
    await agree_at_spotify(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")

    assert led_to == session["page_url"]
    assert (await mira.look(session))["status"] == "connected"


async def test_a_link_that_a_program_has_looked_at_is_still_good(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(SPOTIFY)

    async with ClientSession() as previewer, previewer.get(session["page_url"]) as seen:
        status = seen.status
    await leave(visitor.page, session)
    async with ClientSession() as previewer, previewer.get(session["page_url"]) as seen:
        await seen.read()
    await agree_at_spotify(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")

    assert status == 200
    assert (await mira.look(session))["status"] == "connected"

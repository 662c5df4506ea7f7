"""The stand-in for MusicKit: a page of another origin asks for a user token, and gets it or is told why."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.music_page import MusicPage, music_page, said
from tests.browser.servers import order
from tests.browser.visitor import Visitor
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asking() -> AsyncIterator[MusicPage]:
    """Apple Music that asks people, and a page that admits nothing but its script and its calls."""
    async with music_page(auto_approve=False) as page:
        yield page


async def open_sign_in(page: Page) -> Page:
    async with page.expect_popup() as opening:
        await page.get_by_role("button", name="Sign in").click()
    return await opening.value


async def sign_in(page: Page, *, as_user: str = "sandbox") -> str:
    popup = await open_sign_in(page)
    await popup.get_by_label("Account", exact=True).fill(as_user)
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Agree").click()
    return await said(page, "answer")


async def test_who_agrees_gives_the_page_a_token_of_their_account(
    visitor: Visitor, asking: MusicPage
) -> None:
    configured = await asking.visit(visitor.page, origin=[asking.origin])

    token = await sign_in(visitor.page, as_user="ada")
    statuses = [await asking.storefront_status(token)]
    revoked = await order(asking.apple, "tokens/revoke", {"user": "ada"})
    statuses.append(await asking.storefront_status(token))

    assert configured == "yes, signed out"
    assert revoked == {"revoked_count": 1}
    assert statuses == [200, 403]


async def test_the_window_names_the_app_and_its_page(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page)

    popup = await open_sign_in(visitor.page)

    assert await popup.title() == "Sandbox Apple Music"
    text = await popup.get_by_role("paragraph").first.inner_text()
    assert text == f"Quiet Harbour at {asking.origin} asks for access to your Apple Music library."


async def test_who_cancels_gives_no_token(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page)
    popup = await open_sign_in(visitor.page)

    await popup.get_by_role("button", name="Cancel").click()
    refused = await said(visitor.page, "answer")

    assert refused == "AUTHORIZATION_ERROR"
    await until(popup.is_closed)  # the page may hear of it before we do


async def test_who_closes_the_window_gives_no_token_and_may_try_again(
    visitor: Visitor, asking: MusicPage
) -> None:
    await asking.visit(visitor.page)
    popup = await open_sign_in(visitor.page)

    await popup.close()
    refused = await said(visitor.page, "answer")
    token = await sign_in(visitor.page)

    assert refused == "AUTHORIZATION_ERROR"
    assert await asking.storefront_status(token) == 200


async def test_an_account_without_a_subscription_is_told_apart(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page)
    popup = await open_sign_in(visitor.page)

    await popup.get_by_label("subscription").uncheck()
    await popup.get_by_role("button", name="Agree").click()

    assert await said(visitor.page, "answer") == "SUBSCRIPTION_ERROR"


async def test_a_held_token_is_given_again_without_a_window(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page)
    token = await sign_in(visitor.page)

    configured = await asking.visit(visitor.page)
    await visitor.page.get_by_role("button", name="Sign in").click()

    assert configured == "yes, signed in"
    assert await said(visitor.page, "answer") == token
    assert len(visitor.context.pages) == 1


async def test_who_signs_out_ends_the_token_and_may_be_somebody_else(
    visitor: Visitor, asking: MusicPage
) -> None:
    await asking.visit(visitor.page)
    first = await sign_in(visitor.page)

    await visitor.page.get_by_role("button", name="Sign out").click()
    answer = await said(visitor.page, "answer")
    second = await sign_in(visitor.page, as_user="ada")

    assert answer == "done"
    assert [await asking.storefront_status(token) for token in (first, second)] == [403, 200]


async def test_a_token_that_died_meanwhile_can_be_given_back_for_another(
    visitor: Visitor, asking: MusicPage
) -> None:
    await asking.visit(visitor.page)
    dead = await sign_in(visitor.page)
    await order(asking.apple, "tokens/revoke", {"token": dead})

    await visitor.page.get_by_role("button", name="Sign out").click()
    answer = await said(visitor.page, "answer")
    token = await sign_in(visitor.page)

    assert answer == "done"
    assert await asking.storefront_status(token) == 200


@pytest.mark.parametrize(
    "claims",
    [{"origin": ["https://music.example"]}, {"exp": int(time.time()) - 1}, {"iss": "short"}],
    ids=["another origin", "expired", "no team"],
)
async def test_a_developer_token_that_is_not_good_for_the_page_is_refused(
    visitor: Visitor, asking: MusicPage, claims: dict[str, Any]
) -> None:
    visitor.watch.expect("console error", "status of 401")

    configured = await asking.visit(visitor.page, **claims)

    assert configured == "UNAUTHORIZED_ERROR"


async def test_a_token_that_ends_while_the_page_is_open_is_told_by_the_window(
    visitor: Visitor, asking: MusicPage
) -> None:
    await asking.visit(visitor.page, exp=int(time.time()) + 500)
    await order(asking.apple, "clock", {"advance_s": 600})
    try:
        await visitor.page.get_by_role("button", name="Sign in").click()
        refused = await said(visitor.page, "answer")
    finally:
        await order(asking.apple, "clock", {"advance_s": -600})

    assert refused == "UNAUTHORIZED_ERROR"


async def test_a_window_that_no_click_asked_for_is_an_error(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page, is_asked_at_once=True)

    refused = await said(visitor.page, "answer")

    assert refused == "AUTHORIZATION_ERROR"
    assert len(visitor.context.pages) == 1


async def test_messages_of_others_are_no_answer(visitor: Visitor, asking: MusicPage) -> None:
    await asking.visit(visitor.page)
    popup = await open_sign_in(visitor.page)

    own_id = await popup.locator("input[name=id]").input_value()
    await visitor.page.evaluate("id => window.postMessage({ id, token: 'forged' }, '*')", own_id)
    await popup.evaluate("opener.postMessage({ id: 'guessed', token: 'forged' }, '*')")
    async with popup.expect_event("close"):
        await popup.get_by_role("button", name="Agree").click()
    token = await said(visitor.page, "answer")

    assert await asking.storefront_status(token) == 200


async def test_a_page_that_may_not_connect_is_told_of_its_network(visitor: Visitor) -> None:
    policy = {"Content-Security-Policy": "connect-src 'none'"}
    visitor.watch.expect("policy violation", "connect-src")
    visitor.watch.expect("policy violation", "Refused to connect")
    async with music_page(auto_approve=True, **policy) as page:
        configured = await page.visit(visitor.page)

    assert configured == "NETWORK_ERROR"


async def test_a_page_that_keeps_no_openers_gets_no_answer(visitor: Visitor) -> None:
    isolated = {"Cross-Origin-Opener-Policy": "same-origin"}
    async with music_page(auto_approve=True, **isolated) as page:
        await page.visit(visitor.page)
        await visitor.page.get_by_role("button", name="Sign in").click()
        answer = await said(visitor.page, "answer")

    assert answer == "AUTHORIZATION_ERROR"


async def test_with_auto_approval_the_window_agrees_by_itself_unless_told_not_to(visitor: Visitor) -> None:
    async with music_page(auto_approve=True) as page:
        deny = {"operation": "musickit_authorize", "kind": "deny", "count": 1}
        await order(page.apple, "faults", deny)
        answers = []
        for _ in range(2):
            await page.visit(visitor.page)
            await visitor.page.get_by_role("button", name="Sign in").click()
            answers.append(await said(visitor.page, "answer"))
        status = await page.storefront_status(answers[1])

    assert (answers[0], status) == ("AUTHORIZATION_ERROR", 200)


async def test_a_script_that_does_not_come_leaves_the_page_without_it(visitor: Visitor) -> None:
    visitor.watch.expect("console error", "Failed to load resource")
    async with music_page(auto_approve=True) as page:
        await order(page.apple, "faults", {"operation": "musickit_script", "kind": "drop"})
        await visitor.page.goto(str(page.app.with_query(claims="{}")))

        kind = await visitor.page.evaluate("typeof MusicKit")

    assert kind == "undefined"

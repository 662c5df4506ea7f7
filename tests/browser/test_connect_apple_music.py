"""A person connects Apple Music with the stand-in for its script; and everything that goes wrong there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.async_api import Page, expect

from shared.models import Platform
from shared.secret import Secret
from tests.browser.crossplay import Crossplay, Person, heading, press, visited
from tests.browser.servers import cure, order
from tests.browser.visitor import Visitor, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

APPLE_MUSIC = Platform.APPLE_MUSIC
BUTTON = "Sign in with Apple Music"
KEY_REFUSED = "does not accept this server's developer key"
HELD = "localStorage.getItem('music.team000001.media-user-token')"
HOLD = "token => localStorage.setItem('music.team000001.media-user-token', token)"
# What is refused in the user's name may be the user's fault or the key's: the call without a user tells.
REFUSALS = {"get_storefront": 403, "list_storefronts": 401}


async def open_window(page: Page) -> Page:
    async with page.expect_popup() as opening:
        await press(page, BUTTON)
    return await opening.value


async def agree(page: Page, *, as_user: str) -> None:
    """Sign in on our page, whose window opens then, and agree there."""
    window = await open_window(page)
    await window.get_by_label("Account", exact=True).fill(as_user)
    async with window.expect_event("close"):
        await press(window, "Agree")


async def connect(page: Page, person: Person) -> None:
    await page.goto((await person.start(APPLE_MUSIC))["page_url"])
    await agree(page, as_user=person.name)
    await heading(page, "Connected")


async def told(page: Page, role: Any = "status") -> str:
    """Wait until the page says something to its user."""
    line = page.get_by_role(role)
    await expect(line).not_to_be_empty()
    return await line.inner_text()


async def held_token(page: Page) -> str | None:
    token: str | None = await page.evaluate(HELD)
    return token


@asynccontextmanager
async def broken(stage: Crossplay, *faults: dict[str, Any]) -> AsyncIterator[None]:
    await order(stage.apple_music, "faults", list(faults))
    try:
        yield
    finally:
        await cure(stage.apple_music)


async def test_who_agrees_is_connected_and_the_token_goes_to_the_gateway_alone(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)
    addresses: list[str] = []
    said: list[str] = []
    visitor.context.on("request", lambda request: addresses.append(request.url))
    visitor.context.on("console", lambda message: said.append(message.text))

    await visitor.page.goto(session["page_url"])
    invitation = await heading(visitor.page, "Connect Apple Music")
    await agree(visitor.page, as_user=mira.name)
    result = await heading(visitor.page, "Connected")
    token = await held_token(visitor.page)
    seen = [*addresses, *said, *await visited(visitor.page), await visitor.page.content()]

    assert f"the Crossplay account {mira.name} can read your playlists at Apple Music" in invitation
    assert "Apple Music is connected" in result
    assert (await mira.look(session))["status"] == "connected"
    assert token
    assert len(addresses) > 5
    assert not [text for text in seen if token in text]
    status, _ = await mira.ask("GET", "/playlists?platform=apple_music")
    assert status == 200


@pytest.mark.parametrize("is_closed", [False, True], ids=["cancelled", "closed"])
async def test_who_leaves_the_window_can_try_again(
    stage: Crossplay, visitor: Visitor, *, is_closed: bool
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])

    window = await open_window(visitor.page)
    if is_closed:
        await window.close()
    else:
        await press(window, "Cancel")
    why = await told(visitor.page)
    between = await mira.look(session)
    await agree(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")

    assert why == "Apple Music was not allowed, or its window was closed: try again."
    assert between["status"] == "pending"
    assert (await mira.look(session))["status"] == "connected"


async def test_who_does_not_want_it_has_denied(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)

    await visitor.page.goto(session["page_url"])
    await press(visitor.page, "Do not connect")
    await heading(visitor.page, "Apple Music: Not connected")

    assert (await mira.look(session))["status"] == "denied"
    assert await mira.connections() == []


async def test_a_browser_that_holds_a_token_needs_no_window(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    await connect(visitor.page, mira)

    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])
    await press(visitor.page, BUTTON)
    await heading(visitor.page, "Connected")

    assert len(visitor.context.pages) == 1
    assert (await mira.look(session))["status"] == "connected"
    assert len(await mira.connections()) == 1


async def test_a_dead_token_is_forgotten_and_the_next_click_signs_in_afresh(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    await connect(visitor.page, mira)
    dead = await held_token(visitor.page)
    await order(stage.apple_music, "tokens/revoke", {"token": dead})

    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])
    await press(visitor.page, BUTTON)
    why = await told(visitor.page, "alert")
    await expect(visitor.page.get_by_role("button", name=BUTTON)).to_be_enabled()
    forgotten = await held_token(visitor.page)
    await agree(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")

    assert why == "Apple Music does not accept this sign-in: sign in there again."
    assert forgotten is None
    assert await held_token(visitor.page) not in (None, dead)
    assert (await mira.look(session))["status"] == "connected"


async def test_a_key_that_the_script_refuses_is_the_operators_fault(
    stage: Crossplay, visitor: Visitor
) -> None:
    visitor.watch.expect("console error", "status of 401")
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    issued = (await order(stage.apple_music, "user-tokens", {}))["music_user_token"]
    async with stage.another(apple_music_private_key=Secret(pem.decode())) as wrong:
        mira = await wrong.person("Mira")
        session = await mira.start(APPLE_MUSIC)
        await visitor.page.goto(session["page_url"])
        await visitor.page.evaluate(HOLD, issued)

        await visitor.page.reload()
        why = await told(visitor.page)
        is_enabled = await visitor.page.get_by_role("button", name=BUTTON).is_enabled()
        held = await held_token(visitor.page)
        revoked = await order(stage.apple_music, "tokens/revoke", {"token": issued})

        assert KEY_REFUSED in why
        assert not is_enabled
        assert (held, revoked) == (issued, {"revoked_count": 1})
        assert (await mira.look(session))["status"] == "pending"


async def test_a_key_that_is_refused_later_is_the_operators_fault_too(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])

    faults = ({"operation": name, "kind": "status", "status": code} for name, code in REFUSALS.items())
    async with broken(stage, *faults):
        await agree(visitor.page, as_user=mira.name)
        why = await told(visitor.page, "alert")
        between, held = await mira.look(session), await held_token(visitor.page)
    await expect(visitor.page.get_by_role("button", name=BUTTON)).to_be_enabled()
    await press(visitor.page, BUTTON)
    await heading(visitor.page, "Connected")

    assert KEY_REFUSED in why
    assert (between["status"], between["failure_code"]) == ("pending", "platform-denied")
    assert await held_token(visitor.page) == held
    assert (await mira.look(session))["status"] == "connected"


async def test_an_account_without_a_subscription_is_told_so(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    await visitor.page.goto((await mira.start(APPLE_MUSIC))["page_url"])

    window = await open_window(visitor.page)
    await window.get_by_label("The account has a subscription").uncheck()
    await press(window, "Agree")
    why = await told(visitor.page)

    assert why == "This account has no Apple Music subscription, which a transfer needs."


async def test_a_script_that_does_not_come_is_told_and_may_come_later(
    stage: Crossplay, visitor: Visitor
) -> None:
    visitor.watch.expect("console error", "Failed to load resource")
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)

    async with broken(stage, {"operation": "musickit_script", "kind": "drop"}):
        await visitor.page.goto(session["page_url"])
        why = await told(visitor.page)
        is_enabled = await visitor.page.get_by_role("button", name=BUTTON).is_enabled()
    await visitor.page.reload()
    await agree(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Connected")

    assert "could not be loaded" in why
    assert not is_enabled


async def test_a_platform_that_fails_for_a_moment_is_told_and_asked_again(
    stage: Crossplay, visitor: Visitor
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])

    async with broken(stage, {"operation": "get_storefront", "kind": "status", "status": 400}):
        await agree(visitor.page, as_user=mira.name)
        await told(visitor.page, "alert")
        held = await held_token(visitor.page)
    await press(visitor.page, BUTTON)
    await heading(visitor.page, "Connected")

    assert await held_token(visitor.page) == held
    assert len(visitor.context.pages) == 1


async def test_who_takes_too_long_is_told_so(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(APPLE_MUSIC)
    await visitor.page.goto(session["page_url"])

    await stage.let_pass_time(session)
    await agree(visitor.page, as_user=mira.name)
    await heading(visitor.page, "Apple Music: Too late")

    assert (await mira.look(session))["status"] == "expired"
    assert await mira.connections() == []


async def test_two_people_in_two_browsers_connect_at_once(stage: Crossplay, visitors: Visitors) -> None:
    people = [await stage.person("Mira"), await stage.person("Noor")]
    browsers = [await visitors.enter(), await visitors.enter()]

    await asyncio.gather(*(connect(one.page, person) for one, person in zip(browsers, people, strict=True)))
    tokens = [await held_token(one.page) for one in browsers]
    listed = []
    for person, token in zip(people, tokens, strict=True):
        await order(stage.apple_music, "tokens/revoke", {"token": token})
        path = "/playlists?platform=apple_music&refresh=1"
        listed.append([(await one.ask("GET", path))[0] for one in people])
        assert len(await person.connections()) == 1

    assert listed == [[409, 200], [409, 409]]

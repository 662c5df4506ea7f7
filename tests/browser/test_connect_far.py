"""People connect Spotify at a server to which no platform sends browsers, by pasting or by the command."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.models import Platform
from tests.browser.chromium import FAR_NAME
from tests.browser.crossplay import Crossplay, Person, agree_at_spotify, heading, press
from tests.browser.visitor import Visitor
from tests.waiting import within

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SPOTIFY = Platform.SPOTIFY


@asynccontextmanager
async def connecting(person: Person) -> AsyncIterator[Process]:
    """Run `crossplay connect spotify`; it never outlives the test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", "connect", "spotify", "--no-browser"),
        env={**os.environ, "CROSSPLAY_API_KEY": person.key, "CROSSPLAY_URL": str(person.server)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def address_shown(process: Process) -> str:
    """Return the address that the command asks its user to open."""
    assert process.stderr is not None
    async with asyncio.timeout(30.0):
        async for line in process.stderr:
            if line.strip().startswith(b"http"):
                return line.decode().strip()
    raise AssertionError("the command named no address")


async def test_the_address_at_the_end_is_pasted_and_a_wrong_one_can_be_corrected(
    far: Crossplay, visitor: Visitor
) -> None:
    mira = await far.person("Mira")
    session = await mira.start(SPOTIFY)
    page = visitor.page

    await page.goto(session["page_url"])
    steps = await heading(page, "Connect Spotify")
    async with page.expect_popup() as opening:
        await press(page, "1. Open Spotify")
    platform = await opening.value
    async with platform.expect_event("requestfailed") as failing:
        await agree_at_spotify(platform, as_user=mira.name)
    address = (await failing.value).url
    await page.get_by_label("3. Paste it here").fill(session["page_url"])
    await press(page, "Connect")
    why = await page.get_by_role("alert").inner_text()
    between = await mira.look(session)
    await page.get_by_label("3. Paste it here").fill(f" {address} ")
    await press(page, "Connect")
    told = await heading(page, "Connected")

    assert session["page_url"].startswith(f"http://{FAR_NAME}:")
    assert "2. Agree there" in steps
    assert address.startswith(f"{session['redirect_uri']}?code=")
    assert why == (
        "This is not where a sign-in ends. "
        "Paste the whole address at which the browser ended, with code= and state= in it."
    )
    assert between["status"] == "pending"
    assert f"Spotify is connected as {mira.name}" in told
    assert (await mira.look(session))["status"] == "connected"


async def test_a_pasted_address_of_another_browser_is_refused(far: Crossplay, visitor: Visitor) -> None:
    mira = await far.person("Mira")
    session = await mira.start(SPOTIFY)
    page = visitor.page
    await page.goto(session["page_url"])

    await page.get_by_label("3. Paste it here").fill(f"{session['redirect_uri']}?code=c&state=s")
    await press(page, "Connect")
    why = await page.get_by_role("alert").inner_text()

    assert "does not belong to this sign-in" in why
    assert (await mira.look(session))["status"] == "pending"


async def test_the_command_shows_the_page_and_waits_for_its_end(stage: Crossplay, visitor: Visitor) -> None:
    mira = await stage.person("Mira")

    async with connecting(mira) as process:
        await visitor.page.goto(await address_shown(process))
        await press(visitor.page, "Continue to Spotify")
        await agree_at_spotify(visitor.page, as_user=mira.name)
        await heading(visitor.page, "Connected")
        out, err = await within(process.communicate())

    assert process.returncode == 0, err
    assert out.decode() == f"Connected spotify: {mira.name}\n"


async def test_the_command_takes_the_answer_on_the_users_own_machine(
    far: Crossplay, visitor: Visitor
) -> None:
    mira = await far.person("Mira")

    async with connecting(mira) as process:
        await visitor.page.goto(await address_shown(process))
        await agree_at_spotify(visitor.page, as_user=mira.name)
        await visitor.page.get_by_text("Go back to the terminal").wait_for()
        ended_at = visitor.page.url
        out, err = await within(process.communicate())

    assert process.returncode == 0, err
    assert out.decode() == f"Connected spotify: {mira.name}\n"
    assert ended_at.startswith(f"http://127.0.0.1:{far.url.port}/connect/spotify/callback")


async def test_the_command_says_that_nobody_agreed(far: Crossplay, visitor: Visitor) -> None:
    mira = await far.person("Mira")

    async with connecting(mira) as process:
        await visitor.page.goto(await address_shown(process))
        await press(visitor.page, "Cancel")
        await visitor.page.get_by_text("Go back to the terminal").wait_for()
        out, err = await within(process.communicate())

    assert process.returncode != 0
    assert out == b""
    assert b"Not connected: You did not allow it" in err

"""Our pages as people use them: read aloud, by keyboard, on a small screen, with cookies off."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from playwright.async_api import Page, ViewportSize, async_playwright

from shared.models import Platform
from tests.browser.chromium import launch_options
from tests.browser.crossplay import Crossplay, press, refusal
from tests.browser.visitor import Visitor
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

SMALL: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1000, "height": 700}
# Chromium's own settings: no site may keep anything.
NO_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}
SHOTS = os.environ.get("CROSSPLAY_TEST_SCREENSHOTS")


async def open_every_page(page: Page, *, near: Crossplay, far: Crossplay) -> AsyncIterator[str]:
    """Open one page of ours after the other; name each."""
    mira, noor = await near.person("Mira"), await far.person("Noor")
    spotify = await mira.start(Platform.SPOTIFY)
    await page.goto(spotify["page_url"])
    yield "redirect"
    await press(page, "Do not connect")
    yield "denied"
    await page.goto((await mira.start(Platform.APPLE_MUSIC))["page_url"])
    yield "musickit"
    pasted = await noor.start(Platform.SPOTIFY)
    await page.goto(pasted["page_url"])
    yield "paste"
    await page.get_by_label("3. Paste it here").fill(pasted["page_url"])
    await press(page, "Connect")
    yield "paste again"
    await page.goto(str(near.url / "problems" / "connect-failed"))
    yield "problem"


async def test_every_page_is_readable_for_everybody(
    stage: Crossplay, far: Crossplay, visitor: Visitor
) -> None:
    page, faults = visitor.page, []
    async for name in open_every_page(page, near=stage, far=far):
        found = await page.evaluate(
            """() => ({
              lang: document.documentElement.lang,
              headings: document.querySelectorAll("h1").length,
              mains: document.querySelectorAll("main").length,
              unlabelled: [...document.querySelectorAll("input:not([type=hidden])")].filter(
                (field) => !field.labels.length).length,
              unnamed: [...document.querySelectorAll("button")].filter(
                (button) => !button.textContent.trim()).length,
              alerts: document.querySelectorAll("[role=alert]").length})"""
        )
        alerts = 1 if name == "paste again" else 0
        good = {"lang": "en", "headings": 1, "mains": 1, "unlabelled": 0, "unnamed": 0, "alerts": alerts}
        if found != good or " – Crossplay" not in await page.title():
            faults.append((name, found))
        await page.set_viewport_size(SMALL)
        if await page.evaluate("document.documentElement.scrollWidth") > SMALL["width"]:
            faults.append((name, "scrolls sideways"))
        await _shoot(page, name)
        await page.set_viewport_size(WIDE)

    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_focus_is_visible_and_follows_the_reading(
    stage: Crossplay, visitor: Visitor, scheme: Literal["light", "dark"]
) -> None:
    mira = await stage.person("Mira")
    page, seen = visitor.page, []
    await page.emulate_media(color_scheme=scheme)
    await page.goto((await mira.start(Platform.SPOTIFY))["page_url"])

    for _ in range(2):
        await page.keyboard.press("Tab")
        seen.append(
            await page.evaluate(
                """() => {
                  const style = getComputedStyle(document.activeElement);
                  return [document.activeElement.textContent,
                          style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
                }"""
            )
        )
    await _shoot(page, f"focus {scheme}")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Spotify: Not connected").wait_for()

    assert seen == [["Continue to Spotify", True], ["Do not connect", True]]


async def test_who_keeps_no_cookies_is_told_what_to_do(
    stage: Crossplay, chromium_program: str, tmp_path: Path
) -> None:
    mira = await stage.person("Mira")
    session = await mira.start(Platform.SPOTIFY)
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_bytes(msgspec.json.encode(NO_COOKIES))

    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, **launch_options(chromium_program)
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.pages[0]
        await page.goto(session["page_url"])
        await press(page, "Continue to Spotify")
        told = await refusal(page)
        kept = await context.cookies()
        await context.close()

    assert kept == []
    assert "cookies are off" in told
    assert (await mira.look(session))["status"] == "pending"


async def _shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name.replace(' ', '-')}.png")

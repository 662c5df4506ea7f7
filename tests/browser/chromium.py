"""A real Chromium, headless, which reaches nothing but this machine."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium on PATH nor in CROSSPLAY_TEST_CHROMIUM: apt-get install chromium"
# A proxy that is not there answers for every other machine: names are not even looked up.
DEAD_PROXY = "http://127.0.0.1:9"
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--proxy-server={DEAD_PROXY}",
)
# Playwright would let every window open; people's browsers block those that no click asked for.
UNWANTED = ("--disable-popup-blocking",)


def find_chromium(environ: Mapping[str, str]) -> str | None:
    """Return the path of the browser that the tests are to use, or None where there is none."""
    if named := environ.get("CROSSPLAY_TEST_CHROMIUM"):
        return named
    found = (shutil.which(program, path=environ.get("PATH")) for program in PROGRAMS)
    return next((path for path in found if path), None)


@asynccontextmanager
async def running_chromium(program: str) -> AsyncIterator[Browser]:
    """Start the browser with a profile of its own, and end it; it also ends when this process is killed."""
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else list(ARGUMENTS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, headless=True, args=arguments, ignore_default_args=list(UNWANTED)
        )
        try:
            yield browser
        finally:
            await browser.close()

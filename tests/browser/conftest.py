"""One Chromium for all of these tests, and a fresh browser in it for each person of a test."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import MISSING, find_chromium, running_chromium
from tests.browser.visitor import Visitor, Visitors


@pytest.fixture(scope="session")
def chromium_program() -> str:
    program = find_chromium(os.environ)
    if program is None:
        pytest.skip(MISSING)
    return program


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium(chromium_program: str) -> AsyncIterator[Browser]:
    """Ended as soon as the last of these tests is over: others measure time and need the memory."""
    async with running_chromium(chromium_program) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(chromium: Browser) -> AsyncIterator[Visitors]:
    """For tests with more than one person; what goes wrong in any of their pages fails the test."""
    async with Visitors.welcome(chromium) as visitors:
        yield visitors


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(visitors: Visitors) -> Visitor:
    """One person with a browser of their own."""
    return await visitors.enter()

"""Somebody with a browser of their own: separate cookies, and a watch over all that its pages do."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
)

from tests.waiting import PATIENCE_S, until

Incident = Literal["console error", "page error", "policy violation", "foreign request", "failed request"]

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
NETWORK_SCHEMES = frozenset({"http", "https", "ws", "wss"})
STRAGGLERS_S = 5.0
# What Chromium says whenever such a policy forbids something.
POLICY_WORDS = "Content Security Policy"


class Watch:
    """Notes what goes wrong in any page of one browser, popups too.

    Requests that fail are noted only: to close a window cuts some. Everything else must be expected.
    """

    def __init__(self) -> None:
        self.seen: dict[Incident, list[str]] = defaultdict(list)
        self._expected: list[tuple[Incident, str]] = []

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failure)

    def expect(self, incident: Incident, text: str) -> None:
        """Say that this is meant to happen, once or more: an incident in which the text occurs."""
        self._expected.append((incident, text))

    async def hear_out(self) -> None:
        """Wait a little for what is expected and not told yet: the browser tells errors behind the answer."""
        with suppress(TimeoutError):
            await until(lambda: not self._missing(), patience_s=STRAGGLERS_S)

    def settle(self) -> None:
        """Raise AssertionError if something unexpected has happened, or something expected has not."""
        wrong = [
            f"unexpected {incident}: {text}"
            for incident, texts in self.seen.items()
            for text in texts
            if incident != "failed request" and not self._is_expected(incident, text)
        ]
        wrong += [f"no {incident} with {part!r}" for incident, part in self._missing()]
        if wrong:
            raise AssertionError("\n".join(wrong))

    def _missing(self) -> list[tuple[Incident, str]]:
        return [
            (incident, part)
            for incident, part in self._expected
            if not any(part in text for text in self.seen[incident])
        ]

    def _is_expected(self, incident: Incident, text: str) -> bool:
        return any(kind == incident and part in text for kind, part in self._expected)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        incident: Incident = "policy violation" if POLICY_WORDS in message.text else "console error"
        self.seen[incident].append(f"{message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self.seen["page error"].append(str(error.error))

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in NETWORK_SCHEMES and parts.hostname not in LOOPBACK:
            self.seen["foreign request"].append(f"{request.method} {request.url}")

    def _failure(self, request: Request) -> None:
        self.seen["failed request"].append(f"{request.method} {request.url}: {request.failure}")


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One browser as a person has it: its first page is open, its cookies are nobody else's."""

    context: BrowserContext
    page: Page
    watch: Watch


@dataclass(kw_only=True)
class Visitors:
    """Opens as many of them as a test asks for, and settles with each at the end."""

    browser: Browser
    present: list[Visitor] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def welcome(cls, browser: Browser) -> AsyncIterator[Self]:
        visitors = cls(browser=browser)
        try:
            yield visitors
        finally:
            for visitor in visitors.present:
                await visitor.watch.hear_out()
                await visitor.context.close()
        for visitor in visitors.present:
            visitor.watch.settle()

    async def enter(self) -> Visitor:
        context = await self.browser.new_context()
        context.set_default_timeout(PATIENCE_S * 1000)
        watch = Watch()
        watch.over(context)
        visitor = Visitor(context=context, page=await context.new_page(), watch=watch)
        self.present.append(visitor)
        return visitor

"""A browser in front of the gateway, as far as sign-ins need one: cookies, forms, and no API key."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from aiohttp import hdrs
from aiohttp.test_utils import TestClient
from multidict import CIMultiDictProxy

from tests.integration.gateway.conftest import Reply, state_of

_PROOF = re.compile(r'name="proof" value="([^"]+)"')
HTML = "text/html,application/xhtml+xml"


class Browser:
    """Keeps its cookies to itself. Redirects are not followed; the reply's Location is made whole."""

    def __init__(self, client: "TestClient[Any, Any]") -> None:
        self._client = client
        self.cookies: dict[str, str] = {}

    async def open(self, address: str) -> Reply:
        return await self._send("GET", address)

    async def submit(self, page_url: str, page: Reply, **fields: str) -> Reply:
        """Send a page's form with these fields."""
        found = _PROOF.search(page.text)
        assert found, page.text
        return await self.send_form(page_url, {"proof": unescape(found[1]), **fields})

    async def send_form(self, page_url: str, fields: dict[str, str], **headers: str) -> Reply:
        return await self._send("POST", page_url, data=fields, headers=headers)

    async def leave(self, page_url: str) -> Reply:
        """Open a connect session's page and go on from there; the reply's Location is the platform's."""
        return await self.submit(page_url, await self.open(page_url), go="1")

    async def come_back(self, page_url: str, *, query: str) -> Reply:
        """Go through a sign-in and come back with this query beside the state."""
        state = state_of((await self.leave(page_url)).headers[hdrs.LOCATION])
        return await self.open(f"/connect/spotify/callback?{query}&state={state}")

    async def _send(self, method: str, address: str, **options: Any) -> Reply:
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Accept": HTML, **options.pop("headers", {})}
        if cookies:
            headers["Cookie"] = cookies
        async with self._client.request(
            method, path, headers=headers, allow_redirects=False, **options
        ) as response:
            self.cookies.update({name: morsel.value for name, morsel in response.cookies.items()})
            told = response.headers.copy()
            if hdrs.LOCATION in told:
                told[hdrs.LOCATION] = urljoin(f"https://crossplay.example{path}", told[hdrs.LOCATION])
            return Reply(
                status=response.status,
                headers=CIMultiDictProxy(told),
                kind=response.content_type,
                json={},
                text=await response.text(),
            )

"""Somebody who speaks REST to a gateway that may be dead, slow or without its stores."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from deploy.cli.exits import CommandStopped
from deploy.dev.sandboxes import USES

ANSWER_TIMEOUT_S = 10.0
AGAIN_AFTER_S = 0.15

Json = dict[str, Any]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. status 0: nothing did."""

    status: int
    body: Json = {}

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class _NotDone(Exception):
    """A step of connecting that did not work out."""


class Caller:
    """Sends requests with an API key."""

    def __init__(self, session: aiohttp.ClientSession, *, gateway_url: str, api_key: str) -> None:
        self._session = session
        self._gateway_url = gateway_url
        self._headers = {"Authorization": f"Bearer {api_key}"}

    async def ask(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request once."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        try:
            async with self._session.request(
                method,
                self._gateway_url + path,
                json=body,
                headers={**self._headers, **(headers or {})},
                timeout=timeout,
            ) as response:
                raw = await response.read()
                return Answer(status=response.status, body=msgspec.json.decode(raw) if raw else {})
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return Answer(status=0)

    async def insist(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        patience_s: float,
    ) -> Answer:
        """Send it again until it is answered with a success or a refusal of its own; the last answer."""
        give_up_at_s = time.monotonic() + patience_s
        while True:
            answer = await self.ask(method, path, body=body, headers=headers)
            is_final = 0 < answer.status < 500 and answer.status != 429
            if is_final or time.monotonic() >= give_up_at_s:
                return answer
            await asyncio.sleep(AGAIN_AFTER_S)

    async def tracks(self, transfer_id: str, *, patience_s: float) -> list[Json]:
        """Return every item of a transfer."""
        items: list[Json] = []
        path = f"/status/{transfer_id}/tracks?limit=200"
        cursor = ""
        while True:
            page = await self.insist("GET", path + cursor, patience_s=patience_s)
            items += page.body.get("items", [])
            if not page.body.get("next_cursor"):
                return items
            cursor = f"&cursor={page.body['next_cursor']}"

    async def connect(self, platform: str, *, sandbox_url: str) -> bool:
        """Connect an account (again), as its user would; False where that did not work out."""
        try:
            await USES[platform].connect(self._post, platform, sandbox_url)
        except (_NotDone, CommandStopped):
            return False
        return True

    async def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        if path.startswith("http"):
            async with self._session.post(path, json=body) as response:
                issued: Json = await response.json()
                return issued
        answer = await self.ask("POST", path, body=body)
        if not answer.is_success or answer.body.get("status") in ("denied", "failed", "expired"):
            raise _NotDone(path)
        return answer.body

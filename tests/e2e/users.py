"""Somebody with an API key: starts transfers and waits for their end, over REST alone."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import aiohttp

from deploy.dev.sandboxes import USES
from tests.event_streams import EventStream
from tests.waiting import until_answered

PATIENCE_S = 60.0
ENDED = ("completed", "failed", "cancelled")

Json = dict[str, Any]
T = TypeVar("T")


class Refused(AssertionError):
    """An answer that tells of no success. Tests that expect some look at status and problem."""

    def __init__(self, response: aiohttp.ClientResponse, problem: Json) -> None:
        super().__init__(f"{response.status} {problem}")
        self.status = response.status
        self.problem = problem
        self.headers = response.headers


class User:
    """Open it with `User.open`."""

    def __init__(self, session: aiohttp.ClientSession, *, key: str) -> None:
        self._session = session
        self.key = key

    @classmethod
    @asynccontextmanager
    async def open(cls, gateway_url: str, *, key: str) -> AsyncIterator[Self]:
        headers = {"Authorization": f"Bearer {key}"}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(gateway_url, headers=headers, timeout=timeout) as session:
            yield cls(session, key=key)

    async def connect(self, sandbox_urls: Mapping[str, str]) -> None:
        """Connect the accounts of all sandboxes."""
        for platform, url in sandbox_urls.items():
            await USES[platform].connect(self.post, platform, url)

    async def start(self, source: str, playlist: str, target: str) -> str:
        """Start a transfer into a new playlist whose name nothing else has; return its id."""
        name = f"{playlist} {secrets.token_hex(4)}"
        body = {
            "source": {"platform": source, "playlist": playlist},
            "target": {"platform": target, "name": name},
        }
        return str((await self.post("/transfer", body))["id"])

    async def end(self, transfer_id: str, *, patience_s: float = PATIENCE_S) -> Json:
        """Wait until a transfer has ended; return its status, the last one seen if the time is up."""
        status: Json = {}

        async def has_ended() -> bool:
            nonlocal status
            status = await self.status(transfer_id)
            return status["state"] in ENDED

        with contextlib.suppress(TimeoutError):
            await until_answered(has_ended, patience_s=patience_s, every_s=0.05)
        return status

    async def status(self, transfer_id: str) -> Json:
        return await self.get(f"/status/{transfer_id}")

    async def tracks(self, transfer_id: str) -> list[Json]:
        """Return every item of a transfer."""
        items: list[Json] = []
        params = {"limit": "200"}
        while True:
            page = await self.get(f"/status/{transfer_id}/tracks", params=params)
            items += page["items"]
            if not page["next_cursor"]:
                return items
            params["cursor"] = page["next_cursor"]

    async def get(self, path: str, *, params: Mapping[str, str] | None = None) -> Json:
        async with self._session.get(path, params=params) as response:
            return await _answer(response)

    async def listen(self, transfer_id: str, *, last: int | None) -> EventStream:
        """Open the event stream of a transfer as somebody who has seen the event `last`."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        response = await self._session.get(f"/status/{transfer_id}/events", headers=headers)
        if response.status != 200:
            raise Refused(response, {})
        return EventStream(response)

    async def refused(self, path: str) -> Json:
        """Ask for something that is not possible; return the problem."""
        async with self._session.post(path, json={}) as response:
            assert not response.ok
            problem: Json = await response.json(content_type=None)
            return problem

    async def delete(self, path: str) -> Json:
        async with self._session.delete(path) as response:
            return await _answer(response)

    async def put(self, path: str, body: Mapping[str, Any]) -> Json:
        async with self._session.put(path, json=body) as response:
            return await _answer(response)

    async def post(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Json:
        async with self._session.post(path, json=body, headers=headers) as response:
            return await _answer(response)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call again for as long as it is refused with the advice to try again."""
    give_up_at_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await call()
        except Refused as refused:
            if refused.status != 503 or time.monotonic() >= give_up_at_s:
                raise
        await asyncio.sleep(0.1)


async def _answer(response: aiohttp.ClientResponse) -> Json:
    answer: Json = await response.json(content_type=None)
    if not response.ok:
        raise Refused(response, answer)
    return answer

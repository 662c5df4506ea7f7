"""Users who go on as ever while everything is replaced, and who note each answer that was not one."""

import asyncio
import contextlib
import itertools
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

from tests.e2e.worlds import Cut
from tests.event_streams import EventStream

READER_COUNT = 3
READ_EVERY_S = 0.06
START_EVERY_S = 1.5
TIMEOUT = aiohttp.ClientTimeout(total=30)


class Load:
    """faults: what went wrong, in words. statuses: how often each status came. started: transfers."""

    def __init__(self, url: str, *, key: str, cuts: tuple[Cut, ...]) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._cuts = itertools.cycle(cuts)
        self._is_over = asyncio.Event()
        self.started: dict[str, Cut] = {}
        self.faults: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.farewell_count = 0

    @classmethod
    @asynccontextmanager
    async def run(cls, url: str, *, key: str, cuts: tuple[Cut, ...]) -> AsyncIterator[Self]:
        """Run it for as long as the block lasts; what is under way is brought to its end."""
        load = cls(url, key=key, cuts=cuts)
        async with asyncio.TaskGroup() as group:
            group.create_task(load._start())
            group.create_task(load._listen())
            for _ in range(READER_COUNT):
                group.create_task(load._read())
            try:
                yield load
            finally:
                load._is_over.set()

    async def _read(self) -> None:
        """Ask again and again over connections that are kept."""
        paths = itertools.cycle(
            ("/status/{}/tracks?limit=20", "/status/{}", "/connections", "/playlists?platform=spotify")
        )
        async with self._session(is_kept=True) as session:
            while not self._is_over.is_set():
                latest = next(reversed(self.started), None)
                path = next(paths)
                if latest or "{}" not in path:
                    await self._ask(session, "GET", path.format(latest))
                await asyncio.sleep(READ_EVERY_S)

    async def _start(self) -> None:
        """Start a transfer now and then, each over a connection of its own."""
        async with self._session(is_kept=False) as session:
            while not self._is_over.is_set():
                cut = next(self._cuts)
                body = {
                    "source": {"platform": cut.platform, "playlist": cut.name},
                    "target": {"platform": cut.target, "name": f"{cut.name} {secrets.token_hex(4)}"},
                }
                answer = await self._ask(session, "POST", "/transfer", body=body)
                if answer is not None:
                    self.started[answer["id"]] = cut
                await asyncio.sleep(START_EVERY_S)

    async def _listen(self) -> None:
        """Follow transfers by their events; whoever is told good-bye comes back and goes on there."""
        async with self._session(is_kept=False) as session:
            while not self._is_over.is_set():
                if not self.started:
                    await asyncio.sleep(READ_EVERY_S)
                    continue
                await self._follow(session, next(reversed(self.started)))

    async def _follow(self, session: aiohttp.ClientSession, transfer_id: str) -> None:
        name = ""
        last: int | None = None
        while name != "done" and not self._is_over.is_set():
            headers: dict[str, str] = {} if last is None else {"Last-Event-ID": str(last)}
            try:
                async with session.get(f"/status/{transfer_id}/events", headers=headers) as response:
                    self.statuses[response.status] += 1
                    if response.status == 204:
                        return
                    name, last = await self._hear(EventStream(response), last)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.faults.append(f"events: {type(error).__name__}: {error}")
                return
            if name == "bye":
                self.farewell_count += 1
                await asyncio.sleep(1.0)  # as the stream asks for
            elif name != "done":
                self.faults.append(f"events: ended after {name!r}")
                return

    async def _hear(self, stream: EventStream, last: int | None) -> tuple[str, int | None]:
        """Return the name of the last event and the id of the last that has one."""
        name = ""
        with contextlib.suppress(EOFError):
            while True:
                event = await stream.next()
                name = event.name
                last = last if event.revision is None else event.revision
        return name, last

    async def _ask(self, session: aiohttp.ClientSession, method: str, path: str, *, body: Any = None) -> Any:
        try:
            async with session.request(method, path, json=body) as response:
                self.statuses[response.status] += 1
                answer = await response.json(content_type=None)
                if not response.ok:
                    self.faults.append(f"{method} {path}: {response.status} {answer}")
                    return None
                return answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.faults.append(f"{method} {path}: {type(error).__name__}: {error}")
            return None

    def _session(self, *, is_kept: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=not is_kept)
        return aiohttp.ClientSession(self._url, headers=self._headers, timeout=TIMEOUT, connector=connector)

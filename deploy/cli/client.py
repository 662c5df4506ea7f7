"""The gateway's REST interface as the command uses it: patient with restarts, plain about problems."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import IO, Any, Self

import aiohttp
import msgspec

from deploy.cli.exits import CommandStopped, Exit, exit_of_problem

PATIENCE_S = 30.0
REQUEST_TIMEOUT_S = 60.0
PAUSE_S = 0.5
# Answers of a gateway, or of a proxy in front of it, that a moment later may be others.
_PASSING_STATUSES = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_EMPTY_STATUSES = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_PASSING_CODES = ("", "draining", "store-unavailable", "upstream-unavailable")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: body is decoded JSON, None where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class GatewayClient:
    """Speaks to one gateway with one API key. Methods raise CommandStopped for everything but success.

    Once the gateway has answered, reads outlive its restarts for PATIENCE_S; a first call does not wait,
    because then the address is wrong more often than the server is away.
    """

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server.rstrip("/")
        self._has_answered = False

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, *, key: str | None) -> AsyncIterator[Self]:
        if not key:
            raise CommandStopped(
                "No API key.",
                code=Exit.SIGN_IN,
                cure="Give one with --key or CROSSPLAY_API_KEY; `crossplay dev` prints one.",
            )
        if not server.startswith(("http://", "https://")):
            raise CommandStopped(
                f"'{server}' is not the address of a server.",
                code=Exit.USAGE_OR_CANCELLED,
                cure="Write it with its scheme, such as http://127.0.0.1:8080.",
            )
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield cls(session, server)

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Read a resource; 304 comes back as an answer."""
        give_up_at_s = time.monotonic() + (PATIENCE_S if self._has_answered else 0.0)
        while True:
            try:
                answer = await self._send("GET", path, params=params, headers=headers)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                if time.monotonic() >= give_up_at_s:
                    raise self._unreachable(error) from error
            else:
                if not _is_passing(answer) or time.monotonic() >= give_up_at_s:
                    return self._checked(answer)
            await asyncio.sleep(PAUSE_S)

    async def post(
        self, path: str, *, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send once."""
        return await self._once("POST", path, json=body, headers=headers)

    async def put(self, path: str, *, body: Mapping[str, Any]) -> Answer:
        """Send once; repeating it does no harm."""
        return await self._once("PUT", path, json=body)

    async def patch(self, path: str, *, body: Mapping[str, Any]) -> Answer:
        """Send once; repeating it does no harm."""
        return await self._once("PATCH", path, json=body)

    async def upload(self, path: str, *, params: Mapping[str, str], content: IO[bytes]) -> Answer:
        """Send a file as it is, once."""
        headers = {"Content-Type": "application/octet-stream"}
        return await self._once("POST", path, params=params, data=content, headers=headers)

    async def delete(self, path: str) -> Answer:
        """Send once."""
        return await self._once("DELETE", path)

    async def pages(
        self, path: str, *, params: Mapping[str, str] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Give the items of all pages, in order."""
        query = dict(params or {})
        while True:
            page = (await self.get(path, params=query)).body
            for item in page["items"]:
                yield item
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    async def download(self, path: str) -> AsyncIterator[bytes]:
        """Give a file piece by piece. One that breaks off raises CommandStopped behind its last piece."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=REQUEST_TIMEOUT_S)
        try:
            async with self._session.get(
                f"{self._server}{path}", timeout=timeout, headers={"Accept": "*/*"}
            ) as response:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    body = _decode(await response.text())
                    raise self._problem(Answer(status=response.status, headers=response.headers, body=body))
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _once(self, method: str, path: str, **options: Any) -> Answer:
        try:
            return self._checked(await self._send(method, path, **options))
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _send(self, method: str, path: str, **options: Any) -> Answer:
        try:
            async with self._session.request(method, f"{self._server}{path}", **options) as response:
                text = await response.text()
        except aiohttp.InvalidURL as error:
            raise CommandStopped(
                f"'{self._server}' is not the address of a server.", code=Exit.USAGE_OR_CANCELLED
            ) from error
        self._has_answered = True
        return Answer(status=response.status, headers=response.headers, body=_decode(text))

    def _checked(self, answer: Answer) -> Answer:
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._problem(answer)
        if answer.status not in _EMPTY_STATUSES and not isinstance(answer.body, dict):
            raise CommandStopped(
                f"{self._server} answers, but not as Crossplay does.",
                code=Exit.UNREACHABLE,
                cure="Check the address in --server or CROSSPLAY_URL.",
            )
        return answer

    def _problem(self, answer: Answer) -> CommandStopped:
        body, code = answer.body if isinstance(answer.body, dict) else {}, _code(answer)
        lines = [str(body.get("detail") or body.get("title") or f"The server answered {answer.status}.")]
        lines += [
            f"  {fault.get('pointer', '')}: {fault.get('detail', '')}"
            for fault in body.get("errors") or ()
            if isinstance(fault, dict)
        ]
        if body.get("url"):
            lines.append(f"  {body['url']}")
        if body.get("trace_id"):
            lines.append(f"  trace {body['trace_id']}")
        if not code and _is_passing(answer):
            return CommandStopped("\n".join(lines), code=Exit.UNREACHABLE, cure="Try again in a moment.")
        return CommandStopped("\n".join(lines), code=exit_of_problem(code), cure=_cure(code, body))

    def _unreachable(self, error: Exception) -> CommandStopped:
        why = str(error) or type(error).__name__
        return CommandStopped(
            f"{self._server} cannot be reached: {why}",
            code=Exit.UNREACHABLE,
            cure="Start one with `crossplay dev`, or correct --server or CROSSPLAY_URL.",
        )


def _decode(text: str) -> Any:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def _code(answer: Answer) -> str:
    return str(answer.body.get("code", "")) if isinstance(answer.body, dict) else ""


def _is_passing(answer: Answer) -> bool:
    return answer.status in _PASSING_STATUSES and _code(answer) in _PASSING_CODES


# In the words of this command; the server's own cure speaks of requests.
_CURES = {
    "unauthenticated": "Give a valid API key with --key or CROSSPLAY_API_KEY.",
    "forbidden-scope": "See what your keys may do: crossplay api-keys list",
    "connection-missing": "Link the account first: crossplay connect PLATFORM",
    "reconnect-required": "Sign in again: crossplay connect PLATFORM",
    "undo-not-supported": "Nobody else can: do it there by hand.",
    "not-found": "See which there are: crossplay status, or crossplay rules",
    "validation": "See the verb's --help, such as crossplay transfer --help",
    "playlist-not-readable": "See which there are: crossplay playlists PLATFORM",
    "file-unreadable": "Export it in one of these forms: docs/reference/file-formats.md",
    "idempotency-key-reused": "Use another --idempotency-key for another request.",
}


def _cure(code: str, body: Mapping[str, Any]) -> str | None:
    cure = _CURES.get(code) or body.get("help")
    ways = body.get("routes")
    if isinstance(ways, list):
        return "\n    ".join([str(cure or "One of:"), *map(str, ways)])
    return str(cure) if cure else None

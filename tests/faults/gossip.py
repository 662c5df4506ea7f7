"""An HTTP proxy in front of a sandbox that knows every secret which passes, and tells it when it refuses."""

import base64
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import msgspec
from aiohttp import hdrs, web
from aiohttp.test_utils import TestServer

_FORM_SECRETS = ("code", "code_verifier", "refresh_token", "state")
_ANSWER_SECRETS = ("access_token", "refresh_token")
_KEPT = (hdrs.CONTENT_TYPE, hdrs.LOCATION, hdrs.RETRY_AFTER, hdrs.DATE)


class Mood(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are refused: with this status and a body that repeats all that came.

    methods: of which calls. word: stands in the body too. routes: one of them is in the path. form: json,
    text or garbage, which begins as JSON and breaks off.
    """

    status: int
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "DELETE")
    word: str = ""
    routes: tuple[str, ...] = ("/",)
    form: str = "json"

    def fits(self, request: web.Request) -> bool:
        return request.method in self.methods and any(route in request.path for route in self.routes)


class Gossip:
    """Forwards while it is entered. secrets: what has passed, by the name of its place. mood: None is good.

    told_count: how many calls were refused.
    """

    def __init__(self, upstream_url: str) -> None:
        self.secrets: dict[str, str] = {}
        self.mood: Mood | None = None
        self.told_count = 0
        self._upstream_url = upstream_url
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._pass_on)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()
        await self._server.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        content = await request.read()
        self._overhear(request, content)
        mood = self.mood
        if mood and mood.fits(request):
            self.told_count += 1
            return self._refuse(request, content, mood)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in (hdrs.HOST, hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.ACCEPT_ENCODING)
        }
        async with self._http.request(
            request.method,
            f"{self._upstream_url}{request.raw_path}",
            headers=headers,
            data=content or None,
            allow_redirects=False,
        ) as answer:
            body = await answer.read()
            self._overhear_answer(answer, body)
            kept = {name: value for name, value in answer.headers.items() if name in _KEPT}
            return web.Response(status=answer.status, body=body, headers=kept)

    def _refuse(self, request: web.Request, content: bytes, mood: Mood) -> web.Response:
        said = f"{mood.word} {request.path_qs} {dict(request.headers)} {content.decode(errors='replace')}"
        told = {"error": mood.word or {"status": mood.status, "message": said}, "error_description": said}
        text = msgspec.json.encode({**told, "access_token": said, "errors": [{"detail": said}]}).decode()
        if mood.form == "text":
            return web.Response(status=mood.status, text=said)
        return web.Response(
            status=mood.status,
            text=text[:-20] if mood.form == "garbage" else text,
            content_type="application/json",
            headers={"Retry-After": "0"} if mood.status == 429 else {},
        )

    def _overhear(self, request: web.Request, content: bytes) -> None:
        scheme, _, value = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if value:
            self._keep(f"{scheme} of {request.path}", value)
        if scheme == "Basic":
            self._keep("client secret", base64.b64decode(value).decode().partition(":")[2])
        self._keep("music user token", request.headers.get("Music-User-Token", ""))
        if request.content_type == "application/x-www-form-urlencoded":
            self._keep_all(dict(parse_qsl(content.decode())), _FORM_SECRETS)
        self._keep_all(request.query, _FORM_SECRETS)

    def _overhear_answer(self, answer: aiohttp.ClientResponse, body: bytes) -> None:
        location = urlsplit(answer.headers.get(hdrs.LOCATION, ""))
        self._keep_all(dict(parse_qsl(location.query)), _FORM_SECRETS)
        if b"access_token" in body:
            self._keep_all(msgspec.json.decode(body), _ANSWER_SECRETS)

    def _keep_all(self, values: Any, names: tuple[str, ...]) -> None:
        for name in names:
            self._keep(name, str(values.get(name, "")))

    def _keep(self, name: str, value: str) -> None:
        if value and value not in self.secrets.values():
            self.secrets[f"{name} {len(self.secrets)}"] = value

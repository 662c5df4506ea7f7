"""A gateway that plays a script, on a real loopback socket: the other side of the command's tests."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

API_KEY = "cp_live_test_key"
TRANSFER_ID = "0b7e8a52-3a6f-4c39-9a55-5f4a8f0a8a11"
BUCKETS = (
    "pending",
    "deferred",
    "ready",
    "written",
    "already_present",
    "review",
    "unmatched",
    "not_transferable",
    "skipped",
    "failed",
    "removed",
)


def status(state: str, **changes: Any) -> dict[str, Any]:
    """Return a status resource; buckets are given by name, everything else by its field."""
    counts = {name: changes.pop(name, 0) for name in BUCKETS}
    return {
        "id": TRANSFER_ID,
        "revision": 1,
        "state": state,
        "phase": None,
        "outcome": None,
        "counts": {"total": sum(counts.values()), **counts},
        "summary": state.capitalize(),
        "paused": None,
        "error": None,
        "warnings": [],
        "target_playlist": None,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "links": {"self": f"/status/{TRANSFER_ID}", "tracks": f"/status/{TRANSFER_ID}/tracks"},
        **changes,
    }


def listed(transfer_id: str) -> dict[str, Any]:
    """Return a transfer as a list has it, without counts."""
    return {
        "id": transfer_id,
        "state": "running",
        "phase": "match",
        "source": {"platform": "spotify", "connection": "c-1", "playlist": "p1", "name": "Tides"},
        "target": {"platform": "apple_music", "connection": "c-2", "playlist": None, "name": "Tides"},
    }


def item(position: int, outcome: str, **changes: Any) -> dict[str, Any]:
    return {
        "position": position,
        "source": {"title": f"Lantern {position}", "artists": ["The Paper Boats"]},
        "outcome": outcome,
        "written": outcome == "exact",
        "reason": "",
        "target": None,
        **changes,
    }


class Received:
    """What the command sent, request by request."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.queries: list[Mapping[str, str]] = []


PAGES = (
    *("/rules", "/keys", "/playlists", "/transfers", "/connections", "/webhooks", "/platforms", "/files"),
)


class FakeGateway:
    """Answers with what its attributes hold.

    revisions: each read of the status that knows the current one moves on to the next.
    plan: the answer to a dry run. pages: items by path, given out two at a time. stored: what a PUT or POST
    answers, by path. uploads: files that it was sent.
    reports: files by path; is_report_cut: they break off before their end.
    is_hand_in_asked: the answer to a sign-in has to be handed in; redirect_uri: where it then ends.
    problem: answered to everything instead, with its status.
    interruptions: how many of the next status reads are cut off, as by a restart.
    """

    def __init__(self) -> None:
        self.revisions: list[dict[str, Any]] = [status("completed", outcome="full")]
        self.pages: dict[str, list[dict[str, Any]]] = {}
        self.stored: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, bytes] = {}
        self.is_report_cut = False
        self.uploads: list[bytes] = []
        self.session_states: list[dict[str, Any]] = [{"status": "connected"}]
        self.plan: dict[str, Any] | None = None
        self.problem: dict[str, Any] | None = None
        self.interruptions = 0
        self.consents = 0
        self.is_hand_in_asked = False
        self.redirect_uri = "http://127.0.0.1:9/connect/spotify/callback"
        self.received = Received()
        self._revision = 0
        app = web.Application(middlewares=[self._record])
        app.add_routes(self._routes())
        self._server = TestServer(app)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.post("/transfer", self._transfer),
            web.post("/transfer/{id}/undo", self._transfer),
            web.post("/status/{id}/retry", self._transfer),
            web.get("/status/{id}", self._status),
            web.get("/status/{id}/tracks", self._page),
            web.put("/status/{id}/tracks/{position}/match", self._stored),
            web.get("/status/{id}/report.{form}", self._report),
            *(web.get(path, self._page) for path in PAGES),
            *(web.delete(f"{path}/{{id}}", self._removed) for path in ("/rules", "/keys")),
            web.post("/keys", self._stored),
            web.post("/files", self._stored),
            web.get("/files/{id}/content", self._report),
            web.put("/rules", self._stored),
            web.post("/webhooks", self._stored),
            web.patch("/webhooks/{id}", self._stored),
            web.delete("/webhooks/{id}", self._removed),
            web.post("/webhooks/{id}/{verb}", self._stored),
            web.get("/webhooks/{id}/deliveries", self._page),
            web.post("/webhooks/{id}/deliveries/{delivery}/replay", self._stored),
            web.delete("/connections/{id}", self._stored),
            web.post("/connections/{id}/test", self._stored),
            web.post("/connect/{platform}", self._connect),
            web.get("/connect/sessions/{id}", self._session),
            web.get("/consent", self._consent),
            web.post("/connect/sessions/{id}/answer", self._answer),
        ]

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.received.paths.append(f"{request.method} {request.path}")
        self.received.headers.append(request.headers)
        self.received.queries.append(request.query)
        if request.content_type == "application/octet-stream" and request.can_read_body:
            self.uploads.append(await request.read())
        elif request.can_read_body:
            self.received.bodies.append(await request.json())
        is_public = request.path == "/consent"
        if self.problem is not None and not is_public:
            return _problem(self.problem)
        if not is_public and request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return _problem({"status": 401, "code": "unauthenticated", "detail": "The API key is not known."})
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _transfer(self, request: web.Request) -> web.Response:
        if self.plan is not None and (await request.json()).get("dry_run"):
            return web.json_response(self.plan)
        return web.json_response(
            self.revisions[0], status=202, headers={"Location": f"{self.url}/status/{TRANSFER_ID}"}
        )

    async def _status(self, request: web.Request) -> web.Response:
        if self.interruptions:
            self.interruptions -= 1
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if request.match_info["id"] != TRANSFER_ID:
            return _problem({"status": 404, "code": "not-found", "detail": "There is no such transfer."})
        if request.headers.get("If-None-Match") == self._etag() and self._revision + 1 < len(self.revisions):
            self._revision += 1
        return web.json_response(self.revisions[self._revision], headers={"ETag": self._etag()})

    async def _page(self, request: web.Request) -> web.Response:
        items = self.pages.get(request.path, [])
        begin = int(request.query.get("cursor", "0"))
        end = begin + 2
        return web.json_response(
            {"items": items[begin:end], "next_cursor": str(end) if end < len(items) else None}
        )

    async def _report(self, request: web.Request) -> web.StreamResponse:
        if request.path not in self.reports:
            return _problem({"status": 404, "code": "not-found", "detail": "There is no such transfer."})
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(self.reports[request.path])
        if self.is_report_cut:
            assert request.transport is not None
            request.transport.close()
        return response

    async def _stored(self, request: web.Request) -> web.Response:
        return web.json_response(self.stored[request.path])

    async def _removed(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _connect(self, request: web.Request) -> web.Response:
        session = {"id": "s-1", "status": "pending", "page_url": f"{self.url}/connect/sessions/s-1/page"}
        body = await request.json()
        if body.get("music_user_token"):
            connection = {"id": "c-1", "label": "Apple Music (fr)"}
            return web.json_response({**session, "status": "connected", "connection": connection}, status=201)
        if body.get("form"):
            connection = {"id": "c-1", "label": str(body["form"]["user"])}
            return web.json_response({**session, "status": "connected", "connection": connection}, status=201)
        if body.get("hand_in") or self.is_hand_in_asked:
            session["authorize_url"] = f"{self.url}/consent"
            session["redirect_uri"] = self.redirect_uri
        return web.json_response(session, status=201)

    async def _answer(self, request: web.Request) -> web.Response:
        return web.json_response({"id": "s-1", **self.session_states[-1]})

    async def _session(self, request: web.Request) -> web.Response:
        is_last = len(self.session_states) == 1
        state = self.session_states[0] if is_last else self.session_states.pop(0)
        return web.json_response({"id": "s-1", **state})

    async def _consent(self, request: web.Request) -> web.Response:
        self.consents += 1
        raise web.HTTPFound(f"{self.redirect_uri}?code=x&state=s")

    def _etag(self) -> str:
        return f'W/"{self._revision}"'


def _problem(body: dict[str, Any]) -> web.Response:
    return web.json_response(
        {"type": f"/problems/{body['code']}", "title": body["code"], **body},
        status=body["status"],
        content_type="application/problem+json",
    )

"""How a Subsonic server wraps what it says; its errors are answers with the status 200."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers

API_VERSION = "1.16.1"
SERVER_VERSION = "0.58.0 (sandbox)"


def wrapped(content: dict[str, Any], *, status: str, is_open: bool) -> dict[str, Any]:
    """is_open: it is a server that knows OpenSubsonic."""
    head: dict[str, Any] = {"status": status, "version": API_VERSION}
    if is_open:
        head |= {"type": "navidrome", "serverVersion": SERVER_VERSION, "openSubsonic": True}
    return {"subsonic-response": {**head, **content}}


def failed(code: int, message: str) -> dict[str, Any]:
    return wrapped({"error": {"code": code, "message": message}}, status="failed", is_open=True)


class SubsonicVoice:
    """A refusal with a code is an answer with 200; what has another status comes from a proxy in front."""

    def refusal(self, refused: Refused) -> web.Response:
        return json_answer(failed(int(refused.code or 0), refused.message), status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        del operation
        return json_answer(failed(0, HTTPStatus(status).phrase), status=status)

    def throttled(self, throttled: Throttled) -> web.Response:
        return web.Response(
            status=429, text="Too many requests", headers=retry_headers(throttled.retry_after_s)
        )

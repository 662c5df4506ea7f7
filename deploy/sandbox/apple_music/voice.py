"""Apple Music's error bodies."""

import secrets
from http import HTTPStatus
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, html_answer, json_answer, retry_headers


def error_answer(refused: Refused) -> web.Response:
    error: dict[str, Any] = {
        "id": secrets.token_hex(13).upper(),
        "title": refused.title or HTTPStatus(refused.status).phrase,
        "detail": refused.message,
        "status": str(refused.status),
        "code": refused.code or f"{refused.status}00",
    }
    if refused.parameter:
        error["source"] = {"parameter": refused.parameter}
    return json_answer({"errors": [error]}, status=refused.status)


class AppleMusicVoice:
    """401 has no body, 504 is HTML, all others are `{"errors": [...]}` with texts for numbers."""

    def refusal(self, refused: Refused) -> web.Response:
        if refused.status == HTTPStatus.UNAUTHORIZED:
            return web.Response(status=401)
        if refused.status == HTTPStatus.GATEWAY_TIMEOUT:
            return html_answer(504)
        return error_answer(refused)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            what = "Unable to update tracks" if operation == "add_items" else "Upstream Service Error"
            return error_answer(Refused(status, what, code="50001", title="Upstream Service Error"))
        if status == HTTPStatus.FORBIDDEN:
            return error_answer(Refused(status, "Invalid authentication", code="40300"))
        return self.refusal(Refused(status, HTTPStatus(status).phrase))

    def throttled(self, throttled: Throttled) -> web.Response:
        """Without Retry-After unless a fault asks for it: Apple does not send one."""
        headers = {} if throttled.is_own_limit else retry_headers(throttled.retry_after_s)
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        answer = error_answer(Refused(429, "Too Many Requests", code="42900"))
        answer.headers.update(headers)
        return answer

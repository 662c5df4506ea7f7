"""TIDAL's error bodies, and how its documents are sent."""

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers

MEDIA_TYPE = "application/vnd.api+json"
ACCOUNT_OPERATIONS = frozenset({"authorize", "token"})
TOKEN_EXPIRED = 11003
# What a refusal is called where nothing says it better.
CODES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMIT_EXCEEDED",
}


def document(content: Any, *, status: int = 200) -> web.Response:
    """Send a JSON:API document."""
    return web.Response(body=msgspec.json.encode(content), status=status, content_type=MEDIA_TYPE)


def errors(
    status: int, detail: str, *, code: str = "", parameter: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    """Send an errors document; a 401 says beside it what the older bodies of the platform say."""
    error: dict[str, Any] = {
        "status": str(status),
        "code": code or CODES.get(status, "INTERNAL_ERROR"),
        "detail": detail,
    }
    if parameter:
        error["source"] = {"pointer" if parameter.startswith("/") else "parameter": parameter}
    body: dict[str, Any] = {"errors": [error]}
    if status == HTTPStatus.UNAUTHORIZED:
        body |= {"status": status, "subStatus": TOKEN_EXPIRED, "userMessage": detail}
    answer = document(body, status=status)
    answer.headers.update(headers or {})
    return answer


class TidalVoice:
    """The API says `{"errors": [{"status", "code", "detail", "source"?}]}`, its token server `{"error"}`."""

    def refusal(self, refused: Refused) -> web.Response:
        if refused.title:
            return _token_error(refused.status, refused.title, refused.message)
        return errors(refused.status, refused.message, code=refused.code, parameter=refused.parameter)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if operation in ACCOUNT_OPERATIONS:
            error = "invalid_grant" if status == HTTPStatus.BAD_REQUEST else "server_error"
            return _token_error(status, error, "The token could not be given")
        return errors(status, HTTPStatus(status).phrase)

    def throttled(self, throttled: Throttled) -> web.Response:
        headers = retry_headers(throttled.retry_after_s)
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        return errors(429, "Rate limit exceeded", headers=headers)


def _token_error(status: int, error: str, description: str) -> web.Response:
    body = {"status": status, "error": error, "sub_status": 11101, "error_description": description}
    return json_answer(body, status=status)

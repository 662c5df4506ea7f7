"""Spotify's error bodies."""

from http import HTTPStatus

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers

MESSAGES = {
    400: "Bad request",
    401: "The access token expired",
    403: "Forbidden",
    404: "Resource not found",
    500: "Server error.",
    502: "Error while loading resource",
    503: "Service unavailable",
    504: "Gateway timeout",
}
ACCOUNT_OPERATIONS = frozenset({"authorize", "token"})


def _api_error(status: int, message: str) -> web.Response:
    return json_answer({"error": {"status": status, "message": message}}, status=status)


def _token_error(status: int, error: str, description: str) -> web.Response:
    return json_answer({"error": error, "error_description": description}, status=status)


class SpotifyVoice:
    """The Web API says `{"error": {"status", "message"}}`, the token endpoint `{"error", ...}`."""

    def refusal(self, refused: Refused) -> web.Response:
        if refused.code:
            return _token_error(refused.status, refused.code, refused.message)
        return _api_error(refused.status, refused.message)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if operation in ACCOUNT_OPERATIONS:
            if status == HTTPStatus.BAD_REQUEST:
                return _token_error(status, "invalid_grant", "Refresh token revoked")
            return _token_error(status, "server_error", "Unexpected status: 500")
        return _api_error(status, MESSAGES.get(status, HTTPStatus(status).phrase))

    def throttled(self, throttled: Throttled) -> web.Response:
        headers = retry_headers(throttled.retry_after_s)
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        if throttled.is_quota:
            error = {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}
        else:
            error = {"status": 429, "message": "API rate limit exceeded"}
        return json_answer({"error": error}, status=429, headers=headers)

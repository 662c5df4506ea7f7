"""Deezer's errors: all of its own come with status 200, a code and a type."""

from http import HTTPStatus

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers

TYPES = {300: "OAuthException", 200: "OAuthException", 500: "ParameterException", 800: "DataException"}
TYPES |= {501: "MissingParameterException", 600: "InvalidQueryException"}
CODES = {400: 500, 401: 300, 403: 200, 404: 800}
WORDS = {
    200: "An active access token must be used to query information about the current user",
    300: "Invalid OAuth access token.",
    500: "Invalid parameter",
    700: "Service busy",
    800: "no data",
}
TOKEN_OPERATION = "token"  # noqa: S105 - the name of a call


def refused(code: int, message: str = "") -> Refused:
    """Make a refusal of Deezer's."""
    return Refused(200, message or WORDS.get(code, "An error occurred"), code=str(code))


def error_answer(code: int, message: str, *, headers: dict[str, str] | None = None) -> web.Response:
    error = {"type": TYPES.get(code, "Exception"), "message": message, "code": code}
    return json_answer({"error": error}, headers=headers)


class DeezerVoice:
    """Servers in front of it speak in statuses, and so does a path that is none."""

    def refusal(self, refused: Refused) -> web.Response:
        if refused.code:
            return error_answer(int(refused.code), refused.message)
        if refused.status == HTTPStatus.OK:
            return web.Response(text=refused.message)  # the token server has bare words
        return json_answer({"error": refused.message}, status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if operation == TOKEN_OPERATION and status == HTTPStatus.BAD_REQUEST:
            return web.Response(text="wrong code")
        if status in CODES:
            return error_answer(CODES[status], WORDS[CODES[status]])
        return json_answer({"error": HTTPStatus(status).phrase}, status=status)

    def throttled(self, throttled: Throttled) -> web.Response:
        """Without Retry-After unless a fault asks for it: Deezer does not send one."""
        headers = {} if throttled.is_own_limit else retry_headers(throttled.retry_after_s)
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        return error_answer(4, "Quota limit exceeded", headers=headers)

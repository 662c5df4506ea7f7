"""The error bodies of Google's APIs."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers

QUOTA = (
    "The request cannot be completed because you have exceeded your "
    '<a href="/youtube/v3/getting-started#quota">quota</a>.'
)
# What a status says that was ordered as a fault: message, domain, reason.
FAILURES = {
    400: ("Bad Request", "global", "badRequest"),
    401: ("Invalid Credentials", "global", "authError"),
    403: ("The request is not properly authorized.", "youtube.common", "forbidden"),
    404: ("Not Found", "global", "notFound"),
    500: ("Internal error encountered.", "global", "backendError"),
    503: ("The service is currently unavailable.", "global", "backendError"),
}
ACCOUNT_OPERATIONS = frozenset({"authorize", "token"})


def metric_message(metric: str, *, per: str = "day") -> str:
    """Say that the bucket of one method is empty."""
    return (
        f"Quota exceeded for quota metric '{metric}' and limit '{metric} per {per}' of service "
        "'youtube.googleapis.com' for consumer 'project_number:1'."
    )


def error_body(status: int, message: str, *, domain: str, reason: str, parameter: str = "") -> dict[str, Any]:
    one = {"message": message, "domain": domain, "reason": reason}
    if parameter:
        one |= {
            "location": parameter,
            "locationType": "header" if parameter == "Authorization" else "parameter",
        }
    return {"error": {"code": status, "message": message, "errors": [one]}}


class YouTubeVoice:
    """The API says `{"error": {"code", "message", "errors": […]}}`, the token endpoint `{"error", …}`.

    Of a Refused, `code` is the reason and `title` the domain; a token error has no domain.
    """

    def refusal(self, refused: Refused) -> web.Response:
        if not refused.title:
            body = {"error": refused.code, "error_description": refused.message}
            return json_answer(body, status=refused.status)
        body = error_body(
            refused.status,
            refused.message,
            domain=refused.title,
            reason=refused.code,
            parameter=refused.parameter,
        )
        return json_answer(body, status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if operation in ACCOUNT_OPERATIONS:
            error = "invalid_grant" if status == HTTPStatus.BAD_REQUEST else "internal_failure"
            return json_answer(
                {"error": error, "error_description": HTTPStatus(status).phrase}, status=status
            )
        message, domain, reason = FAILURES.get(status, (HTTPStatus(status).phrase, "global", "unknown"))
        return json_answer(error_body(status, message, domain=domain, reason=reason), status=status)

    def throttled(self, throttled: Throttled) -> web.Response:
        headers = retry_headers(throttled.retry_after_s)
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        if throttled.is_quota:
            body = error_body(403, QUOTA, domain="youtube.quota", reason="quotaExceeded")
            return json_answer(body, status=403)
        message = metric_message("Queries", per="minute per user")
        body = error_body(429, message, domain="global", reason="rateLimitExceeded")
        return json_answer(body, status=429, headers=headers)

"""ListenBrainz' errors: a status, and the same number with a sentence in the body."""

from http import HTTPStatus

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer

WORDS = {401: "Invalid authorization token.", 403: "You are not allowed to do this.", 404: "Not found"}
LIMIT_WORDS = (
    "You have exceeded your rate limit. See the X-RateLimit-* response headers for more information."
)


def limit_headers(*, limit: int, left: int, reset_in_s: float) -> dict[str, str]:
    """What each answer says of the caller's window. Whole seconds, never 0 for a wait that is not over."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(0, left)),
        "X-RateLimit-Reset-In": str(-int(-reset_in_s // 1)),
    }


class ListenBrainzVoice:
    def refusal(self, refused: Refused) -> web.Response:
        return json_answer({"code": refused.status, "error": refused.message}, status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        del operation  # all of them fail alike
        return self.refusal(Refused(status, WORDS.get(status, HTTPStatus(status).phrase)))

    def throttled(self, throttled: Throttled) -> web.Response:
        """How long to wait stands in a header of its own; there is no Retry-After."""
        if throttled.is_plain_text:
            answer = web.Response(status=429, text="Too many requests")
        else:
            answer = self.refusal(Refused(429, LIMIT_WORDS))
        if throttled.retry_after_s is not None:
            answer.headers.update(limit_headers(limit=30, left=0, reset_in_s=throttled.retry_after_s))
        return answer

"""SoundCloud's error bodies, and how it writes moments."""

import math
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer

API_LINK = "https://developers.soundcloud.com/docs/api/explorer/open-api"
SIGN_IN_LINK = "https://developers.soundcloud.com/docs/api/guide#authentication"
LIMITS_LINK = "https://developers.soundcloud.com/docs/api/rate-limits#errors"
SIGN_IN_OPERATIONS = frozenset({"authorize", "token"})


def moment(at_s: float) -> str:
    """Write a moment as this platform does: 2026/11/22 10:00:00 +0000."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y/%m/%d %H:%M:%S +0000")


def _error(status: int, message: str, *, link: str = API_LINK) -> dict[str, Any]:
    return {
        "code": status,
        "message": message,
        "link": link,
        "status": f"{status} - {HTTPStatus(status).phrase}",
        "errors": [{"error_message": message}],
        "error": None,
    }


class SoundCloudVoice:
    """The API and the token endpoint say errors alike: `{"code", "message", "link", …}`."""

    def refusal(self, refused: Refused) -> web.Response:
        link = SIGN_IN_LINK if refused.code else API_LINK
        return json_answer(_error(refused.status, refused.message, link=link), status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        if operation in SIGN_IN_OPERATIONS and status == HTTPStatus.BAD_REQUEST:
            return json_answer(_error(status, "invalid_grant", link=SIGN_IN_LINK), status=status)
        return json_answer(_error(status, HTTPStatus(status).phrase), status=status)

    def throttled(self, throttled: Throttled) -> web.Response:
        """Say 429: never with Retry-After; a moment in the body tells when it goes on, if anything does.

        The header Date is of the same instant, for by it the wait is counted.
        """
        now_s = int(time.time())
        headers = {"Date": format_datetime(datetime.fromtimestamp(now_s, UTC), usegmt=True)}
        if throttled.is_plain_text:
            return web.Response(status=429, text="Too many requests", headers=headers)
        body = _error(429, "Too many requests", link=LIMITS_LINK)
        if throttled.retry_after_s is not None:
            limit = {
                "group": "by-client",
                "max_nr_of_requests": 15000,
                "time_window": "PT24H" if throttled.is_quota else "PT1H",
                "name": "search",
            }
            body["errors"] = [
                {
                    "meta": {
                        "rate_limit": limit,
                        "remaining_requests": 0,
                        "reset_time": moment(now_s + math.ceil(throttled.retry_after_s)),
                    }
                }
            ]
        return json_answer(body, status=429, headers=headers)

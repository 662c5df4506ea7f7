"""Who is asking, whether the key allows it, and how many requests are left; told in headers."""

import math
from http import HTTPStatus

from aiohttp import hdrs, web

from gateway import keys
from gateway.actions import admit
from gateway.operations import Handler
from shared.allowances import WINDOW_S, Allowance
from shared.scopes import Scope


def for_users(handler: Handler, *, scope: Scope) -> Handler:
    """Let only requests with a good API key of this scope through to the handler, and not too many."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        door = request.app[keys.ADMIT]
        access = await door.authenticate(
            request.headers.get(hdrs.AUTHORIZATION, ""), address=request.remote or ""
        )
        request[keys.ACCESS], request[keys.USER_ID] = access, access.user_id
        allowance = await door.count(access)
        if allowance is not None:
            request[keys.ALLOWANCE] = allowance
            admit.spend(allowance)
        admit.require(scope, access=access)
        response = await handler(request)
        if response.status == HTTPStatus.NOT_MODIFIED and allowance is not None:
            request[keys.ALLOWANCE] = await door.give_back(access) or allowance
        return response

    return guarded


async def tell_allowance(request: web.Request, response: web.StreamResponse) -> None:
    """Add what is left of the key's requests to an answer whose headers are about to be sent."""
    if keys.ALLOWANCE in request:
        response.headers.update(_headers(request[keys.ALLOWANCE]))


def _headers(allowance: Allowance) -> dict[str, str]:
    """Write it as draft-ietf-httpapi-ratelimit-headers-10 has it, read 2026-11-22."""
    return {
        "RateLimit-Policy": f'"default";q={allowance.limit};w={WINDOW_S:.0f}',
        "RateLimit": f'"default";r={allowance.left_count};t={math.ceil(allowance.full_in_s)}',
    }

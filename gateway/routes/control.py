"""Pause, resume, cancel and retry a transfer; the answer is its status resource."""

from functools import partial

from aiohttp import web

from gateway import keys, schemas
from gateway.decoding import decode_body
from gateway.operations import Operation
from gateway.review_schemas import RetryRequest
from gateway.routes.status import status_answer
from shared.db.control import Control
from shared.scopes import Scope


async def change(request: web.Request, *, wish: Control) -> web.Response:
    user_id, transfer_id = request[keys.USER_ID], request.match_info["id"]
    await request.app[keys.CONTROL_TRANSFER](user_id, transfer_id, wish)
    return await _accepted(request)


async def retry(request: web.Request) -> web.Response:
    content = await request.read()
    body = decode_body(content, into=RetryRequest) if content.strip() else RetryRequest()
    await request.app[keys.RETRY_TRANSFER](request[keys.USER_ID], request.match_info["id"], body.scope)
    return await _accepted(request)


async def _accepted(request: web.Request) -> web.Response:
    view = await request.app[keys.READ_TRANSFER].view(request[keys.USER_ID], request.match_info["id"])
    return status_answer(request, view, status=202)


_SUMMARIES = {
    Control.PAUSE: "Let a transfer wait until you resume it; what is under way ends first.",
    Control.RESUME: "Let a paused transfer go on.",
    Control.CANCEL: "Stop a transfer within a batch; what was added stays, and is told.",
}

_MORE_PROBLEMS = {Control.RESUME: ("platform-paused",)}

ROUTES = (
    *(
        Operation(
            method="POST",
            path=f"/status/{{id}}/{wish}",
            handler=partial(change, wish=wish),
            name=f"{wish}Transfer",
            scope=Scope.TRANSFERS_WRITE,
            summary=summary,
            answers={202: schemas.StatusResource},
            problems=("not-found", "state-conflict", *_MORE_PROBLEMS.get(wish, ()), "store-unavailable"),
        )
        for wish, summary in _SUMMARIES.items()
    ),
    Operation(
        method="POST",
        path="/status/{id}/retry",
        handler=retry,
        name="retryTransfer",
        scope=Scope.TRANSFERS_WRITE,
        summary="Let a failed transfer go on, or try again what a completed one has not moved.",
        body=RetryRequest,
        is_body_required=False,
        answers={202: schemas.StatusResource},
        problems=("validation", "not-found", "state-conflict", "body-too-large", "store-unavailable"),
        example={"scope": "unmatched"},
    ),
)

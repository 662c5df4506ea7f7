"""Pause, resume, cancel and retry a transfer; the answer is its status resource."""

from functools import partial

from aiohttp import web

from gateway import keys, schemas
from gateway.operations import Operation
from gateway.routes.status import status_answer
from shared.db.control import Control
from shared.scopes import Scope


async def change(request: web.Request, *, wish: Control) -> web.Response:
    user_id, transfer_id = request[keys.USER_ID], request.match_info["id"]
    await request.app[keys.CONTROL_TRANSFER](user_id, transfer_id, wish)
    return status_answer(
        request, await request.app[keys.READ_TRANSFER].view(user_id, transfer_id), status=202
    )


_SUMMARIES = {
    Control.PAUSE: "Let a transfer wait until you resume it; what is under way ends first.",
    Control.RESUME: "Let a paused transfer go on.",
    Control.CANCEL: "Stop a transfer within a batch; what was added stays, and is told.",
    Control.RETRY: "Let a failed transfer try again from its last checkpoint.",
}

_MORE_PROBLEMS = {Control.RESUME: ("platform-paused",)}

ROUTES = tuple(
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
)

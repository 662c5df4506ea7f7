"""Start a transfer, and list those that were started."""

import re
from datetime import datetime

from aiohttp import hdrs, web

from gateway import answers, keys, plans, resources, schemas
from gateway.actions.accounts import AccountRef
from gateway.actions.check_transfer import Wish
from gateway.decoding import decode_body, decode_query
from gateway.operations import Operation
from gateway.plan_schemas import PlanResource
from gateway.routes.status import status_answer
from gateway.schemas import TransferPage, TransferRequest, TransfersQuery
from shared import telemetry
from shared.errors import FieldFault, ValidationFailed
from shared.models import TransferId
from shared.scopes import Scope

# A structured-field string (RFC 8941) without escapes, or the same bare.
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')


async def create(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=TransferRequest)
    if body.dry_run:
        plan = await request.app[keys.PLAN_TRANSFER](request[keys.USER_ID], _wish(body))
        return answers.json(plans.resource(plan))
    transfer_id, is_replay = await request.app[keys.CREATE_TRANSFER](
        request[keys.USER_ID],
        _wish(body),
        idempotency_key=_idempotency_key(request),
        trace=telemetry.inject(),
    )
    return await _accepted(request, transfer_id, is_replay=is_replay)


async def undo(request: web.Request) -> web.Response:
    transfer_id, is_replay = await request.app[keys.UNDO_TRANSFER](
        request[keys.USER_ID], request.match_info["id"], trace=telemetry.inject()
    )
    return await _accepted(request, transfer_id, is_replay=is_replay)


async def _accepted(request: web.Request, transfer_id: TransferId, *, is_replay: bool) -> web.Response:
    """Answer with a transfer that has been stored, now or by the same request before."""
    view = await request.app[keys.READ_TRANSFER].view(request[keys.USER_ID], transfer_id)
    response = status_answer(request, view, status=202)
    response.headers[hdrs.LOCATION] = f"/status/{transfer_id}"
    response.headers[hdrs.RETRY_AFTER] = "2"
    if is_replay:
        response.headers["Idempotent-Replayed"] = "true"
    return response


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=TransfersQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.READ_TRANSFER].page(
        request[keys.USER_ID],
        before=(before[0], TransferId(before[1])) if before else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    trace_url = request.app[keys.SETTINGS].trace_url
    page = TransferPage(
        items=tuple(resources.transfer(row, trace_url=trace_url) for row in shown), next_cursor=cursor
    )
    return answers.json(page, headers=answers.next_link(request, cursor))


def _wish(body: TransferRequest) -> Wish:
    source, target = body.source, body.target
    return Wish(
        source=AccountRef(platform=source.platform, connection_id=source.connection, pointer="/source"),
        source_playlist=source.playlist,
        target=AccountRef(platform=target.platform, connection_id=target.connection, pointer="/target"),
        target_name=target.name,
        target_playlist=target.playlist,
        policy=body.policy,
        explicit=body.explicit,
        on_duplicate=body.on_duplicate,
    )


def _idempotency_key(request: web.Request) -> str | None:
    """Return the key, the same one whether it was quoted or bare."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    parts = _KEY.fullmatch(text.strip())
    if parts is None:
        fault = FieldFault(
            "/headers/Idempotency-Key", "Send 1 to 255 visible ASCII characters, maybe quoted."
        )
        raise ValidationFailed("The Idempotency-Key cannot be used.", faults=(fault,))
    return parts[1] or parts[2]


_ACCOUNT_PROBLEMS = (
    "connection-missing",
    "reconnect-required",
    "platform-not-configured",
    "platform-denied",
    "quota-exceeded",
    "upstream-unavailable",
    "store-unavailable",
)

ROUTES = (
    Operation(
        method="POST",
        path="/transfer",
        handler=create,
        name="createTransfer",
        scope=Scope.TRANSFERS_WRITE,
        summary="Start to move a playlist; the answer says where to watch it, or tells a plan of it.",
        body=TransferRequest,
        headers={
            "Idempotency-Key": "Up to 255 characters: the same key and body is the same transfer, for ever."
        },
        answers={202: schemas.StatusResource, 200: PlanResource},
        problems=(
            "validation",
            "idempotency-key-reused",
            "playlist-not-readable",
            "target-not-writable",
            "body-too-large",
            *_ACCOUNT_PROBLEMS,
        ),
        example={
            "source": {"platform": "spotify", "playlist": "Road Trip"},
            "target": {"platform": "apple_music", "name": "Road Trip"},
            "policy": "same_recording",
            "explicit": "as_source",
        },
    ),
    Operation(
        method="POST",
        path="/transfer/{id}/undo",
        handler=undo,
        name="undoTransfer",
        scope=Scope.TRANSFERS_WRITE,
        summary="Remove exactly what an ended transfer has added; the answer says where to watch it.",
        answers={202: schemas.StatusResource},
        problems=("not-found", "state-conflict", "undo-not-supported", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/transfers",
        handler=list_page,
        name="listTransfers",
        scope=Scope.TRANSFERS_READ,
        summary="List your transfers, newest first.",
        query=TransfersQuery,
        answers={200: TransferPage},
        problems=("validation", "store-unavailable"),
    ),
)

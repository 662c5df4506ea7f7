"""Deliveries of a webhook: list them, have one made again, send a test."""

from aiohttp import web

from gateway import answers, keys, webhook_resources
from gateway.decoding import decode_query
from gateway.operations import Operation
from gateway.webhook_schemas import DeliveriesQuery, DeliveryPage, DeliveryResource
from shared.scopes import Scope


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=DeliveriesQuery)
    rows = await request.app[keys.REPLAY_DELIVERY].page(
        request[keys.USER_ID],
        request.match_info["id"],
        state=query.state,
        before=answers.open_cursor(query.cursor, into=answers.Number) if query.cursor else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor(shown[-1].number) if more else None
    page = DeliveryPage(items=tuple(map(webhook_resources.delivery, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def replay(request: web.Request) -> web.Response:
    replayed = await request.app[keys.REPLAY_DELIVERY].replay(
        request[keys.USER_ID], request.match_info["id"], request.match_info["delivery_id"]
    )
    return answers.json(webhook_resources.delivery(replayed), status=202)


async def test(request: web.Request) -> web.Response:
    stored = await request.app[keys.REPLAY_DELIVERY].test(request[keys.USER_ID], request.match_info["id"])
    return answers.json(webhook_resources.delivery(stored), status=202)


ROUTES = (
    Operation(
        method="GET",
        path="/webhooks/{id}/deliveries",
        handler=list_page,
        scope=Scope.WEBHOOKS_READ,
        name="listDeliveries",
        summary="List what a webhook was told or is to be told in the last 30 days, newest first.",
        query=DeliveriesQuery,
        answers={200: DeliveryPage},
        problems=("validation", "not-found", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/webhooks/{id}/deliveries/{delivery_id}/replay",
        handler=replay,
        scope=Scope.WEBHOOKS_WRITE,
        name="replayDelivery",
        summary="Have it delivered again at once, under the same id, with all retries.",
        answers={202: DeliveryResource},
        problems=("not-found", "state-conflict", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/webhooks/{id}/test",
        handler=test,
        scope=Scope.WEBHOOKS_WRITE,
        name="testWebhook",
        summary="Send a `webhook.test`, once; its delivery tells how that went.",
        answers={202: DeliveryResource},
        problems=("not-found", "state-conflict", "store-unavailable"),
    ),
)

"""Webhooks: make, list, change and remove them, and their secrets."""

from datetime import datetime

from aiohttp import hdrs, web

from gateway import answers, keys, webhook_resources
from gateway.decoding import decode_body, decode_query
from gateway.operations import Operation
from gateway.webhook_schemas import (
    WebhookChangeRequest,
    WebhookPage,
    WebhookRequest,
    WebhookResource,
    WebhooksQuery,
    WebhookWithSecret,
)
from shared.db.webhooks import WebhookChange
from shared.models import WebhookId
from shared.scopes import Scope
from shared.webhook_events import WebhookEvent


async def add(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=WebhookRequest)
    events = None if body.events is None else tuple(map(WebhookEvent, body.events))
    made, secret = await request.app[keys.KEEP_WEBHOOKS].add(
        request[keys.USER_ID], url=body.url, events=events, description=body.description
    )
    headers: dict[str, str] = {hdrs.LOCATION: f"{request.app[keys.ADDRESS].url}/webhooks/{made.id}"}
    return answers.json(webhook_resources.with_secret(made, secret=secret), status=201, headers=headers)


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=WebhooksQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.KEEP_WEBHOOKS].page(
        request[keys.USER_ID],
        before=(before[0], WebhookId(before[1])) if before else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    page = WebhookPage(items=tuple(map(webhook_resources.webhook, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def show(request: web.Request) -> web.Response:
    found = await request.app[keys.KEEP_WEBHOOKS].get(request[keys.USER_ID], request.match_info["id"])
    return answers.json(webhook_resources.webhook(found))


async def change(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=WebhookChangeRequest)
    wish = WebhookChange(
        url=body.url,
        description=body.description,
        events=None if body.events is None else tuple(dict.fromkeys(map(WebhookEvent, body.events))),
        is_enabled=body.enabled,
    )
    changed = await request.app[keys.KEEP_WEBHOOKS].change(
        request[keys.USER_ID], request.match_info["id"], wish
    )
    return answers.json(webhook_resources.webhook(changed))


async def rotate_secret(request: web.Request) -> web.Response:
    changed, secret = await request.app[keys.KEEP_WEBHOOKS].rotate(
        request[keys.USER_ID], request.match_info["id"]
    )
    return answers.json(webhook_resources.with_secret(changed, secret=secret))


async def remove(request: web.Request) -> web.Response:
    await request.app[keys.KEEP_WEBHOOKS].remove(request[keys.USER_ID], request.match_info["id"])
    return web.Response(status=204)


_EXAMPLE = {"url": "https://example.org/hooks/crossplay", "events": ["transfer.completed", "transfer.failed"]}

ROUTES = (
    Operation(
        method="POST",
        path="/webhooks",
        handler=add,
        scope=Scope.WEBHOOKS_WRITE,
        name="addWebhook",
        summary="Have events sent to an address; the answer has the secret that signs them, this once.",
        body=WebhookRequest,
        answers={201: WebhookWithSecret},
        problems=("validation", "too-many-webhooks", "body-too-large", "store-unavailable"),
        example=_EXAMPLE,
    ),
    Operation(
        method="GET",
        path="/webhooks",
        handler=list_page,
        scope=Scope.WEBHOOKS_READ,
        name="listWebhooks",
        summary="List your webhooks, newest first.",
        query=WebhooksQuery,
        answers={200: WebhookPage},
        problems=("validation", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/webhooks/{id}",
        handler=show,
        scope=Scope.WEBHOOKS_READ,
        name="getWebhook",
        summary="Show a webhook, without its secret.",
        answers={200: WebhookResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="PATCH",
        path="/webhooks/{id}",
        handler=change,
        scope=Scope.WEBHOOKS_WRITE,
        name="changeWebhook",
        summary="Change what is named; `enabled` lets it rest, or go on after it was disabled.",
        body=WebhookChangeRequest,
        answers={200: WebhookResource},
        problems=("validation", "not-found", "body-too-large", "store-unavailable"),
        example={"enabled": True},
    ),
    Operation(
        method="POST",
        path="/webhooks/{id}/rotate-secret",
        handler=rotate_secret,
        scope=Scope.WEBHOOKS_WRITE,
        name="rotateWebhookSecret",
        summary="Make a new secret, shown this once; for 24 hours the one before signs beside it.",
        answers={200: WebhookWithSecret},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="DELETE",
        path="/webhooks/{id}",
        handler=remove,
        scope=Scope.WEBHOOKS_WRITE,
        name="removeWebhook",
        summary="Forget a webhook with its deliveries; what waits is not sent any more.",
        answers={204: None},
        problems=("not-found", "store-unavailable"),
    ),
)

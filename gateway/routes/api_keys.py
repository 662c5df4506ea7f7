"""Make, list and revoke your API keys."""

from datetime import datetime
from typing import Any

from aiohttp import web

from gateway import answers, keys
from gateway.actions.keep_keys import KeyWish
from gateway.decoding import decode_body, decode_query
from gateway.key_schemas import KeyPage, KeyRequest, KeyResource, KeysQuery, NewKeyResource
from gateway.operations import Operation
from shared import key_text
from shared.db.api_keys import ApiKey
from shared.models import UserId
from shared.scopes import Scope


async def create(request: web.Request) -> web.Response:
    return await create_for(request, request[keys.USER_ID])


async def list_page(request: web.Request) -> web.Response:
    return await page_of(request, request[keys.USER_ID])


async def revoke(request: web.Request) -> web.Response:
    return await revoke_of(request, request[keys.USER_ID], key_id=request.match_info["id"])


async def create_for(request: web.Request, user_id: UserId) -> web.Response:
    """Answer with a new key of this user."""
    body = decode_body(await request.read(), into=KeyRequest)
    wish = KeyWish(name=body.name, scopes=body.scopes, expires_in_days=body.expires_in_days)
    issued = await request.app[keys.KEEP_KEYS].create(request[keys.ACCESS], wish, user_id=user_id)
    new = NewKeyResource(**_fields(issued.row), key=issued.secret.reveal())
    return answers.json(new, status=201)


async def page_of(request: web.Request, user_id: UserId) -> web.Response:
    """Answer with a page of this user's keys."""
    query = decode_query(request.query, into=KeysQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.KEEP_KEYS].page(user_id, before=before, limit=query.limit + 1)
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    page = KeyPage(items=tuple(KeyResource(**_fields(row)) for row in shown), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def revoke_of(request: web.Request, user_id: UserId, *, key_id: str) -> web.Response:
    """Answer that a key of this user is refused from now on."""
    await request.app[keys.KEEP_KEYS].revoke(request[keys.ACCESS], key_id, user_id=user_id)
    return web.Response(status=204)


def _fields(row: ApiKey) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in KeyResource.__struct_fields__ if name != "hint"}
    return {**fields, "hint": key_text.hint(row.id)}


EXAMPLE = {"name": "nightly backup", "scopes": ["transfers:read"], "expires_in_days": 90}
CREATE_PROBLEMS = ("validation", "body-too-large", "store-unavailable")

ROUTES = (
    Operation(
        method="POST",
        path="/keys",
        handler=create,
        name="createKey",
        scope=Scope.KEYS_WRITE,
        summary="Make an API key with no more scopes than yours; its text is shown this once.",
        body=KeyRequest,
        answers={201: NewKeyResource},
        problems=CREATE_PROBLEMS,
        example=EXAMPLE,
    ),
    Operation(
        method="GET",
        path="/keys",
        handler=list_page,
        name="listKeys",
        scope=Scope.KEYS_READ,
        summary="List your API keys, newest first, revoked ones too; never their secrets.",
        query=KeysQuery,
        answers={200: KeyPage},
        problems=("validation", "store-unavailable"),
    ),
    Operation(
        method="DELETE",
        path="/keys/{id}",
        handler=revoke,
        name="revokeKey",
        scope=Scope.KEYS_WRITE,
        summary="Revoke an API key: from the next request on it is refused. May be repeated.",
        answers={204: None},
        problems=("not-found", "store-unavailable"),
    ),
)

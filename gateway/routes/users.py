"""Manage users and their API keys; what users have and do is not shown here."""

from datetime import datetime
from functools import partial

from aiohttp import web

from gateway import answers, keys
from gateway.decoding import decode_body, decode_query
from gateway.key_schemas import (
    KeyPage,
    KeyRequest,
    KeysQuery,
    NewKeyResource,
    UserPage,
    UserRequest,
    UserResource,
    UsersQuery,
)
from gateway.operations import Operation
from gateway.routes import api_keys
from shared.db.users import User
from shared.models import UserId
from shared.scopes import Scope


async def put(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=UserRequest)
    user, is_new = await request.app[keys.MANAGE_USERS].put(body.name)
    return answers.json(_resource(user), status=201 if is_new else 200)


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=UsersQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.MANAGE_USERS].page(
        before=(before[0], UserId(before[1])) if before else None, limit=query.limit + 1
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    page = UserPage(items=tuple(map(_resource, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def set_disabled(request: web.Request, *, is_disabled: bool) -> web.Response:
    user = await request.app[keys.MANAGE_USERS].set_disabled(
        request.match_info["id"], is_disabled=is_disabled, by=request[keys.USER_ID]
    )
    return answers.json(_resource(user))


async def create_key(request: web.Request) -> web.Response:
    return await api_keys.create_for(request, await _user_id(request))


async def list_keys(request: web.Request) -> web.Response:
    return await api_keys.page_of(request, await _user_id(request))


async def revoke_key(request: web.Request) -> web.Response:
    user_id = await _user_id(request)
    return await api_keys.revoke_of(request, user_id, key_id=request.match_info["key_id"])


async def _user_id(request: web.Request) -> UserId:
    return await request.app[keys.MANAGE_USERS].find(request.match_info["id"])


def _resource(user: User) -> UserResource:
    return UserResource(id=user.id, name=user.name, created_at=user.created_at, disabled_at=user.disabled_at)


ROUTES = (
    Operation(
        method="GET",
        path="/users",
        handler=list_page,
        name="listUsers",
        scope=Scope.ADMIN,
        summary="List all users of this server, newest first.",
        query=UsersQuery,
        answers={200: UserPage},
        problems=("validation", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/users",
        handler=put,
        name="putUser",
        scope=Scope.ADMIN,
        summary="Make a user, or find the one who has this name already.",
        body=UserRequest,
        answers={200: UserResource, 201: UserResource},
        problems=("validation", "body-too-large", "store-unavailable"),
        example={"name": "mira"},
    ),
    Operation(
        method="POST",
        path="/users/{id}/disable",
        handler=partial(set_disabled, is_disabled=True),
        name="disableUser",
        scope=Scope.ADMIN,
        summary="Refuse all API keys of a user; transfers that run go on to their end.",
        answers={200: UserResource},
        problems=("not-found", "state-conflict", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/users/{id}/enable",
        handler=partial(set_disabled, is_disabled=False),
        name="enableUser",
        scope=Scope.ADMIN,
        summary="Accept the API keys of a user again; revoked ones stay revoked.",
        answers={200: UserResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/users/{id}/keys",
        handler=list_keys,
        name="listKeysOfUser",
        scope=Scope.ADMIN,
        summary="List a user's API keys, newest first, revoked ones too; never their secrets.",
        query=KeysQuery,
        answers={200: KeyPage},
        problems=("validation", "not-found", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/users/{id}/keys",
        handler=create_key,
        name="createKeyOfUser",
        scope=Scope.ADMIN,
        summary="Make an API key for a user, with no more scopes than yours; its text is shown this once.",
        body=KeyRequest,
        answers={201: NewKeyResource},
        problems=("not-found", *api_keys.CREATE_PROBLEMS),
        example=api_keys.EXAMPLE,
    ),
    Operation(
        method="DELETE",
        path="/users/{id}/keys/{key_id}",
        handler=revoke_key,
        name="revokeKeyOfUser",
        scope=Scope.ADMIN,
        summary="Revoke an API key of a user: from the next request on it is refused. May be repeated.",
        answers={204: None},
        problems=("not-found", "store-unavailable"),
    ),
)

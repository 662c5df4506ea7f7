"""List connected accounts, try one out, disconnect one."""

from aiohttp import web

from gateway import answers, keys, resources
from gateway.connection_schemas import ConnectionsQuery, ConnectionTestResource, DisconnectedResource
from gateway.decoding import decode_query
from gateway.operations import Operation
from gateway.schemas import ConnectionPage, ConnectionResource
from shared.scopes import Scope


async def list_all(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=ConnectionsQuery)
    rows = await request.app[keys.KEEP_CONNECTIONS].every(
        request[keys.USER_ID],
        platform=None if query.platform is None else answers.parse_platform(query.platform),
        state=query.state,
    )
    return answers.json(ConnectionPage(items=tuple(map(resources.connection, rows))))


async def show(request: web.Request) -> web.Response:
    keep = request.app[keys.KEEP_CONNECTIONS]
    found = await keep.get(request[keys.USER_ID], request.match_info["id"])
    return answers.json(resources.connection(found))


async def try_out(request: web.Request) -> web.Response:
    keep = request.app[keys.KEEP_CONNECTIONS]
    trial = await keep.try_out(request[keys.USER_ID], request.match_info["id"])
    return answers.json(
        ConnectionTestResource(
            health=trial.health, text=trial.text, connection=resources.connection(trial.connection)
        )
    )


async def disconnect(request: web.Request) -> web.Response:
    keep = request.app[keys.KEEP_CONNECTIONS]
    farewell = await keep.disconnect(request[keys.USER_ID], request.match_info["id"])
    return answers.json(
        DisconnectedResource(
            revoked=False,  # neither platform has a call for it
            revoke_url=farewell.revoke_url,
            text=farewell.text,
            connection=resources.connection(farewell.connection),
        )
    )


ROUTES = (
    Operation(
        method="GET",
        path="/connections",
        handler=list_all,
        name="listConnections",
        scope=Scope.CONNECTIONS_READ,
        summary="List your connected accounts, and with `?state=disconnected` those that were.",
        query=ConnectionsQuery,
        answers={200: ConnectionPage},
        problems=("validation", "unknown-platform", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/connections/{id}",
        handler=show,
        name="getConnection",
        scope=Scope.CONNECTIONS_READ,
        summary="Show a connected account: its state, and how long its sign-in lives.",
        answers={200: ConnectionResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/connections/{id}/test",
        handler=try_out,
        name="testConnection",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Ask the platform now whether it still accepts the connection.",
        answers={200: ConnectionTestResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="DELETE",
        path="/connections/{id}",
        handler=disconnect,
        name="disconnect",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Delete the account's tokens here; says where its user ends the permission at the platform.",
        answers={200: DisconnectedResource},
        problems=("not-found", "store-unavailable"),
    ),
)

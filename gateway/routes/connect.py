"""Connect accounts, as a program does it: start, look, and hand in the answer."""

from aiohttp import hdrs, web

from gateway import answers, keys, resources
from gateway.actions.connect_account import ConnectWish, Started
from gateway.connect_schemas import ConnectQuery, ConnectRequest, ConnectSessionResource, HandInRequest
from gateway.decoding import decode_body, decode_query
from gateway.operations import Operation
from shared.scopes import Scope


async def start(request: web.Request) -> web.Response:
    platform = answers.parse_platform(request.match_info["platform"])
    query = decode_query(request.query, into=ConnectQuery)
    content = await request.read()
    body = decode_body(content, into=ConnectRequest) if content.strip() else ConnectRequest()
    started = await request.app[keys.CONNECT_ACCOUNT].start(
        request[keys.USER_ID],
        platform,
        ConnectWish(
            renews=query.connection,
            is_another=body.another,
            is_handed_in=body.hand_in,
            user_token=body.music_user_token,
            form=body.form,
        ),
    )
    location = f"/connect/sessions/{started.session.id}"
    return answers.json(await _resource(request, started), status=201, headers={hdrs.LOCATION: location})


async def show(request: web.Request) -> web.Response:
    return answers.json(await _resource(request, await _started(request)))


async def hand_in(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=HandInRequest)
    started = await _started(request)
    await request.app[keys.CONNECT_ACCOUNT].hand_in(started.session, body.address, browser=None)
    return answers.json(await _resource(request, await _started(request)))


async def _started(request: web.Request) -> Started:
    connect = request.app[keys.CONNECT_ACCOUNT]
    session = await connect.session(request.match_info["id"], user_id=request[keys.USER_ID])
    return Started(session=session, page_url=connect.page_url(session.id))


async def _resource(request: web.Request, started: Started) -> ConnectSessionResource:
    session = started.session
    connection = await request.app[keys.CONNECT_ACCOUNT].connection_of(session)
    return ConnectSessionResource(
        id=session.id,
        platform=session.platform,
        flow=session.flow,
        status=session.status,
        page_url=started.page_url,
        authorize_url=started.authorize_url,
        redirect_uri=session.redirect_uri,
        hand_in=session.is_handed_in,
        failure_code=session.failure_code,
        failure=session.failure,
        expires_at=session.expires_at,
        connection=resources.connection(connection) if connection else None,
    )


_UPSTREAM_PROBLEMS = ("platform-denied", "quota-exceeded", "upstream-unavailable", "store-unavailable")

ROUTES = (
    Operation(
        method="POST",
        path="/connect/{platform}",
        handler=start,
        name="connect",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Connect an account, or renew a connection: the answer says what its user has to open.",
        body=ConnectRequest,
        is_body_required=False,
        query=ConnectQuery,
        answers={201: ConnectSessionResource},
        problems=(
            "validation",
            "unknown-platform",
            "platform-not-configured",
            "redirect-uri-impossible",
            "connection-missing",
            "account-mismatch",
            "connect-failed",
            *_UPSTREAM_PROBLEMS,
        ),
        example={},
    ),
    Operation(
        method="GET",
        path="/connect/sessions/{id}",
        handler=show,
        name="getConnectSession",
        scope=Scope.CONNECTIONS_READ,
        summary="Show what became of an attempt to connect.",
        answers={200: ConnectSessionResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="POST",
        path="/connect/sessions/{id}/answer",
        handler=hand_in,
        name="handInAnswer",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Hand in the address at which a platform's sign-in has ended; the answer says how.",
        body=HandInRequest,
        answers={200: ConnectSessionResource},
        problems=("validation", "not-found", "connect-failed", *_UPSTREAM_PROBLEMS),
        example={"address": "http://127.0.0.1:8080/connect/spotify/callback?code=AQD…&state=kS3…"},
    ),
)

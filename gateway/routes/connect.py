"""Connect accounts and show those that are."""

from aiohttp import hdrs, web

from gateway import answers, keys, pages, resources, schemas
from gateway.actions.connect_account import Answer, Redirect
from gateway.decoding import decode_body, decode_query
from gateway.middlewares import for_browsers
from gateway.operations import Operation
from gateway.schemas import BrowserTokenFlow, CallbackQuery, ConnectRequest, RedirectFlow
from shared.scopes import Scope


async def start(request: web.Request) -> web.Response:
    platform = answers.parse_platform(request.match_info["platform"])
    content = await request.read()
    body = decode_body(content, into=ConnectRequest) if content.strip() else ConnectRequest()
    begun = await request.app[keys.CONNECT_ACCOUNT].start(
        request[keys.USER_ID], platform, user_token=body.music_user_token
    )
    if isinstance(begun, Redirect):
        flow = RedirectFlow(
            session=begun.session_id,
            authorize_url=begun.authorize_url,
            redirect_uri=begun.redirect_uri,
            expires_at=begun.expires_at,
        )
        location = f"/connect/sessions/{begun.session_id}"
        return answers.json(flow, status=201, headers={hdrs.LOCATION: location})
    token_flow = BrowserTokenFlow(connection=resources.connection(begun))
    return answers.json(token_flow, status=201, headers={hdrs.LOCATION: "/connections"})


async def callback(request: web.Request) -> web.Response:
    platform = answers.parse_platform(request.match_info["platform"])
    query = decode_query(request.query, into=CallbackQuery)
    session_id = await request.app[keys.CONNECT_ACCOUNT].finish(
        platform, Answer(state=query.state, code=query.code, error=query.error)
    )
    # The clean address takes the code out of the browser's history.
    headers = {**pages.HEADERS, hdrs.LOCATION: f"/connect/sessions/{session_id}/done"}
    return web.Response(status=303, headers=headers)


async def show_result(request: web.Request) -> web.Response:
    connect = request.app[keys.CONNECT_ACCOUNT]
    session = await connect.session(request.match_info["id"])
    connection = await connect.connection_of(session)
    text = pages.connect_result(
        session.status,
        platform_label=request.app[keys.PLATFORMS].label(session.platform),
        account_label=connection.label if connection else None,
        failure=session.failure,
    )
    return web.Response(text=text, content_type="text/html", headers=pages.HEADERS)


async def show_session(request: web.Request) -> web.Response:
    connect = request.app[keys.CONNECT_ACCOUNT]
    session = await connect.session(request.match_info["id"], user_id=request[keys.USER_ID])
    connection = await connect.connection_of(session)
    return answers.json(
        schemas.ConnectSessionResource(
            id=session.id,
            platform=session.platform,
            status=session.status,
            failure=session.failure,
            expires_at=session.expires_at,
            connection=resources.connection(connection) if connection else None,
        )
    )


async def list_connections(request: web.Request) -> web.Response:
    rows = await request.app[keys.CONNECT_ACCOUNT].connections(request[keys.USER_ID])
    return answers.json(schemas.ConnectionPage(items=tuple(map(resources.connection, rows))))


ROUTES = (
    Operation(
        method="POST",
        path="/connect/{platform}",
        handler=start,
        name="connect",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Connect an account: get the link to the platform's sign-in, or hand in a browser's token.",
        body=ConnectRequest,
        is_body_required=False,
        answers={201: RedirectFlow | BrowserTokenFlow},
        problems=(
            "validation",
            "unknown-platform",
            "platform-not-configured",
            "redirect-uri-impossible",
            "connect-failed",
            "platform-denied",
            "quota-exceeded",
            "upstream-unavailable",
            "store-unavailable",
        ),
        example={},
    ),
    Operation(
        method="GET",
        path="/connect/{platform}/callback",
        handler=for_browsers(callback),
        name="finishConnect",
        summary="Where a platform's sign-in sends the browser back; it leads on to the result's page.",
        query=CallbackQuery,
        answers={303: None},
        problems=("validation", "unknown-platform", "connect-failed", "store-unavailable"),
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/connect/sessions/{id}",
        handler=show_session,
        name="getConnectSession",
        scope=Scope.CONNECTIONS_READ,
        summary="Show what became of an attempt to connect.",
        answers={200: schemas.ConnectSessionResource},
        problems=("not-found", "store-unavailable"),
    ),
    Operation(
        method="GET",
        path="/connect/sessions/{id}/done",
        handler=for_browsers(show_result),
        name="showConnectResult",
        summary="The page that tells the user how the sign-in ended.",
        answers={200: None},
        problems=("not-found", "store-unavailable"),
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/connections",
        handler=list_connections,
        name="listConnections",
        scope=Scope.CONNECTIONS_READ,
        summary="List your connected accounts.",
        answers={200: schemas.ConnectionPage},
        problems=("store-unavailable",),
    ),
)

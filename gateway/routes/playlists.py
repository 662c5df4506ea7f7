"""List the playlists of a connected account."""

from aiohttp import web

from gateway import answers, keys, resources
from gateway.actions.accounts import AccountRef
from gateway.decoding import decode_query
from gateway.operations import Operation
from gateway.schemas import PlaylistPageResource, PlaylistsQuery
from shared.errors import FieldFault, ValidationFailed
from shared.scopes import Scope


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=PlaylistsQuery)
    connection = await request.app[keys.ACCOUNTS].find(request[keys.USER_ID], _ref(query))
    found = await request.app[keys.LIST_PLAYLISTS].slice(
        connection, limit=query.limit, cursor=query.cursor, is_fresh=query.refresh
    )
    page = PlaylistPageResource(
        items=tuple(resources.playlist(one, connection=connection) for one in found.playlists),
        next_cursor=found.next_cursor,
    )
    headers = {"Age": str(found.age_s), **answers.next_link(request, found.next_cursor)}
    return answers.json(page, headers=headers)


def _ref(query: PlaylistsQuery) -> AccountRef:
    if query.platform is not None and query.connection is not None:
        fault = FieldFault("/query/connection", "Name either `platform` or `connection`, not both.")
        raise ValidationFailed("The query names two things.", faults=(fault,))
    platform = None if query.platform is None else answers.parse_platform(query.platform)
    return AccountRef(platform=platform, connection_id=query.connection, pointer="/query")


ROUTES = (
    Operation(
        method="GET",
        path="/playlists",
        handler=list_page,
        name="listPlaylists",
        scope=Scope.CONNECTIONS_READ,
        summary="List an account's playlists, as the platform orders them; at most a minute old (see Age).",
        query=PlaylistsQuery,
        answers={200: PlaylistPageResource},
        problems=(
            "validation",
            "unknown-platform",
            "connection-missing",
            "reconnect-required",
            "platform-not-configured",
            "platform-denied",
            "quota-exceeded",
            "upstream-unavailable",
            "store-unavailable",
        ),
    ),
)

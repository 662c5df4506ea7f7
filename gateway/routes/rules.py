"""Make, list and remove rules: what a track becomes at a platform, decided once."""

from datetime import datetime

from aiohttp import web

from gateway import answers, keys, resources
from gateway.actions.accounts import AccountRef
from gateway.actions.keep_rules import RuleWish
from gateway.decoding import decode_body, decode_query
from gateway.operations import Operation
from gateway.review_schemas import RulePage, RuleRequest, RuleResource, RulesQuery
from shared.db.match_rules import RuleFilter
from shared.models import RuleId
from shared.scopes import Scope


async def put(request: web.Request) -> web.Response:
    """Store a rule under its source and its target platform, which the body names, not under a new id.

    So it is a PUT: sent again it changes nothing, and what was said before about the pair is replaced.
    """
    body = decode_body(await request.read(), into=RuleRequest)
    rule, is_new = await request.app[keys.KEEP_RULES].put(request[keys.USER_ID], _wish(body))
    return answers.json(resources.rule(rule), status=201 if is_new else 200)


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=RulesQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.KEEP_RULES].page(
        request[keys.USER_ID],
        only=RuleFilter(source_platform=query.source_platform, target_platform=query.target_platform),
        before=(before[0], RuleId(before[1])) if before else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    page = RulePage(items=tuple(map(resources.rule, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def remove(request: web.Request) -> web.Response:
    await request.app[keys.KEEP_RULES].remove(request[keys.USER_ID], request.match_info["id"])
    return web.Response(status=204)


def _wish(body: RuleRequest) -> RuleWish:
    source, target = body.source, body.target
    return RuleWish(
        source=AccountRef(platform=source.platform, connection_id=source.connection, pointer="/source"),
        source_track=source.track,
        target=AccountRef(platform=target.platform, connection_id=target.connection, pointer="/target"),
        target_track=target.track,
    )


ROUTES = (
    Operation(
        method="PUT",
        path="/rules",
        handler=put,
        name="putRule",
        scope=Scope.TRANSFERS_WRITE,
        summary="Say what a track becomes at a platform, or that it is not there; replaces what was said.",
        body=RuleRequest,
        answers={200: RuleResource, 201: RuleResource},
        problems=(
            "validation",
            "connection-missing",
            "reconnect-required",
            "platform-not-configured",
            "platform-denied",
            "quota-exceeded",
            "upstream-unavailable",
            "body-too-large",
            "store-unavailable",
        ),
        example={
            "source": {"platform": "spotify", "track": "spotify:track:4iV5W9uYEdYUVa79Axb7Rh"},
            "target": {
                "platform": "apple_music",
                "track": "https://music.apple.com/us/song/harbour-lights/1440000001",
            },
        },
    ),
    Operation(
        method="GET",
        path="/rules",
        handler=list_page,
        name="listRules",
        scope=Scope.TRANSFERS_READ,
        summary="List your rules, newest first.",
        query=RulesQuery,
        answers={200: RulePage},
        problems=("validation", "store-unavailable"),
    ),
    Operation(
        method="DELETE",
        path="/rules/{id}",
        handler=remove,
        name="removeRule",
        scope=Scope.TRANSFERS_WRITE,
        summary="Forget a rule; what it has matched stays as it is.",
        answers={204: None},
        problems=("not-found", "store-unavailable"),
    ),
)

"""Decide about one item of a transfer; the answer is the item."""

from aiohttp import web

from gateway import answers, keys, resources, schemas
from gateway.actions.review_item import ReviewWish
from gateway.decoding import decode_body
from gateway.operations import Operation
from gateway.review_schemas import MatchDecision
from shared.scopes import Scope


async def decide(request: web.Request) -> web.Response:
    body = decode_body(await request.read(), into=MatchDecision)
    item = await request.app[keys.REVIEW_ITEM](
        request[keys.USER_ID],
        request.match_info["id"],
        position=request.match_info["position"],
        wish=ReviewWish(candidate=body.candidate, track=body.track, is_remembered=body.remember),
    )
    return answers.json(resources.track(item))


ROUTES = (
    Operation(
        method="PUT",
        path="/status/{id}/tracks/{position}/match",
        handler=decide,
        name="decideTrack",
        scope=Scope.TRANSFERS_WRITE,
        summary="Say which track an item is, or leave it out; a completed transfer adds it then.",
        body=MatchDecision,
        answers={200: schemas.TrackResource},
        problems=(
            "validation",
            "not-found",
            "state-conflict",
            "connection-missing",
            "reconnect-required",
            "platform-not-configured",
            "platform-denied",
            "quota-exceeded",
            "upstream-unavailable",
            "body-too-large",
            "store-unavailable",
        ),
        example={"candidate": 1, "remember": True},
    ),
)

"""Show the platforms: set up or not, what they can do and allow, and the user's accounts there."""

import math

from aiohttp import web

from gateway import answers, keys, resources
from gateway.actions.show_platforms import PlatformView
from gateway.operations import Operation
from gateway.platform_schemas import (
    CapabilitiesResource,
    CollectionResource,
    ConnectingResource,
    FormFieldResource,
    LimitsResource,
    LinksResource,
    PlatformPage,
    PlatformPauseResource,
    PlatformResource,
    PoolResource,
)
from shared.platforms.base import Capabilities
from shared.scopes import Scope


async def list_platforms(request: web.Request) -> web.Response:
    views = await request.app[keys.SHOW_PLATFORMS](request[keys.USER_ID])
    return answers.json(PlatformPage(items=tuple(map(_platform, views))))


def _platform(view: PlatformView) -> PlatformResource:
    pause = view.pause
    return PlatformResource(
        platform=view.platform,
        label=view.label,
        configured=view.setup is None,
        setup=view.setup,
        connecting=_connecting(view),
        links=LinksResource(readable=view.why_no_links is None, reason=view.why_no_links),
        capabilities=_capabilities(view.capabilities),
        limits=_limits(view),
        resume_at=max((one.resume_at for one in view.budgets if one.resume_at), default=None),
        paused=PlatformPauseResource(text=pause.reason, paused_at=pause.paused_at) if pause else None,
        connections=tuple(map(resources.connection, view.connections)),
    )


def _connecting(view: PlatformView) -> ConnectingResource | None:
    if view.flow is None:
        return None
    return ConnectingResource(
        flow=view.flow,
        fields=tuple(
            FormFieldResource(
                name=one.name, label=one.label, kind=one.kind, required=one.is_required, help=one.help
            )
            for one in view.fields
        ),
    )


def _capabilities(can: Capabilities) -> CapabilitiesResource:
    return CapabilitiesResource(
        read=can.read_page > 0,
        write=can.add_batch > 0,
        remove=can.can_remove,
        isrc=can.isrc_batch > 0,
        albums=can.has_albums,
        collections=tuple(
            CollectionResource(id=collection, add_batch=keeping.add_batch, remove_batch=keeping.remove_batch)
            for collection, keeping in can.collections.items()
        ),
        insert=can.write_class.has_places,
        playlist_limit=can.playlist_limit,
        read_page=can.read_page,
        add_batch=can.add_batch,
        remove_batch=can.remove_batch,
        isrc_batch=can.isrc_batch,
        visibility_delay_s=can.visibility_delay_s,
    )


def _limits(view: PlatformView) -> LimitsResource:
    pools = view.profile.pools
    return LimitsResource(
        scope=view.profile.scope,
        concurrency=view.profile.concurrency,
        pools=tuple(
            PoolResource(
                name=one.name,
                limit=pools[one.name].limit,
                window_s=pools[one.name].window_s,
                burst=math.floor(pools[one.name].most_at_once),
                day_zone=pools[one.name].day_zone or None,
                state=one.state,
                wait_s=one.wait_s,
                resume_at=one.resume_at,
                left_count=one.left_count,
            )
            for one in view.budgets
        ),
        source=view.profile.source,
        read_on=view.profile.read_on,
    )


ROUTES = (
    Operation(
        method="GET",
        path="/platforms",
        handler=list_platforms,
        name="listPlatforms",
        scope=Scope.CONNECTIONS_READ,
        summary="List the platforms: what they can do, what they allow, and your accounts there.",
        answers={200: PlatformPage},
        problems=("store-unavailable",),
    ),
)

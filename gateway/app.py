"""The web application: its resources, its middlewares, its routes, and the process that serves it."""

import asyncio
import functools
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import msgspec
from aiohttp import hdrs, web
from loguru import logger
from redis.asyncio import Redis

from gateway import answer_headers, keys, reference_page
from gateway.actions.accounts import Accounts, PlatformsPort
from gateway.actions.admit import Admit
from gateway.actions.check_health import CheckHealth
from gateway.actions.check_transfer import CheckTransfer
from gateway.actions.connect_account import ConnectAccount
from gateway.actions.control_transfer import ControlTransfer
from gateway.actions.create_transfer import CreateTransfer
from gateway.actions.find_playlist import FindPlaylist
from gateway.actions.find_source import FindSource
from gateway.actions.find_track import FindTrack
from gateway.actions.follow_transfer import STREAM_LIMITS, FollowTransfer, StreamLimits
from gateway.actions.keep_connections import KeepConnections
from gateway.actions.keep_files import KeepFiles
from gateway.actions.keep_keys import KeepKeys
from gateway.actions.keep_rules import KeepRules
from gateway.actions.keep_webhooks import KeepWebhooks
from gateway.actions.link_account import LinkAccount
from gateway.actions.list_playlists import ListPlaylists
from gateway.actions.manage_users import ManageUsers
from gateway.actions.plan_transfer import PlanTransfer
from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.redirect_uri import PublicAddress
from gateway.actions.replay_delivery import ReplayDelivery
from gateway.actions.report_transfer import ReportTransfer
from gateway.actions.retry_transfer import RetryTransfer
from gateway.actions.review_item import ReviewItem
from gateway.actions.show_platforms import ShowPlatforms
from gateway.actions.undo_transfer import UndoTransfer
from gateway.actions.wake_workers import WakeWorkers
from gateway.actions.watch_fleet import WatchFleet
from gateway.admission import for_users, tell_allowance
from gateway.cors import cross_origin
from gateway.intake import checked
from gateway.leaving import Leaving
from gateway.middlewares import BODY_LIMIT_BYTES, measured, observe, tell_problems
from gateway.openapi import document
from gateway.operations import Operation
from gateway.routes import (
    api_keys,
    connect,
    connections,
    control,
    deliveries,
    events,
    files,
    health,
    platforms,
    playlists,
    problems,
    report,
    review,
    rules,
    sign_in,
    status,
    transfer,
    users,
    webhooks,
)
from gateway.server import ProblemRunner
from shared import probes, telemetry
from shared.address_guard import AddressGuard
from shared.allowances import Allowances
from shared.background import ended, in_background
from shared.cache import Cache
from shared.census import Census, measuring
from shared.cipher import Cipher
from shared.clock import SystemClock
from shared.db.pool import Pool, open_pool
from shared.db.schema import SchemaMismatch
from shared.db.shelf import PostgresShelf
from shared.fleet import Fleet
from shared.instrument import Role
from shared.limiter import SharedBudget
from shared.local_address import local_address
from shared.meters import meters
from shared.platforms.base import Budget
from shared.platforms.profile import PlatformProfile
from shared.platforms.registry import Platforms
from shared.readiness import Readiness
from shared.schema_gate import until_migrated
from shared.self_report import tell_settings
from shared.service_manager import ServiceManager
from shared.settings import Settings, parse_key_ring, parse_networks, parse_origins
from shared.streams import Streams, open_redis
from shared.tokens import Sessions

OpenPlatforms = Callable[[Settings, Redis, Fleet, Pool], AbstractAsyncContextManager[PlatformsPort]]

OPERATIONS: tuple[Operation, ...] = (
    *transfer.ROUTES,
    *status.ROUTES,
    *report.ROUTES,
    *events.ROUTES,
    *control.ROUTES,
    *review.ROUTES,
    *playlists.ROUTES,
    *files.ROUTES,
    *platforms.ROUTES,
    *rules.ROUTES,
    *connect.ROUTES,
    *webhooks.ROUTES,
    *deliveries.ROUTES,
    *connections.ROUTES,
    *sign_in.ROUTES,
    *api_keys.ROUTES,
    *users.ROUTES,
    *health.ROUTES,
    *problems.ROUTES,
)
STOP_TIMEOUT_S = 10.0


def open_platforms(
    settings: Settings, redis: Redis, fleet: Fleet, pool: Pool
) -> AbstractAsyncContextManager[PlatformsPort]:
    """Open the real platforms under the budgets that they share with the workers."""

    def budget(profile: PlatformProfile, limit_key: str) -> Budget:
        return SharedBudget(redis, profile=profile, limit_key=limit_key, fleet=fleet)

    return Platforms(settings, budgets=budget, shelf=PostgresShelf(pool))


def build_app(
    settings: Settings,
    *,
    open_platforms: OpenPlatforms = open_platforms,
    stream_limits: StreamLimits = STREAM_LIMITS,
) -> web.Application:
    """Build the application; its resources open when it starts and close when it stops.

    settings needs both stores and a key ring. open_platforms: another way to the platforms, for tests.
    stream_limits: other limits of event streams, for tests.
    """
    app = web.Application(middlewares=[measured(), observe, tell_problems], client_max_size=BODY_LIMIT_BYTES)
    app[keys.SETTINGS] = settings
    app[keys.ADDRESS] = PublicAddress(settings.public_url or local_address(settings.host, settings.port))
    app[keys.CLOSING] = asyncio.Event()
    app[keys.LEAVING] = Leaving()
    app[keys.STREAM_LIMITS] = stream_limits
    app[keys.OPENAPI], app[keys.REFERENCE] = _reference()
    for operation in OPERATIONS:
        handler = checked(operation)
        if operation.scope is not None:
            handler = for_users(handler, scope=operation.scope)
        for prefix in ("", "/v1"):
            app.router.add_route(operation.method, prefix + operation.path, handler)
    app.cleanup_ctx.append(functools.partial(_resources, open_platforms=open_platforms))
    app.on_response_prepare.append(answer_headers.add)
    app.on_response_prepare.append(_part)
    app.on_shutdown.append(_close)
    app.on_response_prepare.append(tell_allowance)
    origins = parse_origins(settings.cors_origins)
    if origins:
        answer_preflight, finish = cross_origin(origins)
        app.middlewares.append(answer_preflight)
        app.on_response_prepare.append(finish)
    return app


def run(settings: Settings, *, is_announced: bool = False) -> None:
    """Serve in this process until SIGINT or SIGTERM, as `serve` does, with telemetry set up.

    is_announced: print the line `{"gateway": url, "probes": url}` to stdout when requests are accepted.
    """

    def announce(url: str, probes_url: str | None) -> None:
        line = msgspec.json.encode({"gateway": url, "probes": probes_url})
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()

    telemetry.configure("crossplay-gateway", settings=settings)
    meters.seed(Role.GATEWAY)
    tell_settings(settings, environ=os.environ)
    try:
        asyncio.run(serve(settings, on_ready=announce if is_announced else None))
    finally:
        telemetry.shutdown()


async def serve(settings: Settings, *, on_ready: Callable[[str, str | None], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    on_ready: told the gateway's own address, and that of its probes if there are any, once it accepts
    requests. After SIGTERM it serves for settings.gateway_drain_s more, unready, so that whoever spreads
    requests over gateways turns to others before this one is gone. Stores and migrations may come later:
    until then requests that need them are refused. Raises OSError where the address is taken, SettingsError
    where that of the probes is, SchemaMismatch where the database is a newer release's.
    """
    app = build_app(settings)
    runner = ProblemRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
    leaving = app[keys.LEAVING]
    leaving.listen()
    async with AsyncExitStack() as stack:
        manager = await stack.enter_async_context(ServiceManager.listening(os.environ))
        probes_url = await stack.enter_async_context(probes.listening(settings, _probes(app)))
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        url = local_address(settings.host, runner.addresses[0][1])
        if not settings.public_url:
            app[keys.ADDRESS].url = url
        logger.bind(url=url).info("Gateway is ready")
        manager.ready()
        if on_ready:
            on_ready(url, probes_url)
        await leaving.told()
        manager.stopping()
        logger.info("Gateway drains")
        app[keys.CLOSING].set()
        await leaving.linger(settings.gateway_drain_s)
        logger.info("Gateway stops")


def _probes(app: web.Application) -> probes.Probes:
    async def lacks() -> probes.Faults:
        if keys.CHECK_HEALTH not in app:
            return {"process": "This process is starting."}
        return await app[keys.CHECK_HEALTH]()

    return probes.Probes(role=Role.GATEWAY, faults=lambda: ended(app.get(keys.BACKGROUND, {})), lacks=lacks)


async def _resources(app: web.Application, *, open_platforms: OpenPlatforms) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await _pool(settings))
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        fleet = Fleet()
        platforms = await stack.enter_async_context(open_platforms(settings, redis, fleet, pool))
        await stack.enter_async_context(
            in_background({"schema": functools.partial(_refuse_newer, app, pool)})
        )
        app[keys.BACKGROUND] = await stack.enter_async_context(
            in_background(
                {
                    "fleet": WatchFleet(
                        pool=pool, fleet=fleet, clock=SystemClock(), gateway_id=uuid.uuid4().hex
                    ),
                    **measuring(Census(pool=pool, redis=redis, platforms=platforms)),
                }
            )
        )
        cipher = Cipher(parse_key_ring(settings.secret_keys))
        sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=platforms.oauth)
        stack.push_async_callback(sessions.close)
        _wire(app, pool=pool, redis=redis, platforms=platforms, cipher=cipher, sessions=sessions)
        yield


async def _refuse_newer(app: web.Application, pool: Pool) -> None:
    try:
        await until_migrated(pool, stop=app[keys.CLOSING])
    except SchemaMismatch as error:
        app[keys.LEAVING].fail(error)


async def _pool(settings: Settings) -> Pool:
    return await open_pool(settings.database_url, size=20)


def _wire(
    app: web.Application,
    *,
    pool: Pool,
    redis: Redis,
    platforms: PlatformsPort,
    cipher: Cipher,
    sessions: Sessions,
) -> None:
    link = LinkAccount(pool=pool, platforms=platforms, sessions=sessions)
    accounts = Accounts(pool=pool, sessions=sessions, platforms=platforms, at_home=link.at_home)
    lists = ListPlaylists(accounts=accounts, cache=Cache(redis), cipher=cipher, clock=SystemClock())
    address = app[keys.ADDRESS]
    wake = WakeWorkers(pool=pool, streams=Streams(redis))
    app[keys.ADMIT] = _admit(app[keys.SETTINGS], pool=pool, redis=redis)
    app[keys.KEEP_KEYS] = KeepKeys(pool=pool)
    app[keys.MANAGE_USERS] = ManageUsers(pool=pool)
    app[keys.PLATFORMS] = platforms
    app[keys.ACCOUNTS] = accounts
    app[keys.LIST_PLAYLISTS] = lists
    app[keys.SHOW_PLATFORMS] = ShowPlatforms(pool=pool, redis=redis, platforms=platforms, clock=SystemClock())
    check = _check(accounts, lists, platforms)
    app[keys.CREATE_TRANSFER] = CreateTransfer(pool=pool, check=check, wake=wake)
    app[keys.PLAN_TRANSFER] = PlanTransfer(
        pool=pool,
        check=check,
        accounts=accounts,
        platforms=platforms,
        show=app[keys.SHOW_PLATFORMS],
        clock=SystemClock(),
    )
    read = ReadTransfer(pool=pool, closing=app[keys.CLOSING])
    app[keys.READ_TRANSFER] = read
    app[keys.REPORT_TRANSFER] = ReportTransfer(pool=pool, read=read, platforms=platforms)
    app[keys.FOLLOW_TRANSFER] = FollowTransfer(
        read=read,
        per_user_count=app[keys.SETTINGS].streams_per_user,
        limits=app[keys.STREAM_LIMITS],
    )
    app[keys.CONTROL_TRANSFER] = ControlTransfer(pool=pool, read=read, platforms=platforms, wake=wake)
    app[keys.RETRY_TRANSFER] = RetryTransfer(pool=pool, read=read, wake=wake)
    app[keys.UNDO_TRANSFER] = UndoTransfer(pool=pool, read=read, platforms=platforms, wake=wake)
    find_track = FindTrack(accounts=accounts, platforms=platforms)
    app[keys.KEEP_RULES] = KeepRules(pool=pool, accounts=accounts, find_track=find_track)
    app[keys.REVIEW_ITEM] = ReviewItem(
        pool=pool, accounts=accounts, find_track=find_track, read=read, wake=wake
    )
    app[keys.CONNECT_ACCOUNT] = ConnectAccount(
        pool=pool,
        platforms=platforms,
        link=link,
        cipher=cipher,
        public_url=lambda: address.url,
    )
    app[keys.KEEP_FILES] = KeepFiles(pool=pool, accounts=accounts, playlists=lists)
    _wire_webhooks(app, pool=pool, cipher=cipher)
    app[keys.KEEP_CONNECTIONS] = KeepConnections(
        pool=pool, platforms=platforms, accounts=accounts, sessions=sessions, playlists=lists
    )
    app[keys.CHECK_HEALTH] = CheckHealth(
        readiness=Readiness(pool=pool, redis=redis), closing=app[keys.CLOSING]
    )


def _check(accounts: Accounts, lists: ListPlaylists, platforms: PlatformsPort) -> CheckTransfer:
    find_playlist = FindPlaylist(accounts=accounts, playlists=lists, platforms=platforms)
    return CheckTransfer(
        accounts=accounts,
        find_source=FindSource(accounts=accounts, find_playlist=find_playlist, platforms=platforms),
        find_playlist=find_playlist,
        platforms=platforms,
    )


def _wire_webhooks(app: web.Application, *, pool: Pool, cipher: Cipher) -> None:
    guard = AddressGuard(parse_networks(app[keys.SETTINGS].webhook_allowed_networks))
    app[keys.KEEP_WEBHOOKS] = KeepWebhooks(pool=pool, cipher=cipher, guard=guard)
    app[keys.REPLAY_DELIVERY] = ReplayDelivery(pool=pool, keep=app[keys.KEEP_WEBHOOKS])


def _admit(settings: Settings, *, pool: Pool, redis: Redis) -> Admit:
    def allowances(name: str, per_minute: int) -> Allowances | None:
        return Allowances(redis, name=name, per_minute=per_minute) if per_minute else None

    return Admit(
        pool=pool,
        requests=allowances("requests", settings.key_requests_per_minute),
        failures=allowances("failures", settings.failed_keys_per_minute),
        clock=SystemClock(),
    )


@functools.cache
def _reference() -> tuple[bytes, str]:
    """Return the API document and its page, which are the same for every application."""
    described = document(OPERATIONS)
    return msgspec.json.encode(described), reference_page.render(described)


async def _part(request: web.Request, response: web.StreamResponse) -> None:
    """Let a client who keeps its connection know that the next request needs another one."""
    if request.app[keys.CLOSING].is_set():
        response.headers[hdrs.CONNECTION] = "close"
        response.force_close()


async def _close(app: web.Application) -> None:
    app[keys.CLOSING].set()

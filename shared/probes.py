"""The private port of a process: /metrics, and whether it lives and can work, for whoever runs it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import hdrs, web

from shared import exposition
from shared.errors import SettingsError
from shared.instrument import Role
from shared.local_address import local_address
from shared.settings import PREFIX, Settings

Faults = Mapping[str, str | None]
"""What is wrong, by part, in words; None where a part is well."""

_STOP_TIMEOUT_S = 1.0


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself. faults: what has ended inside. lacks: what it needs and has not, now."""

    role: Role
    faults: Callable[[], Faults]
    lacks: Callable[[], Awaitable[Faults]]

    async def metrics(self, _: web.Request) -> web.Response:
        # Apart, because the event loop has better things to do.
        text = await asyncio.to_thread(exposition.render, self.role)
        return web.Response(body=text, headers={hdrs.CONTENT_TYPE: exposition.CONTENT_TYPE})

    async def live(self, _: web.Request) -> web.Response:
        return _answer(self.faults(), words=("ok", "failing"))

    async def ready(self, _: web.Request) -> web.Response:
        return _answer({**self.faults(), **await self.lacks()}, words=("ready", "not_ready"))


@asynccontextmanager
async def listening(settings: Settings, probes: Probes) -> AsyncIterator[str | None]:
    """Answer probes meanwhile; yields their base address, None where the settings name no port.

    Raises SettingsError where nobody can listen there.
    """
    if settings.metrics_port is None:
        yield None
        return
    app = web.Application()
    app.router.add_get("/metrics", probes.metrics)
    app.router.add_get("/healthz", probes.live)
    app.router.add_get("/readyz", probes.ready)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_TIMEOUT_S)
    await runner.setup()
    try:
        host, port = settings.metrics_host, settings.metrics_port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            what = f"{PREFIX}METRICS_PORT: nobody can listen on {host}, port {port}"
            raise SettingsError((f"{what}: {error.strerror or error}.",)) from error
        yield local_address(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _answer(faults: Faults, *, words: tuple[str, str]) -> web.Response:
    is_well = not any(faults.values())
    body: dict[str, Any] = {
        "status": words[0] if is_well else words[1],
        "checks": {name: {"ok": fault is None, "detail": fault} for name, fault in faults.items()},
    }
    return web.Response(
        body=msgspec.json.encode(body), status=200 if is_well else 503, content_type="application/json"
    )

"""Builds the web application of one simulated platform."""

from collections.abc import AsyncIterator

from aiohttp import web

from deploy.sandbox.clock import Clock
from deploy.sandbox.control import Control
from deploy.sandbox.desk import Desk
from deploy.sandbox.gate import Gate
from deploy.sandbox.journal import Journal
from deploy.sandbox.options import Options
from deploy.sandbox.simulations import SIMULATIONS
from deploy.sandbox.store import Store
from deploy.sandbox.world import World

# Base64 of a cover of 256 KB is the largest body a platform takes.
LARGEST_BODY_BYTES = 4 * 1024 * 1024


def build_app(world: World, *, options: Options, clock: Clock | None = None) -> web.Application:
    """Build a simulated platform over a world; its state is read from `options.state_dir` at once.

    Raises OSError when the journal cannot be opened, msgspec.DecodeError when it is damaged
    elsewhere than in a torn last line.
    """
    clock = clock or Clock()
    journal = Journal(options.state_dir / f"{options.platform}.jsonl") if options.state_dir else None
    store = Store(clock=clock, user=options.user, journal=journal)
    store.load(world.playlists(options.platform))
    simulation = SIMULATIONS[options.platform]
    gate = Gate(
        voice=simulation.voice(),
        clock=clock,
        options=options,
        is_limit_per_address=simulation.is_limit_per_address,
    )
    desk = Desk(options=options, catalog=world.catalog(options.platform), store=store, clock=clock, gate=gate)

    async def closing(_: web.Application) -> None:
        gate.closing.set()

    async def resources(_: web.Application) -> AsyncIterator[None]:
        yield
        store.close()

    app = web.Application(client_max_size=LARGEST_BODY_BYTES)
    # The control routes stand first: the platform's last route takes whatever is left.
    control = Control(gate=gate, store=store, catalog=desk.catalog, networks=options.control_networks)
    app.add_routes(control.routes())
    app.add_routes(simulation.routes(desk))
    app.on_shutdown.append(closing)
    app.cleanup_ctx.append(resources)
    return app

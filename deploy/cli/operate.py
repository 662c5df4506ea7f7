"""The verbs of operators: they start the roles, or the whole system on one machine."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.cli.api_keys import Scopes, read_scopes
from deploy.cli.database import database
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import print_json, print_text, say
from deploy.dev.demo import run_demo
from deploy.dev.fiction import write_world
from deploy.dev.processes import StartError
from deploy.dev.sandboxes import USES
from deploy.dev.system import Options, System
from gateway import app as gateway_app
from shared.db import api_keys, users
from shared.environment import load
from shared.scopes import USER_SCOPES, Scope
from shared.settings import require_stores
from worker.bootstrap import serve as serve_worker

app = typer.Typer()

DataDir = Annotated[
    Path | None,
    typer.Option(help="Keep everything here; without it, a temporary directory goes with the system."),
]
Concurrency = Annotated[
    int | None,
    typer.Option(min=1, help="Jobs at once, per platform; wins over CROSSPLAY_WORKER_CONCURRENCY."),
]
Platforms = Annotated[
    str | None,
    typer.Option(metavar="NAME,…", help="Serve these platforms alone; wins over CROSSPLAY_WORKER_PLATFORMS."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")]


@app.command()
def dev(
    *,
    data_dir: DataDir = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The gateway's port; 0 takes a free one.")
    ] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=32, help="How many worker processes.")] = 2,
    world: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Catalog (.jsonl) or playlist (.json, .csv); default: fictional music.",
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A platform to simulate, several by repeating; default: all."),
    ] = None,
    json: Json = False,
) -> None:
    """Run the whole system on this machine, with simulated platforms, until Ctrl-C."""
    unknown = sorted(set(platform or ()) - set(USES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is none of {', '.join(USES)}", param_hint="--platform")
    with tempfile.TemporaryDirectory(prefix="crossplay-") if data_dir is None else nullcontext() as made:
        directory = (data_dir or Path(str(made))).resolve()
        options = Options(
            data_dir=directory,
            port=port,
            worker_count=workers,
            worlds=tuple(world or write_world(directory / "world").paths),
            platforms=tuple(platform or USES),
        )
        code = _run(_dev(options, is_json=json))
    raise typer.Exit(code)


@app.command()
def demo() -> None:
    """Move a fictional playlist between two simulated platforms, killing a worker on the way."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="crossplay-") as made:
        is_proved = _run(_demo(Path(made), console))
    raise typer.Exit(Exit.FULL if is_proved else Exit.FAILED)


@app.command()
def gateway(*, json: Json = False) -> None:
    """Run a gateway with the settings of the environment."""
    settings = load(os.environ)
    require_stores(settings)
    gateway_app.run(settings, is_announced=json)


@app.command()
def worker(*, concurrency: Concurrency = None, platforms: Platforms = None, json: Json = False) -> None:
    """Run a worker with the settings of the environment; launch as many as you like."""
    chosen = {"CROSSPLAY_WORKER_CONCURRENCY": concurrency, "CROSSPLAY_WORKER_PLATFORMS": platforms}
    environ = {**os.environ, **{name: str(value) for name, value in chosen.items() if value is not None}}

    def announce(worker_id: str, probes_url: str | None) -> None:
        print_json({"worker": worker_id, "probes": probes_url})
        sys.stdout.flush()

    asyncio.run(serve_worker(load(environ), on_ready=announce if json else None))


@app.command()
def add_user(
    name: Annotated[str, typer.Argument(help="Who the API key is for.")],
    *,
    admin: Annotated[bool, typer.Option("--admin", help="The key manages users too.")] = False,
    scopes: Scopes = None,
) -> None:
    """Make a user where there is none of this name, and print a new API key, once."""
    given = USER_SCOPES if scopes is None else read_scopes(scopes)

    async def add() -> str:
        async with database() as pool:
            user, _is_new = await users.put(pool, name=name)
            if user.disabled_at is not None:
                raise CommandStopped(
                    f"{name} is disabled: no key of theirs would be accepted.",
                    code=Exit.FAILED,
                    cure=f"With an admin's key: POST /users/{user.id}/enable",
                )
            wanted = {*given, Scope.ADMIN} if admin else given
            key = await api_keys.create(pool, user.id, name="add-user", scopes=wanted)
        return key.secret.reveal()

    print_text(asyncio.run(add()))


async def _dev(options: Options, *, is_json: bool) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with System(options) as system:
        if is_json:
            print_json(system.ready_line())
            sys.stdout.flush()
        else:
            _print_addresses(system)
        watcher = asyncio.create_task(system.watch())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([watcher, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not watcher.done():
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            return Exit.FULL
        say(f"crossplay: {watcher.result()} ended by itself; its log is in {options.data_dir / 'logs'}.")
        return Exit.FAILED


async def _demo(directory: Path, console: Console) -> bool:
    work = asyncio.create_task(run_demo(directory, console=console, environ=os.environ))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except StartError as error:
        raise CommandStopped(str(error), code=Exit.FAILED) from error
    except asyncio.CancelledError as error:
        raise CommandStopped("Stopped.", code=Exit.USAGE_OR_CANCELLED) from error


def _print_addresses(system: System) -> None:
    print_text(f"gateway      {system.gateway_url}")
    for platform, url in system.sandbox_urls.items():
        print_text(f"{platform:<12} {url}  (simulated, connected)")
    for name, url in system.probe_urls.items():
        print_text(f"{name:<12} {url}/metrics")
    print_text(f"API key      {system.api_key}")
    print_text("Not for production. Try:")
    print_text(f"  export CROSSPLAY_URL={system.gateway_url} CROSSPLAY_API_KEY={system.api_key}")
    print_text("  crossplay playlists spotify")
    sys.stdout.flush()

"""The verbs of operators who look after what runs: paused platforms and dead jobs."""

import asyncio
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from deploy.cli.database import database
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import print_rows, print_text
from shared.db import dead_letters as letters
from shared.db import platform_pauses
from shared.db.dead_letters import DeadLetter
from shared.models import Platform, TransferId

app = typer.Typer()

Name = Annotated[Platform, typer.Argument(metavar="PLATFORM", help="spotify or apple_music.")]


@app.command()
def pause_platform(
    platform: Name,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What users are told.")] = "",
) -> None:
    """Let everything that touches a platform wait; what is under way ends first.

    Repeated, it changes the reason.
    """

    async def pause() -> None:
        async with database() as pool:
            await platform_pauses.pause(pool, platform, reason=reason)

    asyncio.run(pause())
    print_text(f"{platform} is paused; its transfers go on after: crossplay resume-platform {platform}")


@app.command()
def resume_platform(platform: Name) -> None:
    """Let a paused platform's transfers go on."""

    async def resume() -> bool:
        async with database() as pool:
            return await platform_pauses.resume(pool, platform)

    is_changed = asyncio.run(resume())
    print_text(f"{platform} goes on." if is_changed else f"{platform} was not paused.")


@app.command()
def platforms() -> None:
    """Tell which platforms are paused, since when and why."""

    async def read() -> list[platform_pauses.PlatformPause]:
        async with database() as pool:
            return await platform_pauses.paused(pool)

    paused = {one.platform: one for one in asyncio.run(read())}
    rows = []
    for platform in Platform:
        pause = paused.get(platform)
        since = f"{pause.paused_at:%Y-%m-%d %H:%M} UTC" if pause else ""
        rows.append((platform.value, "paused" if pause else "running", since, pause.reason if pause else ""))
    print_rows(rows, columns=("platform", "state", "since", "reason"))


@app.command()
def dead_letters(
    *, limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 50
) -> None:
    """List the jobs that were given up, each with its error; their transfers have failed."""

    async def read() -> list[DeadLetter]:
        async with database() as pool:
            return await letters.latest(pool, limit=limit)

    rows = [
        (
            one.transfer_id,
            f"{one.finished_at:%Y-%m-%d %H:%M} UTC",
            f"{one.platform} {one.phase} {one.batch}",
            str(one.attempt),
            one.code,
            one.last_error,
        )
        for one in asyncio.run(read())
    ]
    print_rows(rows, columns=("transfer", "given up", "job", "attempts", "code", "error"))


@app.command()
def revive(
    transfer: Annotated[UUID, typer.Argument(metavar="ID", help="A transfer that has failed.")],
) -> None:
    """Let a failed transfer try again from its last checkpoint, as its user could with `retry`."""

    async def retry() -> bool:
        async with database() as pool:
            return await letters.revive(pool, TransferId(str(transfer)))

    try:
        is_changed = asyncio.run(retry())
    except asyncpg.UniqueViolationError as error:
        raise CommandStopped(
            "Another transfer is writing to its playlist.",
            code=Exit.FAILED,
            cure="Revive it when that one is done.",
        ) from error
    if not is_changed:
        raise CommandStopped(
            f"{transfer} is no failed transfer, or it has been undone.",
            code=Exit.NOT_FOUND,
            cure="See which there are: crossplay dead-letters",
        )
    print_text(f"{transfer} tries again.")

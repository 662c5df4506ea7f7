"""The verb `migrate`: brings the database to this release's schema, in two halves."""

import asyncio
import os
import time
from typing import Annotated

import typer

from deploy.cli.database import told_if_away
from deploy.cli.exits import Exit
from deploy.cli.output import print_text, say
from shared.db import migrate as runner
from shared.db.migrate import ALL, Migrated
from shared.db.schema import Moment, Plan
from shared.environment import load
from shared.errors import MaintenanceRefused
from shared.settings import require_stores

RETRY_S = 2.0

app = typer.Typer()


@app.command()
def migrate(
    *,
    pre: Annotated[
        bool, typer.Option("--pre", help="Only what comes before the new release starts.")
    ] = False,
    post: Annotated[bool, typer.Option("--post", help="Only what comes after the old one is gone.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; the exit code tells.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; list what would be done.")
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="With --post: wait for older processes.")
    ] = 0,
) -> None:
    """Bring the database to this release's schema.

    Without --pre or --post it does what can be done now: `post` migrations wait until no gateway or worker
    of an older release is alive. Exit codes of --check: 0 nothing is missing, 1 something has to be applied
    before this release can run, 3 only `post` migrations are left, 78 the database is a newer release's.
    """
    wanted = frozenset({Moment.PRE} if pre else set()) | frozenset({Moment.POST} if post else set()) or ALL
    settings = load(os.environ)
    require_stores(settings)
    url = settings.database_url.reveal()
    with told_if_away():
        if not (check or dry_run):
            _tell_done(_migrate_patiently(url, wanted=wanted, wait_s=wait_s))
            return
        found = asyncio.run(runner.look(url, wanted=ALL if check else wanted))
    _tell_plan(found)
    raise typer.Exit(_verdict(found) if check else Exit.FULL)


def _migrate_patiently(url: str, *, wanted: frozenset[Moment], wait_s: float) -> Migrated:
    """Migrate, asking again for so long where older processes are in the way."""
    give_up_at_s = time.monotonic() + wait_s
    while True:
        try:
            done = asyncio.run(runner.migrate(url, wanted=wanted))
        except MaintenanceRefused:
            if time.monotonic() >= give_up_at_s:
                raise
        else:
            if not (done.waiting and Moment.POST in wanted) or time.monotonic() >= give_up_at_s:
                return done
        time.sleep(min(RETRY_S, wait_s))


def _tell_done(done: Migrated) -> None:
    for name in done.applied:
        print_text(f"applied  {name}")
    for name in done.waiting:
        print_text(f"waiting  {name}")
    if done.waiting:
        say(done.why or "Once no older gateway or worker runs: crossplay migrate --post")
    else:
        say("The schema is current.")


def _tell_plan(found: Plan) -> None:
    for step in found.steps:
        print_text(f"pending  {step.name}")
    for name in found.waiting:
        print_text(f"waiting  {name}")
    say(found.why or ("This would be applied." if found.steps else "The schema is current."))


def _verdict(found: Plan) -> Exit:
    names = (*(step.name for step in found.steps), *found.waiting)
    if any(f"_{Moment.PRE}_" in name for name in names):
        return Exit.FAILED
    return Exit.PARTIAL if names else Exit.FULL

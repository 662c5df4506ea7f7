"""The verb that removes what ended long ago."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from deploy.cli.database import database, told_if_away
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import Output
from deploy.cli.output import Format, print_json, print_text, say
from shared.db import retention, shelf_retention
from shared.db.retention import Tally
from shared.db.shelf_retention import ShelfTally

app = typer.Typer()

_DAYS = {"d": 1, "w": 7}
_PAUSE_S = 0.5
_LEAST_DAYS = 1  # an idempotency key may still be sent again within a day


@app.command()
def prune(
    *,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Such as 90d or 26w; one day at least.")],
    files: Annotated[
        bool, typer.Option("--files", help="Also files that nobody has changed for as long.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Remove transfers that ended longer ago, with their items and jobs; they cannot be undone after that.

    It runs beside gateways and workers, in small batches, and may be stopped and repeated.
    """
    before = datetime.now(UTC) - _age(older_than)
    tally, shelf = asyncio.run(_prune(before, has_files=files, dry_run=dry_run))
    if output is Format.JSON:
        counts = {**msgspec.structs.asdict(tally), **msgspec.structs.asdict(shelf)}
        print_json({**counts, "before": before})
        return
    verb = "Would remove" if dry_run else "Removed"
    print_text(
        f"{verb} {tally.transfer_count:,} transfers with {tally.item_count:,} tracks that ended before "
        f"{before:%Y-%m-%d %H:%M} UTC."
    )
    if files:
        print_text(f"{verb} {shelf.file_count:,} files that were last changed before.")


async def _prune(before: datetime, *, has_files: bool, dry_run: bool) -> tuple[Tally, ShelfTally]:
    async with database() as pool:
        if dry_run:
            shelf = await shelf_retention.old(pool, before=before) if has_files else ShelfTally()
            return await retention.old(pool, before=before), shelf
        total = Tally()
        with told_if_away():
            while (removed := await retention.remove_some(pool, before=before)) is not None:
                total += removed
                if removed.transfer_count:
                    say(f"{total.transfer_count:,} transfers are removed …")
                else:  # somebody holds all of them just now
                    await asyncio.sleep(_PAUSE_S)
            return total, await shelf_retention.remove(pool, before=before, has_files=has_files)


def _age(text: str) -> timedelta:
    """Read how old something must be. Raises CommandStopped."""
    found = re.fullmatch(r"(\d{1,5})([dw])", text)
    days = int(found[1]) * _DAYS[found[2]] if found else 0
    if days < _LEAST_DAYS:
        raise CommandStopped(
            f"{text} is no age.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Say it in days or weeks: --older-than 90d",
        )
    return timedelta(days=days)

"""The database as operators' verbs reach it: with the settings of the environment."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from deploy.cli.exits import CommandStopped, Exit
from shared.db.pool import STORE_ERRORS, Pool, open_pool
from shared.environment import load
from shared.settings import require_stores


@asynccontextmanager
async def database() -> AsyncIterator[Pool]:
    """Open it for one verb. Raises SettingsError, CommandStopped."""
    settings = load(os.environ)
    require_stores(settings)
    with told_if_away():
        async with await open_pool(settings.database_url, size=1) as pool:
            yield pool


@contextmanager
def told_if_away() -> Iterator[None]:
    """Turn the errors of a Postgres that is away into words. Raises CommandStopped."""
    try:
        yield
    except STORE_ERRORS as error:
        what = f"Postgres does not answer: {str(error) or type(error).__name__}"
        cure = "Check CROSSPLAY_DATABASE_URL, and that the server runs; then repeat the command."
        raise CommandStopped(what, code=Exit.UNREACHABLE, cure=cure) from error

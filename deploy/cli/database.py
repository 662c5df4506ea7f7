"""The database as operators' verbs reach it: with the settings of the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.db.pool import Pool, open_pool
from shared.settings import load, require_stores


@asynccontextmanager
async def database() -> AsyncIterator[Pool]:
    """Open it for one verb. Raises SettingsError."""
    settings = load(os.environ)
    require_stores(settings)
    async with await open_pool(settings.database_url, size=1) as pool:
        yield pool

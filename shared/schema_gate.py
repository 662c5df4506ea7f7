"""Lets a process wait until the database has what its release needs, and say so in the meantime."""

import asyncio
import contextlib

import asyncpg
from loguru import logger

from shared.db import schema
from shared.db.pool import STORE_ERRORS, Pool

EVERY_S = 1.0


async def until_migrated(pool: Pool, *, stop: asyncio.Event, every_s: float = EVERY_S) -> bool:
    """Return True as soon as nothing is missing, False when `stop` comes first.

    A migration that is to come and a Postgres that is away are waited for; each is told once.
    Raises SchemaMismatch where a newer release has the database, which no waiting would change.
    """
    told = ""
    while not stop.is_set():
        lack = await _lack(pool)
        if not lack:
            if told:
                logger.info("Schema is there")
            return True
        if lack != told:
            logger.warning("Schema is waited for", lack=lack, cure="crossplay migrate")
        told = lack
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
    return False


async def _lack(pool: Pool) -> str:
    """Return what is missing in words, empty where nothing is."""
    try:
        async with pool.acquire() as connection:
            return ", ".join(await schema.require(connection))
    except (*STORE_ERRORS, asyncpg.PostgresError) as error:
        return f"Postgres ({type(error).__name__})"

"""Where the doctor looks: real servers, brought into each state that an operator can bring them to."""

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis

from deploy.cli.doctor import look_around
from deploy.doctor.findings import Finding, Verdict
from shared.secret import Secret
from shared.settings import Settings
from tests.conftest import TestServers

RING = "k1:" + base64.b64encode(bytes(range(32))).decode()
PASSWORD = "canary-password"
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


async def found(
    database_url: str, redis_url: str, *, environ: dict[str, str] | None = None, **values: Any
) -> dict[str, Finding]:
    """Look around; return what was found by what was looked at."""
    settings = Settings(
        **{
            "database_url": Secret(database_url),
            "redis_url": Secret(redis_url),
            "secret_keys": Secret(RING),
            **values,
        }
    )
    findings = await look_around(settings, environ=environ or {})
    assert PASSWORD not in str(findings)
    assert all(finding.cure for finding in findings if finding.verdict is not OK)
    return {finding.check: finding for finding in findings}


@asynccontextmanager
async def configured(redis: Redis, **options: str) -> AsyncIterator[None]:
    """Change a running server's options for a while."""
    before = {name: str((await redis.config_get(name))[name]) for name in options}
    for name, value in options.items():
        await redis.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            await redis.config_set(name, value)


@asynccontextmanager
async def own_role(servers: TestServers, *, options: str = "") -> AsyncIterator[tuple[str, str]]:
    """Make a role that may do nothing; yield its name, and user and password for an address."""
    name = f"crossplay_test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(servers.database_url)
    try:
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {options}")
        yield name, f"{name}:{PASSWORD}"
        await connection.execute(f"DROP ROLE {name}")
    finally:
        await connection.close()


def with_user(database_url: str, user: str) -> str:
    parts = urlsplit(database_url)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()

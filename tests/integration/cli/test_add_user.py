"""The operator's way to the first API keys."""

import pytest
import pytest_asyncio

from deploy.cli.exits import Exit
from shared.db import api_keys, users
from shared.db.pool import Pool, open_pool
from shared.scopes import USER_SCOPES, Scope, with_included
from shared.secret import Secret
from tests.integration.cli.conftest import Operate

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def pool(database_url: str) -> Pool:
    return await open_pool(Secret(database_url), size=1)


async def test_keys_have_the_scopes_that_the_operator_says(operate: Operate, pool: Pool) -> None:
    async with pool:
        options: tuple[tuple[str, ...], ...] = ((), ("--scopes", "transfers:read,keys:write"), ("--admin",))

        ended = [await operate("add-user", "mira", *given) for given in options]

        found = [await api_keys.authenticate(pool, text=key.strip()) for _, key, _ in ended]
        assert [code for code, *_ in ended] == [Exit.FULL] * 3
        assert [access.scopes for access in found] == [
            USER_SCOPES,
            with_included([Scope.TRANSFERS_READ, Scope.KEYS_WRITE]),
            frozenset(Scope),
        ]
        assert len({access.user_id for access in found}) == 1


async def test_a_key_that_nobody_could_use_is_not_made(operate: Operate, pool: Pool) -> None:
    async with pool:
        user_id = await users.ensure(pool, name="mira")
        await users.set_disabled(pool, user_id, is_disabled=True)

        disabled = await operate("add-user", "mira")
        unknown = await operate("add-user", "mira", "--scopes", "moods")

        assert (disabled[0], disabled[1]) == (Exit.FAILED, "")
        assert f"POST /users/{user_id}/enable" in disabled[2]
        assert (unknown[0], unknown[1]) == (Exit.USAGE_OR_CANCELLED, "")
        assert await pool.fetchval("SELECT count(*) FROM api_keys") == 0

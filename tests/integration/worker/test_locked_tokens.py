"""A transfer whose tokens no key opens waits, whoever is at fault, and goes on when the key is back."""

import base64

import pytest
from redis.asyncio import Redis

from shared.cipher import Cipher
from shared.db import connections, control, transfers
from shared.db.connections import Connection
from shared.db.control import Control
from shared.db.pool import Pool
from shared.lifecycle import PauseReason, State
from shared.models import ConnectionId, Platform, TokenSet, TransferId
from shared.platforms.base import Adapter
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.tokens import Sessions
from tests.integration.worker.engine import POSITIONED, Engine, target_ids
from worker.retry import UNLOCK_AFTER_S

pytestmark = pytest.mark.integration

OLD = "k1:" + base64.b64encode(bytes(range(32))).decode()
NEW = "k2:" + base64.b64encode(bytes(range(100, 132))).decode()
TOKENS = TokenSet(access_token="access-0")


class VaultEngine(Engine):
    """Opens a connection's tokens, which are sealed in Postgres, before it gives its adapter."""

    sessions: Sessions

    def start_with(self, ring: str) -> None:
        """Be workers that were started with this ring, and hold nothing yet."""
        cipher = Cipher(parse_key_ring(Secret(ring)))
        self.sessions = Sessions(
            pool=self.pool, redis=self._redis, cipher=cipher, refresher_of=lambda _: None
        )

    async def seal(self, platform: Platform) -> Connection:
        """Seal the tokens of a platform's connection with the present ring."""
        user_id = await self.pool.fetchval("SELECT id FROM users")
        (connection,) = await connections.list_of(self.pool, user_id, platform=platform)
        sealed = self.sessions.seal(connection.id, platform=platform, tokens=TOKENS)
        await self.pool.execute(
            "UPDATE connections SET sealed_tokens = $2 WHERE id = $1", connection.id, sealed
        )
        await self.sessions.forget(connection.id)
        return connection

    async def _open_adapter(self, platform: Platform, connection_id: ConnectionId) -> tuple[Adapter, str]:
        await self.sessions.open(connection_id)
        return await super()._open_adapter(platform, connection_id)


@pytest.fixture
def engine(pool: Pool, redis: Redis) -> VaultEngine:
    return VaultEngine(pool, redis, target=POSITIONED)


async def locked(engine: VaultEngine) -> TransferId:
    """Return a transfer that has added its first tracks when workers come that lack the key."""
    engine.start_with(OLD)
    transfer_id = await engine.transfer(range(10))
    for platform in (engine.source.platform, engine.target.platform):
        await engine.seal(platform)
    await engine.reach_first_batch()
    await engine.step(phase="write")
    engine.start_with(NEW)
    await engine.run()
    return transfer_id


async def test_a_transfer_without_its_key_waits_and_costs_no_attempt(engine: VaultEngine) -> None:
    transfer_id = await locked(engine)

    transfer = await engine.load(transfer_id)
    job = await engine.job(phase="write")
    assert (transfer.state, transfer.pause_reason) == (State.PAUSED, PauseReason.TOKENS_LOCKED)
    assert transfer.pause_platform is Platform.APPLE_MUSIC
    assert transfer.error_code is None
    assert job.attempt <= 1


async def test_with_the_key_back_a_resumed_transfer_goes_on_where_it_was(engine: VaultEngine) -> None:
    transfer_id = await locked(engine)
    user_id = (await engine.load(transfer_id)).user_id

    engine.start_with(f"{NEW},{OLD}")
    is_resumed = await control.apply(engine.pool, transfer_id, user_id=user_id, control=Control.RESUME)
    await engine.run()

    assert is_resumed
    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(10))


async def test_it_goes_on_by_itself_a_while_after_the_key_is_back(engine: VaultEngine) -> None:
    transfer_id = await locked(engine)
    engine.start_with(f"{NEW},{OLD}")

    early_count = await transfers.resume_due(engine.pool)
    await engine.skip(UNLOCK_AFTER_S)
    late_count = await transfers.resume_due(engine.pool)
    await engine.run()

    assert (early_count, late_count) == (0, 1)
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_it_goes_on_when_its_user_connects_the_account_again(engine: VaultEngine) -> None:
    transfer_id = await locked(engine)

    connection = await engine.seal(Platform.APPLE_MUSIC)
    async with engine.pool.acquire() as postgres:
        resumed_count = await transfers.resume_connection(postgres, connection.id)
    await engine.run()

    assert resumed_count == 1
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_it_can_be_cancelled_meanwhile(engine: VaultEngine) -> None:
    transfer_id = await locked(engine)
    user_id = (await engine.load(transfer_id)).user_id

    await control.apply(engine.pool, transfer_id, user_id=user_id, control=Control.CANCEL)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED

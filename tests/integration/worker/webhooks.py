"""Webhooks and deliverers on real stores, for tests of what is told and how it arrives."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.abc import AbstractResolver

from shared import webhook_secrets
from shared.address_guard import AddressGuard
from shared.cipher import Cipher
from shared.db import users, webhooks
from shared.db.pool import Pool
from shared.db.webhooks import NewWebhook
from shared.models import Platform, UserId, WebhookId
from shared.secret import Secret
from shared.settings import parse_networks
from shared.webhook_events import DEFAULT_EVENTS, WebhookEvent
from tests.waiting import until_answered
from worker.webhooks.deliverer import Deliverer
from worker.webhooks.letters import Letters
from worker.webhooks.sender import Sender

LOOPBACK = "127.0.0.0/8"
TIMEOUT_S = 20.0
LEASE_S = 30.0
PAUSE_S = 0.01

CIPHER = Cipher({"k1": bytes(32)})

TOLD = "SELECT type, snapshot FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY number"
SKIP_DELIVERIES = "UPDATE webhook_deliveries SET next_try_at = next_try_at - make_interval(secs => $1)"
SKIP_WEBHOOKS = """
UPDATE webhooks SET lease_until = lease_until - make_interval(secs => $1),
    failing_since = failing_since - make_interval(secs => $1),
    old_secret_until = old_secret_until - make_interval(secs => $1)
"""
ADD = """
INSERT INTO webhook_deliveries (webhook_id, type, snapshot)
VALUES ($1, $2, jsonb_build_object('webhook', $1::uuid, 'id', $1::uuid, 'platform', 'spotify',
                                   'label', 'Mira', 'state', 'connected'))
RETURNING id
"""


class Hook:
    """A webhook with its secret."""

    def __init__(self, pool: Pool, webhook_id: WebhookId, *, user_id: UserId, secret: Secret) -> None:
        self.id = webhook_id
        self.user_id = user_id
        self.secret = secret
        self._pool = pool

    async def told(self) -> list[str]:
        """Return the types of its deliveries, in order."""
        return [row["type"] for row in await self._pool.fetch(TOLD, self.id)]

    async def facts(self, event: str) -> dict[str, Any]:
        """Return what was stored for the latest event of a type."""
        rows = await self._pool.fetch(TOLD, self.id)
        found: dict[str, Any] = [row["snapshot"] for row in rows if row["type"] == event][-1]
        return found

    async def add(self, event: str = "connection.connected") -> str:
        """Store a delivery that nothing has caused; return its id."""
        return str(await self._pool.fetchval(ADD, self.id, event))

    async def delivery(self, delivery_id: str | None = None) -> dict[str, Any]:
        """Return the row of a delivery, of the latest one if none is named."""
        row = await self._pool.fetchrow(
            "SELECT * FROM webhook_deliveries WHERE webhook_id = $1 AND ($2::uuid IS NULL OR id = $2) "
            "ORDER BY number DESC LIMIT 1",
            self.id,
            delivery_id,
        )
        return dict(row)

    async def row(self) -> dict[str, Any]:
        return dict(await self._pool.fetchrow("SELECT * FROM webhooks WHERE id = $1", self.id))


async def hook(
    pool: Pool,
    url: str = "https://example.org/hook",
    *,
    user: str = "mira",
    events: Sequence[WebhookEvent] = DEFAULT_EVENTS,
) -> Hook:
    """Make a webhook."""
    user_id = await users.ensure(pool, name=user)
    webhook_id = WebhookId(str(uuid.uuid4()))
    secret = webhook_secrets.new_secret()
    new = NewWebhook(
        id=webhook_id,
        user_id=user_id,
        url=url,
        description="",
        events=tuple(events),
        sealed_secret=webhook_secrets.seal(CIPHER, secret, webhook_id=webhook_id),
    )
    assert await webhooks.insert(pool, new, limit=100)
    return Hook(pool, webhook_id, user_id=user_id, secret=secret)


@asynccontextmanager
async def delivering(
    pool: Pool,
    *,
    timeout_s: float = TIMEOUT_S,
    networks: str = LOOPBACK,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a deliverer; its task can be cancelled, with all that it has under way."""
    guard = AddressGuard(parse_networks(networks))
    async with Sender(guard, timeout_s=timeout_s, resolver=resolver) as sender:
        deliverer = Deliverer(
            pool=pool,
            letters=Letters(CIPHER, label=Platform.title),
            sender=sender,
            lease_s=LEASE_S,
            pause_s=PAUSE_S,
            rng=random.Random(3),
        )
        stop = asyncio.Event()

        async def run() -> None:
            await deliverer.run(stop)
            await deliverer.drain()

        running = asyncio.create_task(run())
        try:
            yield running
        finally:
            stop.set()
            await asyncio.wait([running])


async def pass_time(pool: Pool, seconds: float) -> None:
    """Let time pass for everything about webhooks."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SKIP_WEBHOOKS, seconds)
        await connection.execute(SKIP_DELIVERIES, seconds)


async def settled(mine: Hook, *, attempts: int = 1) -> dict[str, Any]:
    """Wait until the latest delivery has so many attempts and none under way; return its row."""

    async def is_settled() -> bool:
        delivery = await mine.delivery()
        lease = (await mine.row())["lease_until"]
        return delivery["attempt_count"] >= attempts and lease is None

    await until_answered(is_settled)
    return await mine.delivery()

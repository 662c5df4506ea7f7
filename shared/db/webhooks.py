"""Webhooks: where a user wants to be told of events, a few for each user."""

from datetime import datetime
from typing import Any

import msgspec

from shared.db.connections import LOCK_USER
from shared.db.pool import Pool, Row
from shared.models import UserId, WebhookId
from shared.webhook_events import WebhookEvent


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asked for, checked; its secret is sealed."""

    id: WebhookId
    user_id: UserId
    url: str
    description: str
    events: tuple[WebhookEvent, ...]
    sealed_secret: str

    def __repr__(self) -> str:
        return f"NewWebhook(id={self.id!r}, …)"


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be another; None stays as it is."""

    url: str | None = None
    description: str | None = None
    events: tuple[WebhookEvent, ...] | None = None
    is_enabled: bool | None = None

    def __repr__(self) -> str:
        return f"WebhookChange(is_enabled={self.is_enabled!r}, …)"


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's row without its secrets. The address is its user's business: it may hold a secret, too."""

    id: WebhookId
    user_id: UserId
    url: str
    description: str
    events: tuple[WebhookEvent, ...]
    is_enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    old_secret_until: datetime | None
    created_at: datetime

    def __repr__(self) -> str:
        return f"Webhook(id={self.id!r}, …)"


COUNT = "SELECT count(*) FROM webhooks WHERE user_id = $1"
INSERT = """
INSERT INTO webhooks (id, user_id, url, description, events, sealed_secret)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING *
"""
GET = "SELECT * FROM webhooks WHERE id = $1 AND user_id = $2"
PAGE = """
SELECT * FROM webhooks
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
# An attempt that is under way belongs to what was before: its result counts no more, and it is made again.
CHANGE = """
UPDATE webhooks SET url = coalesce($3, url), description = coalesce($4, description),
    events = coalesce($5, events), is_enabled = coalesce($6, is_enabled),
    disabled_reason = CASE WHEN $6 IS NULL THEN disabled_reason END,
    failing_since = CASE WHEN $6 OR $3 <> url THEN NULL ELSE failing_since END,
    epoch = epoch + CASE WHEN $3 <> url THEN 1 ELSE 0 END,
    lease_until = CASE WHEN $3 <> url THEN NULL ELSE lease_until END
WHERE id = $1 AND user_id = $2 RETURNING *
"""
# Both sign until then; a secret that is older than these two is forgotten.
ROTATE = """
UPDATE webhooks SET sealed_old_secret = sealed_secret, sealed_secret = $3,
    old_secret_until = clock_timestamp() + make_interval(secs => $4)
WHERE id = $1 AND user_id = $2 RETURNING *
"""
REMOVE = "DELETE FROM webhooks WHERE id = $1 AND user_id = $2 RETURNING true"


def from_row(row: Row) -> Webhook:
    values = {name: row[name] for name in Webhook.__struct_fields__}
    return msgspec.convert({**values, "id": str(row["id"]), "user_id": str(row["user_id"])}, Webhook)


async def insert(pool: Pool, new: NewWebhook, *, limit: int) -> Webhook | None:
    """Store a webhook; None where its user has as many as anybody may have."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_USER, new.user_id)
        if await connection.fetchval(COUNT, new.user_id) >= limit:
            return None
        values: list[Any] = [getattr(new, name) for name in NewWebhook.__struct_fields__]
        return from_row(await connection.fetchrow(INSERT, *values))


async def get(pool: Pool, webhook_id: WebhookId, *, user_id: UserId) -> Webhook | None:
    row = await pool.fetchrow(GET, webhook_id, user_id)
    return from_row(row) if row else None


async def page(
    pool: Pool, user_id: UserId, *, before: tuple[datetime, WebhookId] | None, limit: int
) -> list[Webhook]:
    """Return a user's webhooks, newest first, those older than `before`."""
    at, webhook_id = before or (None, None)
    return [from_row(row) for row in await pool.fetch(PAGE, user_id, at, webhook_id, limit)]


async def change(
    pool: Pool, webhook_id: WebhookId, *, user_id: UserId, wish: WebhookChange
) -> Webhook | None:
    """Change a webhook; None if the user has no such one. To enable it forgives what has failed before."""
    row = await pool.fetchrow(
        CHANGE, webhook_id, user_id, wish.url, wish.description, wish.events, wish.is_enabled
    )
    return from_row(row) if row else None


async def rotate(
    pool: Pool, webhook_id: WebhookId, *, user_id: UserId, sealed_secret: str, overlap_s: float
) -> Webhook | None:
    """Give it another secret, beside which the one before signs for a while; None if there is no such one."""
    row = await pool.fetchrow(ROTATE, webhook_id, user_id, sealed_secret, overlap_s)
    return from_row(row) if row else None


async def remove(pool: Pool, webhook_id: WebhookId, *, user_id: UserId) -> bool:
    """Forget a webhook with all its deliveries; False if the user has no such one."""
    return bool(await pool.fetchval(REMOVE, webhook_id, user_id))

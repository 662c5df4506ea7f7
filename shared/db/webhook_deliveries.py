"""The log of a webhook: what it was told or is to be told, and how that went."""

from datetime import datetime
from typing import Any

import msgspec

from shared.db.pool import Pool, Row
from shared.deliveries import DeliveryError, DeliveryState
from shared.models import DeliveryId, UserId, WebhookId
from shared.webhook_events import WebhookEvent


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event for one webhook. next_try_at is None once it is not pending any more."""

    id: DeliveryId
    number: int
    webhook_id: WebhookId
    type: WebhookEvent
    subject_id: str | None
    state: DeliveryState
    attempt_count: int
    next_try_at: datetime | None
    last_tried_at: datetime | None
    last_status: int | None
    last_error: DeliveryError | None
    last_duration_ms: int | None
    created_at: datetime


PAGE = """
SELECT webhook_deliveries.* FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
WHERE webhook_id = $1 AND webhooks.user_id = $2 AND ($3::text IS NULL OR state = $3)
      AND ($4::bigint IS NULL OR number < $4)
ORDER BY number DESC LIMIT $5
"""
GET = """
SELECT webhook_deliveries.* FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
WHERE webhook_deliveries.id = $1 AND webhook_id = $2 AND webhooks.user_id = $3
"""
# Under its old id. What its receiver remembers it takes for a repetition, as it shall.
REPLAY = """
UPDATE webhook_deliveries SET state = 'pending', failure_count = 0, next_try_at = clock_timestamp()
FROM webhooks
WHERE webhook_deliveries.id = $1 AND webhook_id = $2 AND webhooks.id = webhook_id AND webhooks.user_id = $3
      AND webhooks.is_enabled
RETURNING webhook_deliveries.*
"""
WAITING_TEST = """
SELECT webhook_deliveries.* FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
WHERE webhook_id = $1 AND webhooks.user_id = $2 AND type = 'webhook.test' AND state = 'pending'
"""
TEST = """
INSERT INTO webhook_deliveries (webhook_id, type, snapshot)
SELECT id, 'webhook.test', jsonb_build_object('webhook', id) FROM webhooks
WHERE id = $1 AND user_id = $2 AND is_enabled
FOR KEY SHARE
RETURNING *
"""


def from_row(row: Row) -> Delivery:
    values: dict[str, Any] = {name: row[name] for name in Delivery.__struct_fields__}
    for name in ("id", "webhook_id", "subject_id"):
        values[name] = values[name] and str(values[name])
    return msgspec.convert(values, Delivery)


async def page(
    pool: Pool,
    webhook_id: WebhookId,
    *,
    user_id: UserId,
    state: DeliveryState | None,
    before: int | None,
    limit: int,
) -> list[Delivery]:
    """Return deliveries of a user's webhook, newest first, those with a smaller number than `before`."""
    return [from_row(row) for row in await pool.fetch(PAGE, webhook_id, user_id, state, before, limit)]


async def get(
    pool: Pool, delivery_id: DeliveryId, *, webhook_id: WebhookId, user_id: UserId
) -> Delivery | None:
    row = await pool.fetchrow(GET, delivery_id, webhook_id, user_id)
    return from_row(row) if row else None


async def replay(
    pool: Pool, delivery_id: DeliveryId, *, webhook_id: WebhookId, user_id: UserId
) -> Delivery | None:
    """Have it delivered again at once, with all its retries; None for a disabled webhook, or without one."""
    row = await pool.fetchrow(REPLAY, delivery_id, webhook_id, user_id)
    return from_row(row) if row else None


async def test(pool: Pool, webhook_id: WebhookId, *, user_id: UserId) -> Delivery | None:
    """Store a test, or return the one that still waits; None for a disabled webhook, or without one."""
    row = await pool.fetchrow(WAITING_TEST, webhook_id, user_id)
    row = row or await pool.fetchrow(TEST, webhook_id, user_id)
    return from_row(row) if row else None

"""What workers do with deliveries: take the next one of a webhook, store what became of it, and tidy up."""

from datetime import datetime
from typing import Any

import msgspec

from shared.db.pool import Pool
from shared.deliveries import Attempted, DeliveryState
from shared.models import DeliveryId, WebhookId
from shared.webhook_events import WebhookEvent


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is ours to deliver to, until its lease ends. The repr shows no secret and no address.

    sealed_old_secret: where it still signs. failing_s: for how long every attempt has failed, 0 if none has.
    """

    id: WebhookId
    url: str
    epoch: int
    sealed_secret: str
    sealed_old_secret: str | None
    failing_s: float

    def __repr__(self) -> str:
        return f"Claim(id={self.id!r}, epoch={self.epoch}, …)"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is due. failure_count: attempts that failed since it was made or replayed."""

    id: DeliveryId
    type: WebhookEvent
    snapshot: dict[str, Any]
    failure_count: int
    created_at: datetime


# The one whose turn is the longest ago comes first. One that somebody holds, or changes, is passed over, and
# so are those of a user who has a few under way.
CLAIM = """
UPDATE webhooks SET epoch = epoch + 1, served_at = clock_timestamp(),
       lease_until = clock_timestamp() + make_interval(secs => $1)
WHERE id = (
    SELECT id FROM webhooks
    WHERE is_enabled AND (lease_until IS NULL OR lease_until < clock_timestamp())
          AND ($2 OR failing_since IS NULL)
          AND (SELECT count(*) FROM webhooks AS busy
               WHERE busy.user_id = webhooks.user_id AND busy.lease_until > clock_timestamp()) < $3
          AND EXISTS (
              SELECT FROM webhook_deliveries
              WHERE webhook_id = webhooks.id AND state = 'pending' AND next_try_at <= clock_timestamp())
    ORDER BY served_at NULLS FIRST LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, url, epoch, sealed_secret,
    CASE WHEN old_secret_until > clock_timestamp() THEN sealed_old_secret END AS sealed_old_secret,
    coalesce(extract(epoch FROM clock_timestamp() - failing_since), 0)::float8 AS failing_s
"""
TAKE = """
UPDATE webhook_deliveries SET attempt_count = attempt_count + 1, last_tried_at = clock_timestamp()
WHERE id = (
    SELECT id FROM webhook_deliveries
    WHERE webhook_id = $1 AND state = 'pending' AND next_try_at <= clock_timestamp()
    ORDER BY next_try_at, number LIMIT 1
)
RETURNING id, type, snapshot, failure_count, created_at
"""
RELEASE = "UPDATE webhooks SET lease_until = NULL WHERE id = $1 AND epoch = $2"
FENCE = """
UPDATE webhooks SET lease_until = NULL,
    failing_since = CASE WHEN $3 THEN NULL ELSE coalesce(failing_since, clock_timestamp()) END,
    is_enabled = is_enabled AND $4::text IS NULL, disabled_reason = coalesce($4, disabled_reason)
WHERE id = $1 AND epoch = $2 RETURNING true
"""
SETTLE = """
UPDATE webhook_deliveries SET state = $2, last_status = $3, last_error = $4, last_duration_ms = $5,
    failure_count = failure_count + CASE WHEN $2 = 'delivered' THEN 0 ELSE 1 END,
    next_try_at = clock_timestamp() + make_interval(secs => $6)
WHERE id = $1
"""
# Days before a sign-in ends at which that is told, the nearest one only; each once for each sign-in.
TELL_EXPIRING = """
INSERT INTO webhook_deliveries (webhook_id, type, subject_id, once, snapshot)
SELECT webhooks.id, 'connection.expiring', connections.id,
       concat_ws('|', connections.id, extract(epoch FROM authorized_at), days),
       connection_facts(connections) || jsonb_build_object('sign_in_ends_at', sign_in_ends_at)
FROM webhooks
JOIN connections ON connections.user_id = webhooks.user_id
CROSS JOIN LATERAL (
    SELECT days FROM unnest(ARRAY[1, 7, 30]) AS days
    WHERE sign_in_ends_at <= now() + make_interval(days => days) ORDER BY days LIMIT 1
) AS threshold
WHERE is_enabled AND 'connection.expiring' = ANY (events) AND connections.state = 'connected'
      AND sign_in_ends_at > now()
FOR KEY SHARE OF webhooks
ON CONFLICT (webhook_id, once) WHERE once IS NOT NULL DO NOTHING
"""
PRUNE = """
DELETE FROM webhook_deliveries WHERE id IN (
    SELECT id FROM webhook_deliveries WHERE created_at < now() - make_interval(days => $1)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def claim(
    pool: Pool, *, lease_s: float, per_user_count: int, is_failing_welcome: bool
) -> tuple[Claim, Message] | None:
    """Become the one who delivers to a webhook, and take its oldest delivery that is due; None if none is.

    per_user_count: so many of a user's webhooks are served at once. is_failing_welcome: it may be one whose
    last attempt failed.
    """
    row = await pool.fetchrow(CLAIM, lease_s, is_failing_welcome, per_user_count)
    if row is None:
        return None
    claimed = msgspec.convert({**row, "id": str(row["id"])}, Claim)
    row = await pool.fetchrow(TAKE, claimed.id)
    if row is None:  # another worker has been faster between our two looks
        await pool.execute(RELEASE, claimed.id, claimed.epoch)
        return None
    return claimed, msgspec.convert({**row, "id": str(row["id"])}, Message)


async def settle(pool: Pool, claimed: Claim, *, message: Message, result: Attempted) -> bool:
    """Store a result and let others deliver; False, and no change, where the webhook is not ours any more."""
    is_delivered = result.state is DeliveryState.DELIVERED
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(
            FENCE, claimed.id, claimed.epoch, is_delivered, result.disabled_reason
        ):
            return False
        await connection.execute(
            SETTLE,
            message.id,
            result.state,
            result.status,
            result.error,
            result.duration_ms,
            result.delay_s,
        )
        return True


async def tell_expiring(pool: Pool) -> None:
    """Store the events of sign-ins that end soon; any worker may, as often as it likes."""
    await pool.execute(TELL_EXPIRING)


async def prune(pool: Pool, *, older_than_days: int, limit: int) -> None:
    """Forget some of the deliveries that are older."""
    await pool.execute(PRUNE, older_than_days, limit)

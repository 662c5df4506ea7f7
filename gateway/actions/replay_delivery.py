"""Show what a webhook was told, tell it again, and try it."""

from gateway.actions.accounts import parse_id
from gateway.actions.keep_webhooks import KeepWebhooks
from shared.db import webhook_deliveries
from shared.db.pool import Pool
from shared.db.webhook_deliveries import Delivery
from shared.deliveries import DeliveryState
from shared.errors import NotFound, StateConflict
from shared.models import DeliveryId, UserId


class ReplayDelivery:
    """Every method raises NotFound for a foreign webhook as for none."""

    def __init__(self, *, pool: Pool, keep: KeepWebhooks) -> None:
        self._pool = pool
        self._keep = keep

    async def page(
        self,
        user_id: UserId,
        webhook_id: str,
        *,
        state: DeliveryState | None,
        before: int | None,
        limit: int,
    ) -> list[Delivery]:
        """Return deliveries, newest first."""
        webhook = await self._keep.get(user_id, webhook_id)
        return await webhook_deliveries.page(
            self._pool, webhook.id, user_id=user_id, state=state, before=before, limit=limit
        )

    async def replay(self, user_id: UserId, webhook_id: str, delivery_id: str) -> Delivery:
        """Have a delivery made again at once. Raises StateConflict where the webhook is disabled."""
        webhook = await self._keep.get(user_id, webhook_id)
        parsed = parse_id(delivery_id)
        known = parsed and await webhook_deliveries.get(
            self._pool, DeliveryId(parsed), webhook_id=webhook.id, user_id=user_id
        )
        if not known:
            raise NotFound("This webhook has no delivery of this id; they are kept for 30 days.")
        replayed = await webhook_deliveries.replay(
            self._pool, known.id, webhook_id=webhook.id, user_id=user_id
        )
        return _enabled(replayed)

    async def test(self, user_id: UserId, webhook_id: str) -> Delivery:
        """Send a test; one that still waits is not doubled. Raises as `replay` does."""
        webhook = await self._keep.get(user_id, webhook_id)
        return _enabled(await webhook_deliveries.test(self._pool, webhook.id, user_id=user_id))


def _enabled(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise StateConflict("The webhook is disabled: enable it first, with a PATCH of `enabled` to true.")
    return delivery

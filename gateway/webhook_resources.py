"""Rows of webhooks and deliveries become response bodies."""

from typing import Any

from gateway.webhook_schemas import DeliveryResource, WebhookLinks, WebhookResource, WebhookWithSecret
from shared.db.webhook_deliveries import Delivery
from shared.db.webhooks import Webhook
from shared.deliveries import DisabledReason
from shared.secret import Secret


def webhook(row: Webhook) -> WebhookResource:
    return WebhookResource(**_fields(row))


def with_secret(row: Webhook, *, secret: Secret) -> WebhookWithSecret:
    return WebhookWithSecret(**_fields(row), secret=secret.reveal())


def delivery(row: Delivery) -> DeliveryResource:
    return DeliveryResource(
        id=row.id,
        type=row.type,
        subject=row.subject_id,
        state=row.state,
        attempts=row.attempt_count,
        status=row.last_status,
        error=row.last_error,
        duration_ms=row.last_duration_ms,
        created_at=row.created_at,
        tried_at=row.last_tried_at,
        next_try_at=row.next_try_at,
    )


def _fields(row: Webhook) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "events": row.events,
        "enabled": row.is_enabled,
        "disabled_reason": DisabledReason(row.disabled_reason) if row.disabled_reason else None,
        "failing_since": row.failing_since,
        "old_secret_until": row.old_secret_until,
        "created_at": row.created_at,
        "links": WebhookLinks(self=f"/webhooks/{row.id}", deliveries=f"/webhooks/{row.id}/deliveries"),
    }

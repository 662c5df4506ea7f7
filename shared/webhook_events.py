"""What a webhook can be told, and what it is told unless its user says otherwise."""

from enum import StrEnum


class WebhookEvent(StrEnum):
    """The type of an event, as it stands in a payload."""

    TRANSFER_QUEUED = "transfer.queued"
    TRANSFER_STARTED = "transfer.started"
    TRANSFER_PROGRESS = "transfer.progress"
    TRANSFER_PAUSED = "transfer.paused"
    TRANSFER_RESUMED = "transfer.resumed"
    TRANSFER_NEEDS_REVIEW = "transfer.needs_review"
    TRANSFER_COMPLETED = "transfer.completed"
    TRANSFER_FAILED = "transfer.failed"
    TRANSFER_CANCELLED = "transfer.cancelled"
    CONNECTION_CONNECTED = "connection.connected"
    CONNECTION_EXPIRING = "connection.expiring"
    CONNECTION_RECONNECT_REQUIRED = "connection.reconnect_required"
    CONNECTION_DISCONNECTED = "connection.disconnected"
    WEBHOOK_TEST = "webhook.test"

    @property
    def subject(self) -> str:
        """What it is about: transfer, connection or webhook."""
        return self.value.partition(".")[0]


SUBSCRIBABLE = tuple(event for event in WebhookEvent if event is not WebhookEvent.WEBHOOK_TEST)
"""A test is sent when it is asked for, whatever a webhook is subscribed to."""

DEFAULT_EVENTS = tuple(event for event in SUBSCRIBABLE if event is not WebhookEvent.TRANSFER_PROGRESS)
"""All but progress, which a few people want and which is many times as much."""

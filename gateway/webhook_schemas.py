"""Request and response bodies of webhooks and their deliveries."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from gateway.schemas import Cursor, Limit
from shared.deliveries import DeliveryError, DeliveryState, DisabledReason
from shared.webhook_events import SUBSCRIBABLE, WebhookEvent

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Description = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")]

Subscription = StrEnum("Subscription", {event.name: event.value for event in SUBSCRIBABLE})  # type: ignore[misc]  # its members are those of another one
"""What a webhook can subscribe to."""

Subscriptions = Annotated[tuple[Subscription, ...], msgspec.Meta(min_length=1, max_length=len(SUBSCRIBABLE))]


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to tell what. events: without it all but `transfer.progress`."""

    url: Url
    events: Subscriptions | None = None
    description: Description = ""

    def __repr__(self) -> str:
        return "WebhookRequest(…)"


class WebhookChangeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be another; what is left out stays. enabled: true forgives what has failed before."""

    url: Url | None = None
    events: Subscriptions | None = None
    description: Description | None = None
    enabled: bool | None = None

    def __repr__(self) -> str:
        return "WebhookChangeRequest(…)"


class WebhooksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: DeliveryState | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class WebhookLinks(msgspec.Struct, frozen=True, kw_only=True):
    self: str
    deliveries: str


class WebhookResource(msgspec.Struct, frozen=True, kw_only=True):
    """Where its user is told of events.

    disabled_reason: why Crossplay has disabled it: it answered 410, or has taken nothing for days.
    failing_since: since when every attempt has failed. old_secret_until: how long the last secret signs, too.
    """

    id: str
    url: str
    description: str
    events: tuple[WebhookEvent, ...]
    enabled: bool
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    old_secret_until: datetime | None
    created_at: datetime
    links: WebhookLinks


class WebhookWithSecret(WebhookResource, frozen=True, kw_only=True):
    """A webhook with its secret, which is shown this once."""

    secret: str

    def __repr__(self) -> str:
        return f"WebhookWithSecret(id={self.id!r}, …)"


class WebhookPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[WebhookResource, ...]
    next_cursor: str | None


class DeliveryResource(msgspec.Struct, frozen=True, kw_only=True):
    """An event for one webhook, under the id that stands in the header `webhook-id`.

    subject: id of the transfer or connection. next_try_at: null once it is not pending any more.
    status, error, duration_ms: of the last attempt; status is null where no answer came.
    """

    id: str
    type: WebhookEvent
    subject: str | None
    state: DeliveryState
    attempts: int
    status: int | None
    error: DeliveryError | None
    duration_ms: int | None
    created_at: datetime
    tried_at: datetime | None
    next_try_at: datetime | None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[DeliveryResource, ...]
    next_cursor: str | None

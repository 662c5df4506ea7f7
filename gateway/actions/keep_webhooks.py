"""Keep a user's webhooks: make, change and remove them, with a secret that is shown once."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from loguru import logger

from gateway.actions.accounts import parse_id
from gateway.actions.refusals import TooManyWebhooks
from shared import webhook_secrets
from shared.address_guard import AddressGuard, UrlRefused
from shared.cipher import Cipher
from shared.db import webhooks
from shared.db.pool import Pool
from shared.db.webhooks import NewWebhook, Webhook, WebhookChange
from shared.errors import FieldFault, NotFound, ValidationFailed
from shared.models import UserId, WebhookId
from shared.secret import Secret
from shared.webhook_events import DEFAULT_EVENTS, WebhookEvent

LIMIT = 10
"""So many webhooks a user may have: each costs a row and a request for each event."""

OVERLAP_S = 24 * 3600.0


class KeepWebhooks:
    """Every method that names a webhook raises NotFound, for a foreign one as for none."""

    def __init__(self, *, pool: Pool, cipher: Cipher, guard: AddressGuard) -> None:
        self._pool = pool
        self._cipher = cipher
        self._guard = guard

    async def add(
        self, user_id: UserId, *, url: str, events: Sequence[WebhookEvent] | None, description: str
    ) -> tuple[Webhook, Secret]:
        """Make a webhook; return it and its secret. Raises ValidationFailed, TooManyWebhooks."""
        self._check(url)
        webhook_id = WebhookId(str(uuid.uuid4()))
        secret = webhook_secrets.new_secret()
        new = NewWebhook(
            id=webhook_id,
            user_id=user_id,
            url=url,
            description=description,
            events=_once(events or DEFAULT_EVENTS),
            sealed_secret=webhook_secrets.seal(self._cipher, secret, webhook_id=webhook_id),
        )
        made = await webhooks.insert(self._pool, new, limit=LIMIT)
        if made is None:
            raise TooManyWebhooks(
                f"You have {LIMIT} webhooks, and nobody may have more: remove one first.", limit=LIMIT
            )
        logger.bind(user_id=user_id, webhook_id=made.id).info("Webhook added")
        return made, secret

    async def get(self, user_id: UserId, webhook_id: str) -> Webhook:
        parsed = parse_id(webhook_id)
        return found(parsed and await webhooks.get(self._pool, WebhookId(parsed), user_id=user_id))

    async def page(
        self, user_id: UserId, *, before: tuple[datetime, WebhookId] | None, limit: int
    ) -> list[Webhook]:
        """Return the user's webhooks, newest first."""
        return await webhooks.page(self._pool, user_id, before=before, limit=limit)

    async def change(self, user_id: UserId, webhook_id: str, wish: WebhookChange) -> Webhook:
        """Raises ValidationFailed."""
        known = await self.get(user_id, webhook_id)
        if wish.url is not None:
            self._check(wish.url)
        changed = found(await webhooks.change(self._pool, known.id, user_id=user_id, wish=wish))
        logger.bind(user_id=user_id, webhook_id=changed.id).info("Webhook changed")
        return changed

    async def rotate(self, user_id: UserId, webhook_id: str) -> tuple[Webhook, Secret]:
        """Give it another secret; for OVERLAP_S the one before signs beside it."""
        known = await self.get(user_id, webhook_id)
        secret = webhook_secrets.new_secret()
        sealed = webhook_secrets.seal(self._cipher, secret, webhook_id=known.id)
        changed = await webhooks.rotate(
            self._pool, known.id, user_id=user_id, sealed_secret=sealed, overlap_s=OVERLAP_S
        )
        logger.bind(user_id=user_id, webhook_id=known.id).info("Webhook secret rotated")
        return found(changed), secret

    async def remove(self, user_id: UserId, webhook_id: str) -> None:
        known = await self.get(user_id, webhook_id)
        await webhooks.remove(self._pool, known.id, user_id=user_id)
        logger.bind(user_id=user_id, webhook_id=known.id).info("Webhook removed")

    def _check(self, url: str) -> None:
        try:
            self._guard.check_url(url)
        except UrlRefused as error:
            fault = FieldFault("/url", str(error))
            raise ValidationFailed("Nothing can be delivered to this address.", faults=(fault,)) from error


def found(webhook: Webhook | str | None) -> Webhook:
    """Raises NotFound where there is none."""
    if not isinstance(webhook, Webhook):
        raise NotFound("You have no webhook of this id.")
    return webhook


def _once(events: Sequence[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    return tuple(dict.fromkeys(events))

"""How a delivery to a webhook stands, and what an attempt of it made of that."""

from enum import StrEnum

import msgspec


class DeliveryState(StrEnum):
    """Whether it still has to arrive. `failed` ones are tried no more, unless they are replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryError(StrEnum):
    """Why an attempt did not deliver."""

    STATUS = "status"  # it answered something else than 2xx
    TIMEOUT = "timeout"
    NAME_UNKNOWN = "name_unknown"
    ADDRESS_REFUSED = "address_refused"  # it leads to where users may not send us
    TLS_FAILED = "tls_failed"
    CONNECTION_FAILED = "connection_failed"
    UNSIGNED = "unsigned"  # the server's keys do not open the secret, or the facts cannot be read


class DisabledReason(StrEnum):
    """Why Crossplay itself disables a webhook: it said so (410), or has taken nothing for days."""

    GONE = "gone"
    FAILING = "failing"


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an attempt, and of its delivery with that.

    status is None where no answer came. delay_s: until the next attempt, for a pending one.
    """

    state: DeliveryState
    status: int | None
    error: DeliveryError | None
    duration_ms: int
    delay_s: float | None = None
    disabled_reason: DisabledReason | None = None

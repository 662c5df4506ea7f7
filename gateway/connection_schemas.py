"""Query and response bodies about connected accounts."""

import msgspec

from gateway.actions.keep_connections import Health
from gateway.schemas import ConnectionResource
from shared.db.connections import ConnectionState


class ConnectionsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """state: only those; without it all but the disconnected ones."""

    platform: str | None = None
    state: ConnectionState | None = None


class ConnectionTestResource(msgspec.Struct, frozen=True, kw_only=True):
    """health: ok, reconnect_required, or unavailable, which signing in again does not cure; text says why."""

    health: Health
    text: str
    connection: ConnectionResource


class DisconnectedResource(msgspec.Struct, frozen=True, kw_only=True):
    """revoked: whether the platform has taken back its permission, too; revoke_url: where its user does."""

    revoked: bool
    revoke_url: str
    text: str
    connection: ConnectionResource

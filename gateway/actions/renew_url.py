"""Where a connection is renewed: the same one, so that what waits for it goes on."""

from shared.models import ConnectionId, Platform


def renew_url(platform: Platform, connection_id: ConnectionId) -> str:
    return f"/connect/{platform}?connection={connection_id}"

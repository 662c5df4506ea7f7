"""Names and attributes of spans, by OpenTelemetry's conventions where there are any."""

from shared.db.transfers import Transfer
from shared.models import Platform
from shared.streams import GROUP, key

TRANSFER_ID = "crossplay.transfer_id"
USER_ID = "crossplay.user_id"


def messaging(
    platform: Platform, *, operation: str, kind: str, message_id: str = "", client_id: str = ""
) -> dict[str, str | int]:
    """Describe one operation on a platform's stream. kind: send or process.

    The conventions for messaging (1.44) are not stable yet, and have no name for Redis.
    """
    known = {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": key(platform, "jobs"),
        "messaging.message.id": message_id,
        "messaging.client.id": client_id,
        "messaging.consumer.group.name": "" if kind == "send" else GROUP,
        "crossplay.platform": platform,
    }
    return {name: value for name, value in known.items() if value}


def of_transfer(transfer: Transfer) -> dict[str, str]:
    """Describe a transfer by ids alone: names of playlists are nobody's business but their owner's."""
    known = {
        TRANSFER_ID: transfer.id,
        USER_ID: transfer.user_id,
        "crossplay.source.platform": transfer.source_platform,
        "crossplay.source.playlist_id": transfer.source_playlist_id,
        "crossplay.target.platform": transfer.target_platform,
        "crossplay.target.playlist_id": transfer.target_playlist_id,
        "crossplay.undoes": transfer.undoes,
    }
    return {name: value for name, value in known.items() if value}

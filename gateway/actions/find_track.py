"""Find the track that a request names in the catalog of a connection: by id, URI or share link."""

from gateway.actions.accounts import Accounts, PlatformsPort
from shared.db.connections import Connection
from shared.errors import FieldFault, ValidationFailed
from shared.models import Track


class FindTrack:
    """Looks tracks up in the name of a connection."""

    def __init__(self, *, accounts: Accounts, platforms: PlatformsPort) -> None:
        self._accounts = accounts
        self._platforms = platforms

    async def __call__(self, connection: Connection, text: str, *, pointer: str) -> Track:
        """Return the track. pointer: where in the request it is named.

        Raises ValidationFailed where there is none, and what the platform's calls raise.
        """
        label = self._platforms.label(connection.platform)
        async with self._accounts.speak_for(connection) as adapter:
            track_id = adapter.track_id_of(text)
            if track_id is None:
                cure = f"Give the id of a track of {label}, its URI or its share link."
                raise _refused(f"This names no {label} track.", pointer=pointer, cure=cure)
            found = (await adapter.read_tracks([track_id])).get(track_id)
        if found is None:
            cure = "Check it for typing mistakes, and that the track can be played with this account."
            raise _refused(
                f"{label} shows no track of this id to {connection.label}.", pointer=pointer, cure=cure
            )
        return found


def _refused(message: str, *, pointer: str, cure: str) -> ValidationFailed:
    return ValidationFailed(message, faults=(FieldFault(pointer, cure),))

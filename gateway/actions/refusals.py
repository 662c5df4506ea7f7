"""What only the gateway refuses, with the facts that a client can act on."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.actions.renew_url import renew_url
from shared.errors import ConnectionMissing, ReconnectRequired, RequestError, ValidationFailed
from shared.models import ConnectionId, Platform, PlaylistId


class BodyMalformed(ValidationFailed):
    """The body is no JSON at all, or did not arrive whole."""


class BodyTooSlow(RequestError):
    """The rest of the body did not arrive in time."""

    code = "request-timeout"


class UnsupportedMediaType(RequestError):
    """The body is not of a type that is read here."""

    code = "unsupported-media-type"


class ConnectFirst(ConnectionMissing):
    """The user has no such connection. extras: where one is made."""

    def __init__(self, message: str, *, platform: Platform | None) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {"connect_url": f"/connect/{platform or '{platform}'}"}


class ConnectAgain(ReconnectRequired):
    """A connection exists, but its platform no longer accepts it. extras: which, and where to renew it."""

    def __init__(self, message: str, *, platform: Platform, connection_id: ConnectionId) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {
            "platform": platform,
            "connection": connection_id,
            "action_url": renew_url(platform, connection_id),
        }


class RedirectUriImpossible(RequestError):
    """Platforms refuse the address that this server would have to name. extras: the ways out."""

    code = "redirect-uri-impossible"

    def __init__(self, message: str, *, redirect_uri: str, ways: Sequence[str]) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {"redirect_uri": redirect_uri, "routes": tuple(ways)}


class UndoNotSupported(RequestError):
    """The target platform lets nobody remove tracks. extras: the playlist that has to be changed by hand."""

    code = "undo-not-supported"

    def __init__(self, message: str, *, playlist_id: PlaylistId | None, url: str | None) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {"playlist": playlist_id, "url": url}


class NotAcceptable(RequestError):
    """What was asked for is there, but in none of the forms that the client takes."""

    code = "not-acceptable"


class TooManyStreams(RequestError):
    """No more event streams can be open at once. extras: how many can."""

    code = "too-many-streams"
    retry_after_s = 5.0

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {"limit": limit}


class TooManyWebhooks(RequestError):
    """The user has as many webhooks as anybody may have. extras: how many that is."""

    code = "too-many-webhooks"

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.extras: Mapping[str, Any] = {"limit": limit}


class TooManyRequests(RequestError):
    """An API key, or an address that sends wrong ones, has used up its requests for the moment."""

    code = "too-many-requests"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

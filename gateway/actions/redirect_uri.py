"""The address to which platforms send the browser back, or why there can be none."""

from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from gateway.actions.refusals import RedirectUriImpossible
from shared.models import Platform

_WAYS = (
    "Serve the gateway under an https address and set CROSSPLAY_PUBLIC_URL to it.",
    "Or set it to http://127.0.0.1:8080 and use a tunnel: `ssh -L 8080:127.0.0.1:8080 <server>`.",
)


class PublicAddress:
    """Under which address users reach the gateway; known for sure once its socket is bound."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")


def redirect_uri(public_url: str, *, platform: Platform) -> str:
    """Return a platform's own callback address. Raises RedirectUriImpossible.

    Platforms take https, or plain http to a loopback address written as a number: `localhost` is refused
    (developer.spotify.com/documentation/web-api/concepts/redirect_uri, read 2026-11-22).
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if host == "localhost":
        port = f":{parts.port}" if parts.port else ""
        parts = parts._replace(netloc=f"127.0.0.1{port}")
        host = "127.0.0.1"
    uri = urlunsplit(parts).rstrip("/") + f"/connect/{platform}/callback"
    if parts.scheme != "https" and not _is_loopback(host):
        raise RedirectUriImpossible(
            f"Platforms send nobody back to {uri}: plain http is allowed to 127.0.0.1 alone.",
            redirect_uri=uri,
            ways=_WAYS,
        )
    return uri


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

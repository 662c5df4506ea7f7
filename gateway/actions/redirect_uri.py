"""The addresses to which platforms send the browser back, and under which it can open our pages."""

from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from gateway.actions.refusals import RedirectUriImpossible
from shared.models import Platform

_HAND_IN_PORT = 8080  # where a gateway listens as long as nobody wants it elsewhere
_WAYS = (
    "Serve the gateway under an https address and set CROSSPLAY_PUBLIC_URL to it.",
    "Or set it to http://127.0.0.1:8080 and use a tunnel: `ssh -L 8080:127.0.0.1:8080 <server>`.",
)


class PublicAddress:
    """Under which address users reach the gateway; known for sure once its socket is bound."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")


def page_base(public_url: str) -> str:
    """Return the address of our pages: `localhost` is written as a number, as platforms want it.

    A browser has different cookies for the two, so that one name has to be used from the first page on.
    """
    parts = urlsplit(public_url)
    if parts.hostname == "localhost":
        port = f":{parts.port}" if parts.port else ""
        parts = parts._replace(netloc=f"127.0.0.1{port}")
    return urlunsplit(parts).rstrip("/")


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, as browsers name an origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_trusted_origin(public_url: str) -> bool:
    """Whether platforms and browsers trust what runs there: https, or plain http to a loopback address.

    `localhost` is refused by platforms (developer.spotify.com/documentation/web-api/concepts/redirect_uri,
    read 2026-11-22).
    """
    parts = urlsplit(public_url)
    return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def redirect_uri(public_url: str, *, platform: Platform) -> str:
    """Return a platform's own callback address at this gateway."""
    return f"{page_base(public_url)}/connect/{platform}/callback"


def hand_in_uri(public_url: str, *, platform: Platform) -> str:
    """Return the callback address on the user's own machine, for those who bring the answer themselves.

    Its port is the gateway's, so that one registered address may serve both ways.
    """
    parts = urlsplit(public_url)
    port = (parts.scheme == "http" and parts.port) or _HAND_IN_PORT
    return f"http://127.0.0.1:{port}/connect/{platform}/callback"


def require_trusted_origin(public_url: str, *, label: str) -> None:
    """Raise RedirectUriImpossible where a page of ours could not run a platform's own sign-in script."""
    if not is_trusted_origin(page_base(public_url)):
        raise RedirectUriImpossible(
            f"{label} signs nobody in on pages of {page_base(public_url)}: plain http is trusted on "
            "127.0.0.1 alone.",
            redirect_uri=page_base(public_url),
            ways=_WAYS,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

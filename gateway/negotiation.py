"""Which of the forms that we have a client likes best: its Accept header, read as RFC 9110 says. Pure."""

import re
from collections.abc import Sequence

from gateway.actions.refusals import NotAcceptable

_PART = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(?:;(.*))?", re.ASCII)
_QUALITY = re.compile(r"(?:^|;)\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)
_LONGEST = 1000


def preferred(accept: str, *, offers: Sequence[str]) -> str:
    """Return the media type that an Accept header likes best; of equals the one that is offered first.

    Raises NotAcceptable where it takes none of them.
    """
    if not accept.strip():
        return offers[0]
    wishes = _wishes(accept[:_LONGEST])
    best = max(offers, key=lambda offer: _quality(offer, wishes))  # the first of equals
    if _quality(best, wishes) <= 0:
        raise NotAcceptable(f"It is there as {', '.join(offers)}: name one of these in `Accept`.")
    return best


def _wishes(accept: str) -> dict[str, float]:
    """Return the quality by media range."""
    wishes: dict[str, float] = {}
    for part in accept.split(","):
        found = _PART.fullmatch(part)
        if found:
            quality = _QUALITY.search(found[3] or "")
            media_range = f"{found[1]}/{found[2]}".lower()
            wishes[media_range] = max(wishes.get(media_range, 0.0), float(quality[1]) if quality else 1.0)
    return wishes


def _quality(offer: str, wishes: dict[str, float]) -> float:
    """Return what the most specific range that fits says."""
    family = offer.partition("/")[0]
    return next((wishes[one] for one in (offer, f"{family}/*", "*/*") if one in wishes), 0.0)

"""Values as several platforms write them, into ours: pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from shared.models import Isrc, NotTransferable, SourceItem, Track
from shared.platforms.base import TextQuery

_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
T = TypeVar("T")
_DURATION = re.compile(r"P(?:([0-9]+)D)?T?(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?")
_SECONDS = (86400, 3600, 60, 1)


def parse_duration(text: str | None) -> int | None:
    """Read an ISO 8601 duration such as PT3M5S in milliseconds; None for nothing and for what is none."""
    match = _DURATION.fullmatch(text or "")
    if match is None:
        return None
    seconds = sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)
    return round(seconds * 1000) or None


def by_isrc(tracks: Iterable[Track], *, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
    """Sort tracks by the ISRCs that were asked for; each of those is a key, () where nothing has it."""
    found: dict[Isrc, list[Track]] = {isrc: [] for isrc in isrcs}
    for track in tracks:
        if track.isrc in found:
            found[track.isrc].append(track)
    return {isrc: tuple(named) for isrc, named in found.items()}


def line_of(artists: Sequence[str], title: str) -> str:
    """Name a row of a playlist for people."""
    return " – ".join(filter(None, (", ".join(artists), title)))


def date_of(text: str | None) -> str | None:
    """Return a release date; "0000", with or without a day, stands where nobody entered one."""
    return None if not text or text.startswith("0000") else text


def moment_of(text: str) -> datetime:
    """Read a moment, in UTC where it names no zone; what is none comes before all others."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def playable(tracks: Iterable[Track]) -> tuple[Track, ...]:
    """Return the tracks that can be played in the market that was asked for, in the given order."""
    return tuple(track for track in tracks if track.is_playable is not False)


def item_of(track: Track | None, *, title: str) -> SourceItem:
    """Return what stands at a position; None is what its platform no longer has."""
    if track is None:
        return SourceItem(not_transferable=NotTransferable.REMOVED, title=title)
    return SourceItem(track=track, title=title)


def id_in(
    text: str, *, sites: Iterable[str], kinds: Iterable[str], form: re.Pattern[str], ends: bool = True
) -> str:
    """Return the id that a text is, or that an address of a site names behind a kind; "" of anything else.

    sites: hosts, whose subdomains count too. form: of an id. ends: nothing may follow the id in the address.
    """
    text = text.strip()
    if "/" not in text:
        return text if form.fullmatch(text) else ""
    host, path = split_address(text)
    if not host or not f".{host}".endswith(tuple(f".{site}" for site in sites)):
        return ""
    # Before the kind there may be a language or a user.
    pairs = pairwise(path[-2:] if ends else path)
    return next((part for kind, part in pairs if kind in kinds and form.fullmatch(part)), "")


def bare(text: str) -> str:
    """Take the characters of a fielded search out of a text, and what is long about it.

    More than about 250 characters in all are refused by Spotify.
    """
    return " ".join(text.replace('"', " ").replace(":", " ").split())[:100]


def fielded(query: TextQuery, *, form: str) -> str:
    """Return the words of a search with {title} and {artist} in their fields where both are known."""
    if query.title and query.artist:
        return form.format(title=bare(query.title), artist=bare(query.artist))
    return bare(query.plain)


def parse_isrc(text: str | None) -> Isrc | None:
    """Normalize an ISRC as platforms write it (lower case, hyphens); None if it is none."""
    letters = "".join(filter(str.isalnum, text or "")).upper()
    return Isrc(letters) if _ISRC.fullmatch(letters) else None


def in_batches(values: Sequence[T], *, size: int) -> Iterator[Sequence[T]]:
    """Iterate over consecutive parts of that size; the last one may be shorter."""
    return (values[first : first + size] for first in range(0, len(values), size))


def split_address(text: str) -> tuple[str, tuple[str, ...]]:
    """Return host and path parts of an address, its scheme may be missing; ("", ()) of anything else."""
    try:
        address = urlsplit(text if "//" in text else f"//{text}")
        return address.hostname or "", tuple(filter(None, address.path.split("/")))
    except ValueError:
        return "", ()


def parameter_of(address: str, name: str) -> str:
    """Return what a parameter of an address says, its scheme may be missing; "" where it has none."""
    return parse_qs(urlsplit(address if "//" in address else f"//{address}").query).get(name, [""])[0]


def is_link(text: str) -> bool:
    """Say whether a text is a web address, which is never a name."""
    return text.strip().startswith(("http://", "https://"))

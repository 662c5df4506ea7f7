"""Values as several platforms write them, into ours: pure."""

import re
from collections.abc import Iterable, Sequence

from shared.models import Isrc, Track

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

"""Which texts to search for when no ISRC finds a track: values only, adapters give them their syntax."""

import msgspec

from shared.models import Track
from worker.matching.normalize import artist_names, romanize
from worker.matching.titles import read_title


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One text search.

    title and artist are set for a fielded search; a platform that has none passes such a query over. loose:
    the text is romanised or cut down, so that what it finds can never rate above `best_effort`.
    """

    plain: str
    title: str | None = None
    artist: str | None = None
    loose: bool = False


def main_artist(source: Track) -> str:
    """Return the first artist as written; empty where the track names none."""
    # A list names each artist by itself; one entry may be the display string of several.
    if len(source.artists) == 1:
        return next(iter(artist_names(source.artists)), "")
    return source.artists[0].strip() if source.artists else ""


def text_queries(source: Track) -> tuple[Query, ...]:
    """Plan the text searches for a track, the most precise first; empty where it has no title.

    Ask the next one only where the one before brought no match. At most four, none said twice.
    """
    title = read_title(source.title)
    if not title.written:
        return ()
    credit = source.artists[0].strip() if source.artists else ""
    main = main_artist(source)
    searched = " ".join((title.written, *title.version_words)).strip()
    fielded = [Query(plain=_line(searched, main), title=searched, artist=main)] if main else []
    lines = dict.fromkeys(
        (_line(searched, credit), _line(romanize(title.written), romanize(main)), title.written)
    )
    plain = [Query(plain=line, loose=place > 0) for place, line in enumerate(lines)]
    return (*fielded, *plain)


def _line(title: str, artist: str) -> str:
    return f"{title} {artist}".strip()

"""Two titles read side by side, as they stand or one as a display string; and a glance that ends it early."""

import re

import msgspec
from rapidfuzz import fuzz

from shared.models import Track
from worker.matching.display import read_display
from worker.matching.likeness import artist_likeness, title_likeness
from worker.matching.normalize import Artists, fold
from worker.matching.titles import Title, read_album, read_title

UNLIKE = 0.5
_STRANGE = 0.45
_NAMED = 80.0  # of a name or a title that may stand in a longer text
_SHOWN_BY = re.compile(r" [-–—|:] |[:_|「『\"“]|//")  # what parts artist and title in a display string
_END_OF_CORE = re.compile(r"[(\[]| [-–—|] | feat\.? | ft\.? ", re.IGNORECASE)


class Titles(msgspec.Struct, frozen=True):
    """Two titles as they were understood.

    names_artist: an artist that one track lacks stands in its title. strange: what else it says.
    """

    wanted: Title
    found: Title
    likeness: float
    names_artist: bool = False
    strange: tuple[str, ...] = ()


def glance(wanted: str, found: str) -> float:
    """Compare two titles without taking them apart, never lower than they are alike; 0..1."""
    whole, other = fold(wanted), fold(found)
    if not whole or not other:
        return 0.0  # a blank title is like none, not like another blank one
    if not (whole.isascii() and other.isascii()):
        return 1.0
    shared = fuzz.token_set_ratio(whole, other) / 100
    if shared >= UNLIKE:
        return shared
    core, other_core = fold(_outside(wanted)), fold(_outside(found))
    if core != whole:
        shared = max(shared, fuzz.token_set_ratio(core, other) / 100)
    if other_core != other:
        shared = max(shared, fuzz.token_set_ratio(whole, other_core) / 100)
    return 1.0 if shared < UNLIKE and fuzz.partial_ratio(core, other_core) >= 75 else shared


def likeness_of_strangers(
    source: Track, candidate: Track, *, players: Artists | None, others: Artists | None
) -> float | None:
    """Return how like two credits are that have nobody in common, not in a title either; else None."""
    artist = artist_likeness(players, others, guests=((), ()))
    if artist is None or artist >= _STRANGE or players is None or others is None:
        return None
    shown, told = fold(candidate.title), fold(source.title)
    if any(fuzz.partial_ratio(name, shown) >= _NAMED for name in players.names):
        return None
    return None if any(fuzz.partial_ratio(name, told) >= _NAMED for name in others.names) else artist


def _outside(title: str) -> str:
    """Return what stands before brackets, dash and guests."""
    return _END_OF_CORE.split(title, maxsplit=1)[0].strip() or title


def read_titles(
    source: Track, candidate: Track, *, players: Artists | None, others: Artists | None
) -> Titles:
    """Read both titles as they stand, or one as a display string, whichever makes them more alike."""
    wanted, found = read_title(source.title), read_title(candidate.title)
    plain = Titles(wanted, found, title_likeness(wanted, found))
    is_told = players is not None and others is not None
    if plain.likeness == 1.0 and (is_told or source.title == candidate.title):
        return plain
    agree = artist_likeness(players, others, guests=(wanted.guests, found.guests))
    do_agree = agree is not None and agree >= 0.6
    if do_agree and plain.likeness >= 0.93:
        return plain
    readings = [plain]
    mine, theirs = (artists.names if artists else () for artists in (players, others))
    if mine and (not do_agree or _SHOWN_BY.search(candidate.title)):
        readings += _read_display(source, candidate, names=(*mine, *theirs) if do_agree else mine)
    if theirs and (not do_agree or _SHOWN_BY.search(source.title)):
        readings += _read_display(candidate, source, names=(*theirs, *mine) if do_agree else theirs)
    return max(readings, key=lambda either: (either.likeness, either.names_artist))


def _read_display(told: Track, shown: Track, *, names: tuple[str, ...]) -> list[Titles]:
    """Read the title of one track with the other at hand."""
    title, folded = read_title(told.title), fold(shown.title)
    if shown.artists and not any(fuzz.partial_ratio(name, folded) >= _NAMED for name in names):
        return []  # nobody vouches for what another one shows
    core = fold(_outside(told.title)).replace(" ", "")
    if fuzz.partial_ratio(core, folded.replace(" ", "")) < _NAMED:
        return []
    album = read_album(told.album).words if told.album else ""
    display = read_display(
        shown.title, title=title, names=names, album=album, is_credited=bool(shown.artists)
    )
    if display is None:
        return []
    read = read_title(display.title)
    return [Titles(title, read, title_likeness(title, read), display.has_artist, display.strange)]

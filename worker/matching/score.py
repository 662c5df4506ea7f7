"""How near a candidate is to a source track, field by field, with what speaks against it."""

import re

import msgspec
from rapidfuzz import fuzz

from shared.models import Track
from worker.matching.conflicts import Closeness, Difference, Findings, Side, find_conflicts
from worker.matching.display import read_display
from worker.matching.likeness import are_foreign, artist_likeness, is_contained, title_likeness
from worker.matching.normalize import Artists, fold, read_artists
from worker.matching.titles import Album, Title, read_album, read_title

_FAR_MS = 16_000
_UNLIKE = 0.5
_STRANGE = 0.45
_NAMED = 80.0  # of a name or a title that may stand in a longer text
_SAME_LENGTH_MS = 1_000
_SHOWN_BY = re.compile(r" [-–—|:] |[:_|「『\"“]|//")  # what parts artist and title in a display string
_END_OF_CORE = re.compile(r"[(\[]| [-–—|] | feat\.? | ft\.? ", re.IGNORECASE)
_SHOWN = 0.75  # of an artist whom only the title names: a channel may show others' videos, or play them


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence of one comparison. Fields are 0..1, higher is nearer, None where one side is unknown.

    total: of all fields. apart_ms: difference of the durations, None where one is unknown; apart_share: as a
    share of the longer one, 0 where unknown. own_album: both stand on one album that is not merely named like
    the track. same_file: the durations are equal to the millisecond, and no whole seconds. is_contained: one
    title holds the other, or stands in another script at the same place. is_identical: both are described in
    the same words. conflicts: what makes the two different recordings; difference: how different. doubts:
    what only one side says, so that the rest must make it good. notes: differences that decide nothing. All
    three in words for people.
    """

    total: float
    title: float
    artist: float | None = None
    duration: float | None = None
    album: float | None = None
    isrc: float | None = None
    apart_ms: int | None = None
    apart_share: float = 0.0
    own_album: bool = False
    same_file: bool = False
    is_contained: bool = False
    is_identical: bool = False
    conflicts: tuple[str, ...] = ()
    difference: Difference = Difference.NONE
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_differences(self) -> bool:
        """Say whether one side says something that the other does not."""
        return bool(self.conflicts or self.doubts or self.notes)


class _Titles(msgspec.Struct, frozen=True):
    """Two titles as they were understood.

    names_artist: an artist that one track lacks stands in its title. strange: what else it says.
    """

    wanted: Title
    found: Title
    likeness: float
    names_artist: bool = False
    strange: tuple[str, ...] = ()


class _Albums(msgspec.Struct, frozen=True):
    """Two albums, and how like they are; an album with live takes is not the one without."""

    wanted: Album | None
    found: Album | None
    likeness: float | None = None

    @property
    def is_same(self) -> bool:
        return self.likeness is not None and self.likeness >= 0.9

    @property
    def wanted_name(self) -> str:
        return self.wanted.name if self.wanted else ""


def score(source: Track, candidate: Track) -> Score:
    """Compare a source track with a candidate; never raises, whatever the texts are."""
    isrc = float(source.isrc == candidate.isrc) if source.isrc and candidate.isrc else None
    apart_ms = _apart_ms(source, candidate)
    glance = _glance(source.title, candidate.title)
    if glance < _UNLIKE and not isrc:  # another song, whoever plays it: most candidates end here or below
        return Score(total=glance / 2, title=glance, isrc=isrc, apart_ms=apart_ms)
    players, others = read_artists(source.artists), read_artists(candidate.artists)
    if not isrc and (apart_ms is None or apart_ms > _SAME_LENGTH_MS):
        strange = _strangeness(source, candidate, players=players, others=others)
        if strange is not None:  # nobody takes it for the same, whatever the titles say
            return Score(total=glance * strange, title=glance, artist=strange, isrc=isrc, apart_ms=apart_ms)
    titles = _read_titles(source, candidate, players=players, others=others)
    if titles.likeness < 0.5 and not isrc:
        return Score(total=titles.likeness / 2, title=titles.likeness, isrc=isrc, apart_ms=apart_ms)
    artist = _artist_likeness(titles, players, others)
    albums = _compare_albums(source, candidate)
    own_album = albums.is_same and albums.wanted_name != titles.wanted.core
    closeness = Closeness(
        apart_ms=apart_ms,
        is_same_file=apart_ms == 0 and (source.duration_ms or 0) % 1_000 != 0,
        is_same_release=own_album,
    )
    findings = find_conflicts(
        Side(titles.wanted, albums.wanted, players),
        Side(titles.found, albums.found, others),
        closeness=closeness,
    )
    duration = None if apart_ms is None else max(0.0, 1 - max(0, apart_ms - 1_000) / _FAR_MS)
    return Score(
        total=_total(titles.likeness, artist=artist, duration=duration, album=albums.likeness)
        * _trust(findings),
        title=titles.likeness,
        artist=artist,
        duration=duration,
        album=albums.likeness,
        isrc=isrc,
        apart_ms=apart_ms,
        apart_share=(apart_ms or 0) / max(source.duration_ms or 1, candidate.duration_ms or 1),
        own_album=own_album,
        same_file=closeness.is_same_file,
        is_contained=_may_be_one(titles, source, candidate),
        is_identical=_description(source) == _description(candidate) and bool(source.title.strip()),
        conflicts=findings.conflicts,
        difference=findings.difference,
        doubts=findings.doubts,
        notes=findings.notes + tuple(f"the title also says “{said}”" for said in titles.strange),
    )


def _glance(wanted: str, found: str) -> float:
    """Compare two titles without taking them apart, never lower than they are alike; 0..1."""
    whole, other = fold(wanted), fold(found)
    if not whole or not other:
        return 0.0  # a blank title is like none, not like another blank one
    if not (whole.isascii() and other.isascii()):
        return 1.0
    shared = fuzz.token_set_ratio(whole, other) / 100
    if shared >= _UNLIKE:
        return shared
    core, other_core = fold(_outside(wanted)), fold(_outside(found))
    if core != whole:
        shared = max(shared, fuzz.token_set_ratio(core, other) / 100)
    if other_core != other:
        shared = max(shared, fuzz.token_set_ratio(whole, other_core) / 100)
    return 1.0 if shared < _UNLIKE and fuzz.partial_ratio(core, other_core) >= 75 else shared


def _strangeness(
    source: Track, candidate: Track, *, players: Artists | None, others: Artists | None
) -> float | None:
    """Return how little two credits are alike where neither is named by the other's title; else None."""
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


def _read_titles(
    source: Track, candidate: Track, *, players: Artists | None, others: Artists | None
) -> _Titles:
    """Read both titles as they stand, or one as a display string, whichever makes them more alike."""
    wanted, found = read_title(source.title), read_title(candidate.title)
    plain = _Titles(wanted, found, title_likeness(wanted, found))
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


def _read_display(told: Track, shown: Track, *, names: tuple[str, ...]) -> list[_Titles]:
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
    return [_Titles(title, read, title_likeness(title, read), display.has_artist, display.strange)]


def _may_be_one(titles: _Titles, source: Track, candidate: Track) -> bool:
    """Say whether one title holds the other, or may be the other in another language."""
    if not are_foreign(titles.wanted.full, titles.found.full):
        return is_contained(titles.wanted, titles.found)
    places = [(track.disc_number or 1, track.track_number) for track in (source, candidate)]
    return places[0] == places[1] and source.track_number is not None


def _artist_likeness(titles: _Titles, players: Artists | None, others: Artists | None) -> float | None:
    guests = (titles.wanted.guests, titles.found.guests)
    artist = artist_likeness(players, others, guests=guests, is_work=titles.wanted.is_work)
    if not titles.names_artist:
        return artist
    return 0.95 if artist is None else max(artist, _SHOWN)


def _description(track: Track) -> tuple[object, ...]:
    return track.title, track.artists, track.album, track.duration_ms


def _apart_ms(source: Track, candidate: Track) -> int | None:
    if not source.duration_ms or not candidate.duration_ms:
        return None
    return abs(source.duration_ms - candidate.duration_ms)


def _compare_albums(source: Track, candidate: Track) -> _Albums:
    wanted = read_album(source.album) if source.album else None
    found = read_album(candidate.album) if candidate.album else None
    if wanted is None or found is None:
        return _Albums(wanted, found)
    likeness = fuzz.ratio(wanted.name, found.name) / 100
    if likeness < 0.9 and wanted.name.removeprefix("the ") == found.name.removeprefix("the "):
        likeness = 0.98
    if wanted.kinds != found.kinds:
        likeness *= 0.85
    return _Albums(wanted, found, likeness)


def _total(title: float, *, artist: float | None, duration: float | None, album: float | None) -> float:
    """Weigh the fields; what is unknown counts as neither good nor bad."""
    total = 0.45 * title
    total += 0.3 * (0.6 if artist is None else artist)
    total += 0.2 * (0.75 if duration is None else duration)
    total += 0.05 * (0.5 if album is None else album)
    return min(1.0, total)


def _trust(findings: Findings) -> float:
    return 0.5 if findings.conflicts else 0.95 ** len((*findings.doubts, *findings.notes))

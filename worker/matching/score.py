"""How near a candidate is to a source track, field by field, with what speaks against it."""

import msgspec
from rapidfuzz import fuzz

from shared.models import Track
from worker.matching.conflicts import Closeness, Difference, Findings, Side, find_conflicts
from worker.matching.likeness import are_foreign, artist_likeness, is_contained
from worker.matching.normalize import Artists, read_artists
from worker.matching.readings import UNLIKE, Titles, glance, likeness_of_strangers, read_titles
from worker.matching.titles import Album, read_album

_FAR_MS = 16_000
_SAME_LENGTH_MS = 1_000
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
    likeness = glance(source.title, candidate.title)
    if likeness < UNLIKE and not isrc:  # another song, whoever plays it: most candidates end here or below
        return Score(total=likeness / 2, title=likeness, isrc=isrc, apart_ms=apart_ms)
    players, others = read_artists(source.artists), read_artists(candidate.artists)
    if not isrc and (apart_ms is None or apart_ms > _SAME_LENGTH_MS):
        unlike = likeness_of_strangers(source, candidate, players=players, others=others)
        if unlike is not None:  # nobody takes it for the same, whatever the titles say
            return Score(total=likeness * unlike, title=likeness, artist=unlike, isrc=isrc, apart_ms=apart_ms)
    titles = read_titles(source, candidate, players=players, others=others)
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


def _may_be_one(titles: Titles, source: Track, candidate: Track) -> bool:
    """Say whether one title holds the other, or may be the other in another language."""
    if not are_foreign(titles.wanted.full, titles.found.full):
        return is_contained(titles.wanted, titles.found)
    places = [(track.disc_number or 1, track.track_number) for track in (source, candidate)]
    return places[0] == places[1] and source.track_number is not None


def _artist_likeness(titles: Titles, players: Artists | None, others: Artists | None) -> float | None:
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

"""Which albums to look for where several tracks share one, which found ones to read, and what to take."""

from collections.abc import Mapping, Sequence
from heapq import nlargest

import msgspec
from rapidfuzz import fuzz

from shared.models import Album, Track
from worker.matching.normalize import fold, fold_name, read_artists
from worker.matching.query import main_artist
from worker.matching.titles import read_album, read_title

LEAST_SHARING = 3
"""Tracks that must share an album: finding and reading it costs two requests, a text search at least one."""
MOST_READ = 2
"""Albums of one name that are read: the standard one and the deluxe one, say."""
_MOST_COMPARED = 30
_ALIKE = 0.9


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """An album on which several tracks stand, as the source names it; tracks by their position."""

    name: str
    artist: str
    tracks: dict[int, Track]

    @property
    def searched(self) -> str:
        """What to search for: the name without its packaging (deluxe, EP), which each platform words anew."""
        title = read_title(self.name)
        return " ".join((title.written, *title.version_words))


def shared_albums(tracks: Mapping[int, Track]) -> tuple[Shared, ...]:
    """Return the albums of one main artist on which at least LEAST_SHARING of the tracks stand."""
    groups: dict[tuple[str, str], dict[int, Track]] = {}
    for position, track in tracks.items():
        artist = main_artist(track)
        if artist and track.album and track.album.strip():
            groups.setdefault((fold(track.album), fold_name(artist)), {})[position] = track
    return tuple(_shared(group) for group in groups.values() if len(group) >= LEAST_SHARING)


def likely_albums(shared: Shared, found: Sequence[Album]) -> tuple[Album, ...]:
    """Return at most MOST_READ of the found albums that may be the shared one, the likeliest first."""
    wanted = read_album(shared.name)

    def unlikeness(album: Album) -> tuple[object, ...]:
        other = read_album(album.name)
        return (
            other.kinds != wanted.kinds,
            not _has_room(album, shared),
            other.words != wanted.words,
            -_likeness(album, shared),
        )

    likely = [album for album in found if _likeness(album, shared) >= _ALIKE and _is_by(album, shared.artist)]
    return tuple(sorted(likely, key=unlikeness)[:MOST_READ])


def plausible_tracks(source: Track, tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return what of an album may be the source; of a long one, what has its number or the nearest titles."""
    if len(tracks) <= _MOST_COMPARED:
        return tuple(tracks)
    title, place = fold(source.title), _place(source)

    def nearness(track: Track) -> tuple[bool, float]:
        return place is not None and _place(track) == place, fuzz.token_set_ratio(title, fold(track.title))

    return tuple(nlargest(_MOST_COMPARED, tracks, key=nearness))


def _shared(tracks: dict[int, Track]) -> Shared:
    first = next(iter(tracks.values()))
    return Shared(name=first.album or "", artist=main_artist(first), tracks=tracks)


def _likeness(album: Album, shared: Shared) -> float:
    return fuzz.ratio(read_album(shared.name).name, read_album(album.name).name) / 100


def _is_by(album: Album, artist: str) -> bool:
    """Say whether an album names the artist, in whichever script; one that names nobody may be theirs."""
    players, wanted = read_artists(album.artists), read_artists((artist,))
    if players is None or wanted is None:
        return True
    return not {*wanted.names, *wanted.roman_names}.isdisjoint({*players.names, *players.roman_names})


def _has_room(album: Album, shared: Shared) -> bool:
    tracks = shared.tracks.values()
    least = max(len({fold(track.title) for track in tracks}), *(track.track_number or 0 for track in tracks))
    return album.track_count is None or album.track_count >= least


def _place(track: Track) -> tuple[int, int] | None:
    return None if track.track_number is None else (track.disc_number or 1, track.track_number)

"""How sure the evidence of one comparison makes it that two tracks are one recording."""

from enum import IntEnum

import msgspec

from worker.matching.conflicts import CLOSE_MS, Difference
from worker.matching.score import Score

_FAR_MS = 15_000
_FAR_SHARE = 0.1  # of an equal ISRC's durations; edits and long fades are sold under one


class Level(IntEnum):
    """How sure it is that a candidate is the recording, the surest highest.

    OTHER_TAKE: the same song by the same hands, played or cut another way. DOUBTFUL: a person has to look.
    """

    OTHER = 0
    OTHER_VERSION = 1
    OTHER_TAKE = 2
    DOUBTFUL = 3
    PROBABLE = 4
    SAME = 5
    EXACT = 6


class _Rule(msgspec.Struct, frozen=True):
    """Durations at most so far apart, on albums at least so alike, need at least such a title and artist.

    contained: and one title holds the other, or stands in another script at the same place of the album.
    """

    apart_ms: int
    album: int
    title: float
    artist: float
    contained: bool = False


_ANY_ALBUM, _EQUAL_ALBUM, _OWN_ALBUM = range(3)

# The nearer the durations and the surer the album, the looser title and artist may be: artists rename
# themselves and titles are spelled anew, but nothing else on an album is as long to the second.
_SAME = (
    _Rule(1_000, _OWN_ALBUM, title=0.97, artist=0.0),
    _Rule(1_000, _OWN_ALBUM, title=0.70, artist=0.60, contained=True),
    _Rule(1_000, _EQUAL_ALBUM, title=0.97, artist=0.66),
    _Rule(1_000, _EQUAL_ALBUM, title=0.70, artist=0.95, contained=True),
    _Rule(CLOSE_MS, _ANY_ALBUM, title=0.80, artist=0.68),
    _Rule(8_000, _ANY_ALBUM, title=0.93, artist=0.80),
    _Rule(10_500, _OWN_ALBUM, title=0.97, artist=0.95),
)


def rate(evidence: Score) -> Level:
    """Say how sure the evidence makes it that two tracks are one recording."""
    if evidence.isrc == 1.0:
        return _rate_equal_isrc(evidence)
    if evidence.conflicts:
        return _rate_conflict(evidence)
    if _is_same(evidence):
        return Level.SAME
    artist = 0.65 if evidence.artist is None else evidence.artist
    is_far = evidence.apart_ms is not None and evidence.apart_ms > _FAR_MS
    if evidence.title >= 0.75 and artist >= 0.6 and not is_far:
        return Level.PROBABLE
    return Level.DOUBTFUL if evidence.title >= 0.9 and artist >= 0.45 else Level.OTHER


def _rate_equal_isrc(evidence: Score) -> Level:
    """An equal ISRC is strong evidence, not proof: catalogs carry wrong ones."""
    artist = evidence.artist or 0.0
    if evidence.title < 0.6 and artist < 0.7:
        return Level.DOUBTFUL
    is_told = evidence.title >= 0.93 and artist >= 0.8  # then a title may be silent about its version
    if evidence.apart_ms is not None and evidence.apart_ms <= CLOSE_MS:
        is_other = evidence.difference >= Difference.VERSION and artist < 0.7
        return Level.DOUBTFUL if is_other or evidence.difference is Difference.CONTRADICTION else Level.EXACT
    if evidence.difference is Difference.CONTRADICTION or (evidence.conflicts and not is_told):
        return Level.DOUBTFUL
    return Level.EXACT if evidence.apart_share <= _FAR_SHARE else Level.DOUBTFUL


def _rate_conflict(evidence: Score) -> Level:
    if evidence.title < 0.9 or (evidence.artist is not None and evidence.artist < 0.7):
        return Level.OTHER
    is_by_same = evidence.artist is not None and evidence.artist >= 0.8
    return Level.OTHER_TAKE if evidence.difference is Difference.TAKE and is_by_same else Level.OTHER_VERSION


def _is_same(evidence: Score) -> bool:
    if evidence.is_identical:
        return True
    if evidence.same_file and not evidence.doubts and evidence.title >= 0.7 and (evidence.artist or 0) >= 0.9:
        return True  # a title in two scripts, or spelled anew
    apart_ms = evidence.apart_ms
    if apart_ms is None:
        if evidence.artist is None:
            return evidence.title == 1.0 and not evidence.doubts
        is_sure = not evidence.doubts or evidence.own_album
        return evidence.title >= 0.93 and evidence.artist >= 0.84 and is_sure
    album = _ANY_ALBUM
    if (evidence.album or 0.0) >= 0.9:
        album = _OWN_ALBUM if evidence.own_album else _EQUAL_ALBUM
    artist = 0.7 if evidence.artist is None else evidence.artist
    return any(
        apart_ms <= rule.apart_ms
        and album >= rule.album
        and evidence.title >= rule.title
        and artist >= rule.artist
        and (evidence.is_contained or not rule.contained)
        for rule in _SAME
    )

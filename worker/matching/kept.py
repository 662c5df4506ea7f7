"""Which album or artist of another platform is the one that an account keeps: pure."""

from collections.abc import Sequence

import msgspec
from rapidfuzz import fuzz

from shared.models import Outcome, Policy, Track
from worker.matching.decide import Alternative, Decision
from worker.matching.normalize import fold_name, read_artists
from worker.matching.score import score
from worker.matching.titles import Album, read_album

_ALTERNATIVES = 5
_ALIKE = 0.9

_SAME_MUSIC = frozenset({"remaster", "remastered", "edition", "version", "album", "explicit", "clean", "ep"})
"""Words behind an album's name that make no other edition of it; a year does not either."""

_SAME = "The name{}."
_SEVERAL = "Not certain enough: {} bear this name."
_NOT_EXACT = "Nothing but its name tells that it is the same."
_EDITION = "Only another edition was found: {}."


class _Nearness(msgspec.Struct, frozen=True, order=True):
    """How an album stands to the wanted one; the nearest sorts first."""

    is_other_edition: bool
    is_only_alike: bool
    is_worded_otherwise: bool
    has_other_length: bool
    is_of_other_year: bool
    unlikeness: float
    index: int


def decide_album(source: Track, candidates: Sequence[Track], *, policy: Policy) -> Decision:
    """Choose the album of that name by that artist, in the same edition; tracks stand for albums.

    One that only resembles it, or that several are, is `review`; a deluxe or live edition of it is another
    version. Its track count and year choose among equal ones.
    """
    near = sorted(filter(None, (_near(source, one, index) for index, one in enumerate(candidates))))
    if not near:
        return _nothing(source, candidates)
    best, indexes = near[0], [one.index for one in near]
    if best.is_only_alike or policy is Policy.EXACT:
        reason = _NOT_EXACT if not best.is_only_alike else "Not certain enough: the name is similar."
        return _decision(source, candidates, indexes, outcome=Outcome.REVIEW, reason=reason)
    if best.is_other_edition:
        reason = _EDITION.format(candidates[best.index].title)
        is_taken = policy is Policy.BEST_EFFORT
        outcome = Outcome.BEST_EFFORT if is_taken else Outcome.ONLY_OTHER_VERSION
        return _decision(source, candidates, indexes, outcome=outcome, reason=reason, is_chosen=is_taken)
    told = " and the artist agree"
    if source.track_count and source.track_count == candidates[best.index].track_count:
        told = f", the artist and the number of tracks ({source.track_count}) agree"
    reason = _SAME.format(told)
    return _decision(
        source, candidates, indexes, outcome=Outcome.SAME_RECORDING, reason=reason, is_chosen=True
    )


def decide_artist(source: Track, candidates: Sequence[Track], *, policy: Policy) -> Decision:
    """Choose the artist of that name; where several bear it, the first only for best effort."""
    wanted = fold_name(source.title)
    same = [index for index, one in enumerate(candidates) if fold_name(one.title) == wanted]
    if not same:
        return _nothing(source, candidates)
    if policy is Policy.EXACT:
        return _decision(source, candidates, same, outcome=Outcome.REVIEW, reason=_NOT_EXACT)
    if len(same) == 1:
        reason = _SAME.format(" agrees")
        return _decision(
            source, candidates, same, outcome=Outcome.SAME_RECORDING, reason=reason, is_chosen=True
        )
    is_taken = policy is Policy.BEST_EFFORT
    outcome = Outcome.BEST_EFFORT if is_taken else Outcome.REVIEW
    reason = _SEVERAL.format(f"{len(same)} artists")
    return _decision(source, candidates, same, outcome=outcome, reason=reason, is_chosen=is_taken)


def _near(source: Track, candidate: Track, index: int) -> _Nearness | None:
    wanted, other = read_album(source.title), read_album(candidate.title)
    likeness = fuzz.ratio(wanted.name, other.name) / 100
    if likeness < _ALIKE or not _share_artist(source, candidate):
        return None
    lengths = {source.track_count, candidate.track_count} - {None}
    years = {(one.release_date or "")[:4] for one in (source, candidate)} - {""}
    return _Nearness(
        is_other_edition=(wanted.kinds, _edition(wanted)) != (other.kinds, _edition(other)),
        is_only_alike=wanted.name != other.name,
        is_worded_otherwise=wanted.words != other.words,
        has_other_length=len(lengths) > 1,
        is_of_other_year=len(years) > 1,
        unlikeness=1 - likeness,
        index=index,
    )


def _edition(album: Album) -> frozenset[str]:
    """Return what its words say of an edition that has other music, "deluxe" for one."""
    words = {*album.words.split()} - {*album.name.split()} - _SAME_MUSIC
    return frozenset(word for word in words if not word.isdigit())


def _share_artist(source: Track, candidate: Track) -> bool:
    wanted, players = read_artists(source.artists), read_artists(candidate.artists)
    if wanted is None or players is None:
        return True
    return not {*wanted.names, *wanted.roman_names}.isdisjoint({*players.names, *players.roman_names})


def _nothing(source: Track, candidates: Sequence[Track]) -> Decision:
    if not candidates:
        return Decision(outcome=Outcome.NO_CANDIDATE, reason="The search found nothing.")
    nearest = max((score(source, one) for one in candidates), key=lambda evidence: evidence.total)
    reason = "What was found bears other names."
    return Decision(outcome=Outcome.NO_CANDIDATE, reason=reason, score=nearest.total, evidence=nearest)


def _decision(
    source: Track,
    candidates: Sequence[Track],
    indexes: Sequence[int],
    *,
    outcome: Outcome,
    reason: str,
    is_chosen: bool = False,
) -> Decision:
    """Tell about the candidates at these indexes, the best one first."""
    evidence = {index: score(source, candidates[index]) for index in indexes}
    best, others = indexes[0], indexes[1:] if is_chosen else indexes
    return Decision(
        outcome=outcome,
        reason=reason,
        choice=best if is_chosen else None,
        score=evidence[best].total,
        evidence=evidence[best],
        alternatives=tuple(
            Alternative(index=index, reason="The name is the same or similar.", evidence=evidence[index])
            for index in others[:_ALTERNATIVES]
        ),
    )

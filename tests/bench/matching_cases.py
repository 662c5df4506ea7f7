"""Labelled questions for the matcher: which candidate is the source, if any?"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from shared.models import Platform, Policy, Track, TrackId
from shared.platforms.base import parse_isrc
from worker.matching.decide import Decision, decide


class CaseTrack(msgspec.Struct, frozen=True):
    """A track as the cases describe it; platforms without an adapter are among them."""

    title: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    artists_partial: bool = False  # only the main artist is known
    artists_joined: bool = False  # one display string for all artists
    duration_precision: str | None = None  # "s": whole seconds


class Case(msgspec.Struct, frozen=True):
    """A question: which candidate is the source? want is None where none is."""

    id: str
    kind: str
    source: CaseTrack
    candidates: tuple[CaseTrack, ...]
    want: int | None = None


def read_cases(path: Path) -> Iterator[Case]:
    decoder = msgspec.json.Decoder(Case)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def to_track(raw: CaseTrack, *, place: str, ignore_isrc: bool) -> Track:
    """Make the track that the matcher sees. The id is the place, so that it gives nothing away."""
    return Track(
        platform=Platform.SPOTIFY,
        id=TrackId(place),
        title=raw.title,
        artists=raw.artists,
        album=raw.album,
        duration_ms=raw.duration_ms,
        isrc=None if ignore_isrc else parse_isrc(raw.isrc),
        explicit=raw.explicit,
        release_date=raw.release_date,
        track_number=raw.track_number,
        disc_number=raw.disc_number,
    )


class Question(msgspec.Struct, frozen=True):
    """A case as the matcher meets it."""

    source: Track
    candidates: tuple[Track, ...]

    def decide(self, policy: Policy) -> Decision:
        return decide(self.source, self.candidates, policy=policy)


def to_question(case: Case, *, ignore_isrc: bool) -> Question:
    return Question(
        source=to_track(case.source, place="source", ignore_isrc=ignore_isrc),
        candidates=tuple(
            to_track(raw, place=str(place), ignore_isrc=ignore_isrc)
            for place, raw in enumerate(case.candidates)
        ),
    )

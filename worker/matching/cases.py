"""Questions for the matcher from outside: a source, its candidates and, where it is known, the right one."""

from typing import Any

import msgspec

from shared.errors import FieldFault, ValidationFailed
from shared.models import Explicit, Outcome, Platform, Policy, Track, TrackId
from shared.platforms.values import parse_isrc
from worker.matching.decide import Decision, decide


class CaseTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A track as some catalog describes it; fields that it does not know are absent or null."""

    title: str | None = None
    artists: tuple[str, ...] | None = None
    album: str | None = None
    duration_ms: float | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A question. want: index of the right candidate, None where none is right or nobody says."""

    id: str
    source: CaseTrack
    candidates: tuple[CaseTrack, ...]
    kind: str = ""
    want: int | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. choice: index of the accepted candidate, None where none is; verdict: the outcome."""

    id: str
    choice: int | None
    verdict: Outcome
    score: float
    reason: str


_DECODER = msgspec.json.Decoder(Case)


def read_case(line: bytes | str, *, number: int) -> Case:
    """Decode one line of a file of cases. Raises ValidationFailed, which names the line and the field."""
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError as error:
        fault = FieldFault(f"/{number}", str(error))
        raise ValidationFailed(
            f"Line {number} is no case {{id, source, candidates}}: {error}", faults=(fault,)
        ) from error


def answer(
    case: Case, *, policy: Policy, explicit: Explicit = Explicit.AS_SOURCE, ignore_isrc: bool = False
) -> Choice:
    """Decide one case as a transfer would."""
    decision = decide_case(case, policy=policy, explicit=explicit, ignore_isrc=ignore_isrc)
    return Choice(
        id=case.id,
        choice=decision.choice,
        verdict=decision.outcome,
        score=round(decision.score, 4),
        reason=decision.reason,
    )


def decide_case(
    case: Case, *, policy: Policy, explicit: Explicit = Explicit.AS_SOURCE, ignore_isrc: bool = False
) -> Decision:
    source = to_track(case.source, place="source", ignore_isrc=ignore_isrc)
    candidates = [
        to_track(raw, place=f"{place:04}", ignore_isrc=ignore_isrc)
        for place, raw in enumerate(case.candidates)
    ]
    return decide(source, candidates, policy=policy, explicit=explicit)


def to_track(raw: CaseTrack, *, place: str, ignore_isrc: bool) -> Track:
    """Make the track that the matcher sees; its id is its place, so that it gives nothing away."""
    facts: dict[str, Any] = msgspec.structs.asdict(raw) | {
        "title": raw.title or "",
        "artists": raw.artists or (),
        "duration_ms": None if raw.duration_ms is None else round(raw.duration_ms),
        "isrc": None if ignore_isrc else parse_isrc(raw.isrc),
    }
    return Track(platform=Platform.SPOTIFY, id=TrackId(place), **facts)
